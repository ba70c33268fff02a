// Runs the audits of the GraphQL-over-HTTP specification (npm: graphql-http) against a running server, all of them:
//
//     node audits.mjs http://127.0.0.1:8000/graphql
//
// An audit that is a recommendation counts as much as one that is a must. Leaves with code 1 where one does not hold.
import { auditServer } from 'graphql-http';

const url = process.argv[2];
if (!url) {
  console.error('usage: node audits.mjs URL');
  process.exit(2);
}
const results = await auditServer({ url });
const failed = results.filter((result) => result.status !== 'ok');
for (const result of failed) {
  console.log(`${result.id} ${result.status}: ${result.name}: ${result.reason}`);
}
console.log(`${results.length - failed.length} of ${results.length} audits hold`);
// The number is that of the version in the lock file: fewer would mean that some were not run.
process.exit(failed.length === 0 && results.length === 61 ? 0 : 1);

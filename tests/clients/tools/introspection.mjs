// Reads the answer to the introspection query from standard input, as code generators do, and compares it with the schema in
// the file: neither may have what the other has not.
//
//     throughline schema --format introspection | node introspection.mjs schema.graphql
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { buildClientSchema, buildSchema, lexicographicSortSchema, printSchema, validateSchema } from 'graphql';

const told = buildClientSchema(JSON.parse(readFileSync(0, 'utf8')).data);
const written = buildSchema(readFileSync(process.argv[2], 'utf8'));
assert.deepEqual(validateSchema(told), []);
assert.deepEqual(validateSchema(written), []);
// The framework describes the schema in general words, for which the SDL has no place.
told.description = undefined;
const print = (schema) => printSchema(lexicographicSortSchema(schema));
assert.equal(print(told), print(written));
console.log(`${Object.keys(told.getTypeMap()).length} types`);

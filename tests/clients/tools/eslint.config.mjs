import { fileURLToPath } from 'node:url';
import graphql from '@graphql-eslint/eslint-plugin';

// ESLint looks at nothing outside of its base path, which is the folder that it is started in: the repository's.
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

// The rules stay on where our schema has few exceptions: eslint-suppressions.json counts them, so that one more is an error.
export default [
  {
    files: ['**/*.graphql'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: {
        graphQLConfig: { schema: path('../../../schema.graphql'), documents: path('../documents/**/*.graphql') },
      },
    },
    plugins: { '@graphql-eslint': graphql },
  },
  {
    files: ['schema.graphql'],
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // An object has an id. What is no object has none: a page, what became of a mutation, a count, what was changed.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Connection', 'Edge', 'Payload', 'Result', 'Summary', 'Count', 'Change'],
            types: ['PageInfo', 'UserError', 'VersionConflict', 'EventField', 'EnvironmentDeployments', 'Viewer', 'RateLimit'],
          },
        },
      ],
      // Connections have `nodes` beside `edges`, and there are short lists that are whole, such as a payload's mistakes. A hit
      // of a search is no `Node`, but has one.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
      // What is ranked is read forwards, which the specification of connections allows: `search`. In `more…` the cursors
      // stand in `pages`, since there are many.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
    },
  },
  { files: ['tests/clients/documents/**/*.graphql'], rules: graphql.configs['flat/operations-recommended'].rules },
];

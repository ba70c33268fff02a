// GraphQL Code Generator, as its documentation recommends it: the client preset.
export default {
  schema: '../../../schema.graphql',
  documents: ['../documents/**/*.graphql'],
  generates: {
    'generated/codegen/': {
      preset: 'client',
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'getFragmentData' }, persistedDocuments: true },
      config: { scalars: { DateTime: 'string', JSON: 'unknown' }, strictScalars: true, useTypeImports: true },
    },
  },
};

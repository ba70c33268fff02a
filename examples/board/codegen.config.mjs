// The types of every document, and the documents as values, from the server's own schema. They are made by each build and kept nowhere.
export default {
  schema: '../../schema.graphql',
  documents: ['src/documents/*.graphql'],
  generates: {
    'src/generated/': {
      preset: 'client',
      // A component here names the fragment that it shows; hiding the fields from everybody else would be one more thing to learn.
      presetConfig: { fragmentMasking: false },
      config: { scalars: { DateTime: 'string', JSON: 'unknown' }, strictScalars: true, useTypeImports: true, enumsAsTypes: true },
    },
  },
};

import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      '.cache/',
      'runs/',
      'coverage/',
      'examples/*/dist/',
      'test/consumers/**/dist/',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Indexing loops over typed arrays is the bulk of the numeric code; for-of would copy or box there.
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/no-non-null-assertion': 'error',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    // Global names can only be declared by var, and only interfaces of others can be added to.
    files: ['**/*.d.ts'],
    rules: { 'no-var': 'off', '@typescript-eslint/consistent-type-definitions': 'off' },
  },
  {
    // Only the command line, the examples and the benches talk to a terminal.
    files: ['src/cli/**/*.ts', 'examples/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'rollup.config.ts'],
    rules: { 'no-console': 'off' },
  },
);

import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['build/', 'bench/node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: { sourceType: 'commonjs' },
  },
  {
    files: ['**/*.{cjs,js,mjs}'],
    languageOptions: {
      ecmaVersion: 2023,
      globals: { ...globals.node, WebAssembly: 'readonly' },
    },
    rules: {
      'consistent-return': 'error',
      eqeqeq: 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['test/**'],
    languageOptions: { globals: globals.mocha },
  },
];

/**
 * Jest in ESM mode: the product is ESM throughout (got 16 has no CommonJS build), so tests are too.
 * Needs `node --experimental-vm-modules`, which dev/run-tests.ts passes.
 *
 * @type {import('jest').Config}
 */
export default {
  testEnvironment: '<rootDir>/test/environment.js',
  testSequencer: '<rootDir>/test/sequencer.js',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Some tests start real servers; the slowest single start seen on two shared cores is about 10 s.
  testTimeout: 30_000,
  maxWorkers: 2,
  // Modules of past suites stay in a worker's heap, some 15 MB a suite: what collects garbage takes longer and longer.
  workerIdleMemoryLimit: '500MB',
  setupFiles: ['<rootDir>/test/seed.ts'],
};

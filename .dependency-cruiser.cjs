/**
 * Which folder may import which (ARCHITECTURE.md, 'Parts'). Imports go one way:
 * workflows -> sync; activities -> sync, deid, fhir, staging, state; those -> crypto or npm.
 *
 * The layer rules look at runtime imports: an `import type` leaves nothing behind in the running program.
 * CommonJS, since dependency-cruiser reads its configuration with `require`.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
const runtime = { dependencyTypesNot: ['type-only'] };

module.exports = {
  forbidden: [
    {
      name: 'workflows-stay-deterministic',
      comment: 'Workflow code runs in a sandbox and is replayed: only pure rules and the SDK may be bundled with it.',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { ...runtime, pathNot: ['^src/(workflows|sync)/', '(^|/)node_modules/@temporalio/(workflow|common)/'] },
    },
    {
      name: 'activities-know-the-rooms-below',
      comment:
        'An activity is one step: it gets its parts handed in and knows nothing of client, worker, config or CLI.',
      severity: 'error',
      from: { path: '^src/activities/' },
      to: {
        ...runtime,
        path: '^src/',
        pathNot: ['^src/(activities|sync|deid|fhir|staging|state|crypto|threads|log|limits)(/|\\.ts$)'],
      },
    },
    {
      name: 'sync-is-pure',
      comment: 'The rules of a stream are pure: no Node module, no npm package, so that workflows may hold them.',
      severity: 'error',
      from: { path: '^src/sync/' },
      to: { pathNot: ['^src/sync/', '^src/fhir/resource\\.ts$', '^src/limits\\.ts$'] },
    },
    {
      name: 'deid-is-pure',
      comment:
        'The engine does no I/O: node:crypto, the FHIRPath library and its own table of R4 are all it takes from outside.',
      severity: 'error',
      from: { path: '^src/deid/', pathNot: '^src/deid/(r4/model|path/fhirpath)\\.ts$' },
      to: {
        pathNot: [
          '^src/deid/',
          '^src/fhir/resource\\.ts$',
          '^src/limits\\.ts$',
          '^(node:)?crypto$',
          '(^|/)node_modules/(yaml|zod|fhirpath)/',
        ],
      },
    },
    {
      name: 'r4-model-and-fhirpath-load-once',
      comment: 'The files of the engine that load something: the table of R4, and the library when a rule needs it.',
      severity: 'error',
      from: { path: '^src/deid/(r4/model|path/fhirpath)\\.ts$' },
      to: { pathNot: ['^src/(deid|fhir)/', '^(node:)?(fs|module)$', '(^|/)node_modules/fhirpath/'] },
    },
    {
      name: 'yaml-only-in-the-policy-file-reader',
      severity: 'error',
      from: { path: '^src/deid/', pathNot: '^src/deid/(policy/read|compat/config/[a-z-]+)\\.ts$' },
      to: { path: '(^|/)node_modules/yaml/' },
    },
    {
      name: 'zod-only-in-the-policy-schema',
      severity: 'error',
      from: { path: '^src/deid/', pathNot: '^src/deid/policy/document\\.ts$' },
      to: { ...runtime, path: '(^|/)node_modules/zod/' },
    },
    {
      name: 'lower-rooms-know-only-crypto',
      comment:
        'fhir, staging and state stand side by side; what they share lies in crypto, log, limits, fhir/resource.',
      severity: 'error',
      from: { path: '^src/(fhir|staging|state)/' },
      to: {
        ...runtime,
        path: '^src/',
        // sync: the state decides by the stream's pure rules within its transactions.
        pathNot: ['^src/($1|crypto|sync)/', '^src/fhir/resource\\.ts$', '^src/(log|limits)(/|\\.ts$)'],
      },
    },
    {
      name: 'src-stands-alone',
      comment: 'What ships never imports tests, tools or benchmarks.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|dev|bench)/' },
    },
    {
      name: 'emulator-stays-outside',
      comment: 'The Aidbox double is for the demo and the tests; no product code may lean on it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/emulator/' },
      to: { path: '^src/emulator/' },
    },
    {
      name: 'src-needs-no-dev-dependency',
      comment: '`npm ci --omit=dev` must leave a program that runs.',
      severity: 'error',
      from: { path: '^src/' },
      to: { ...runtime, dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // sees `import type` too, and tells it from a runtime import
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

/**
 * The Temporal servers for the demo, the tests and the benchmarks: finding them (temporal-find.ts) and starting the dev
 * server (temporal-dev-server.ts). Import from here.
 */
export { cacheFolderOf, findDevServer, findTestServer } from './temporal-find.ts';
export type { FindOptions, FoundDevServer, FoundTestServer } from './temporal-find.ts';
export { startDevServer } from './temporal-dev-server.ts';
export type { DevServer, StartOptions } from './temporal-dev-server.ts';
export { ensureSearchAttributes } from '../src/temporal/search-attributes.ts';
export type { SearchAttributeTypes } from '../src/temporal/search-attributes.ts';

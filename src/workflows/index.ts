/** The workflows that a site's worker knows. */
export { describeStreams } from './describe-streams.ts';
export { pollInstance } from './poll-instance.ts';
export { syncResourceType } from './sync-resource-type.ts';

/** The workflows that a site's worker knows. */
export { describeStreams } from './describe-streams.ts';
export { pollInstance } from './poll-instance.ts';
export { listConflicts, reconcileInstance, reconcileStream } from './reconcile.ts';
export { joinInstance } from './join-instance.ts';
export { leaveInstance } from './leave-instance.ts';
export { tendQuarantine } from './tend-quarantine.ts';
export { syncResourceType } from './sync-resource-type.ts';

/** What a job does to each record. */
import { loadPlugins } from '../../threads/plugins.ts';
import { compatTransform } from './compat.ts';
import type { Job } from './job.ts';
import { policyTransform } from './policy-transform.ts';
import type { Transform } from './transform.ts';

/** Plug-ins are code and cannot be handed to a thread: each loads them by itself. */
export const transformOf = async (job: Job): Promise<Transform> =>
  job.kind === 'policy' ? policyTransform(job, await loadPlugins(job.plugins)) : compatTransform(job);

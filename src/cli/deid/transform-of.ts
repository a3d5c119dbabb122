/** What a job does to each record. */
import { compatTransform } from './compat.ts';
import type { Job } from './job.ts';
import { policyTransform } from './policy-transform.ts';
import type { Transform } from './transform.ts';

export const transformOf = (job: Job): Transform =>
  job.kind === 'policy' ? policyTransform(job) : compatTransform(job);

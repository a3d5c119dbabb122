/** Errors of the S3 API as `StagingProblem`s. The error itself is dropped: it quotes keys, hosts and request ids. */
import { StagingProblem, type StagingCode } from './staging.ts';

/** What a quota or a full disk is called: by Ceph, by MinIO. */
const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded']);

/** The problem for an error; what is a problem already stays. A 404 that is an object's is `missing`. */
export function s3Problem(error: unknown, missing: StagingCode = 'staging-unavailable'): StagingProblem {
  if (error instanceof StagingProblem) return error;
  const name = errorName(error);
  const status = statusOf(error);
  if (FULL.has(name) || status === 507) return new StagingProblem('staging-full');
  if (name === 'NoSuchBucket') return new StagingProblem('staging-bucket-missing');
  // The second: the standard chain found nobody to be.
  if (status === 401 || status === 403 || name === 'CredentialsProviderError')
    return new StagingProblem('staging-forbidden');
  if (status === 404) return new StagingProblem(missing);
  return new StagingProblem('staging-unavailable');
}

/** S3's own code of an error, such as `NoSuchKey`. Answers to HEAD have none. */
export function errorName(error: unknown): string {
  return error instanceof Object && 'name' in error ? String(error.name) : '';
}

/** The HTTP status of an answer that was an error. */
export function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Object && '$metadata' in error ? error.$metadata : undefined;
  const status = metadata instanceof Object && 'httpStatusCode' in metadata ? metadata.httpStatusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

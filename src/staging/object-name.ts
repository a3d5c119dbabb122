/** Names in staging: what may become a file's path or an S3 key. */
import { StagingProblem } from './staging.ts';

/** The object of a batch that holds its wrapped data key. */
export const KEY_PART = 'key';

/**
 * No leading dot: that keeps out `.` and `..`, and leaves dotted names to the store for its own temporary files. The length
 * fits every file system's 255 bytes, and an object context of two names fits HKDF's input.
 */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/** Both segments of `batch/part`. Throws `staging-name-refused`. */
export function splitName(name: string): { batch: string; part: string } {
  const [batch, part, ...more] = name.split('/');
  if (batch === undefined || part === undefined || more.length > 0) throw new StagingProblem('staging-name-refused');
  requireSegment(batch);
  requireSegment(part);
  return { batch, part };
}

/** Throws `staging-name-refused` unless `segment` is a safe batch or part name. */
export function requireSegment(segment: string): void {
  if (!SEGMENT.test(segment)) throw new StagingProblem('staging-name-refused');
}

/** Whether a directory entry is an object's or batch's, and not a store's temporary or something else's. */
export function isSegment(name: string): boolean {
  return SEGMENT.test(name);
}

/**
 * The cursor (ChangesInfo) in the target against the site's own notes. Pure; the table is in ARCHITECTURE.md.
 */
import type { JsonObject } from '../fhir/resource.ts';
import type { TroubleCode } from './trouble.ts';

/** What the cursor says. */
export interface Cursor {
  readonly epoch: number;
  readonly sequence: number;
  /** The batch of the last commit. */
  readonly batch: string;
  readonly policy: string;
}

/** What the site's state says of the same stream. */
export interface SiteNotes {
  readonly epoch: number;
  readonly sequence: number;
  /** Policy of the last commit; empty before the first of the stream. */
  readonly policy: string;
}

export type CursorVerdict =
  | { readonly kind: 'agree' }
  /** A commit of ours that the site has not noted yet. */
  | { readonly kind: 'commit-unnoted'; readonly batch: string }
  | { readonly kind: 'trouble'; readonly code: TroubleCode };

/**
 * Compares the two.
 * @param policy - digest of the policy in force; `down` streams have none and pass an empty one
 */
export function compareCursor(cursor: Cursor | undefined, site: SiteNotes, policy: string): CursorVerdict {
  const trouble = (code: TroubleCode): CursorVerdict => ({ kind: 'trouble', code });
  const begun = site.sequence > 0;
  if (cursor === undefined) return begun ? trouble('target-restored') : policyVerdict(site, policy);
  if (cursor.epoch > site.epoch) return trouble('state-lost');
  // A resync has begun a new epoch here; the target hears of it with its first commit.
  if (cursor.epoch < site.epoch) return begun ? trouble('target-restored') : policyVerdict(site, policy);
  if (cursor.sequence < site.sequence) return trouble('target-restored');
  if (cursor.sequence === site.sequence + 1) return { kind: 'commit-unnoted', batch: cursor.batch };
  if (cursor.sequence > site.sequence) return trouble('state-lost');
  return policyVerdict(site, policy);
}

function policyVerdict(site: SiteNotes, policy: string): CursorVerdict {
  const changed = site.sequence > 0 && site.policy !== policy;
  return changed ? { kind: 'trouble', code: 'policy-changed' } : { kind: 'agree' };
}

/** Reads a ChangesInfo resource. One that was not written by this program counts as none. */
export function cursorOf(resource: JsonObject | undefined): Cursor | undefined {
  if (resource === undefined) return undefined;
  const { kind, epoch, sequence, batch, policy } = resource;
  if (kind !== 'cursor' || typeof epoch !== 'number' || typeof sequence !== 'number' || typeof batch !== 'string')
    return undefined;
  return { epoch, sequence, batch, policy: typeof policy === 'string' ? policy : '' };
}

/** Id of a stream's cursor. At most 64 characters: instance 20, direction 4, type 33, two dots. */
export const cursorId = (instance: string, direction: string, type: string): string =>
  `${instance}.${direction}.${type}`;

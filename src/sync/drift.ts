/**
 * What a reconciliation says of one resource, by what the ledger, the target and the source said of it. Pure.
 *
 * Source and target are read one after the other while the feed goes on: whatever moves meanwhile is not judged.
 */

/** How source and target may differ. */
export const driftKinds = [
  'missing', // the source has it, and it was never written: bulk loaded, or written past the feed
  'changed', // the source's state gives another output than what was written: changed past the feed
  'purged', // it was written, and the source has it no more, and no feed said so
  'missing-in-target', // it was written, and is not there, or not as ours
  'unknown-in-target', // it is there as ours, and neither the source nor the ledger knows it
  'edited-in-target', // it is there in another version than the one that was written
] as const;

export type DriftKind = (typeof driftKinds)[number];

/** What the source may give in a digest's place. No digest looks like these. */
export const found = {
  /** The source has none. */
  nothing: '',
  /** The policy lets it not pass: it should not be in the target. */
  withheld: '-',
  /** It cannot be output: it belongs into quarantine. */
  refused: '!',
} as const;

/** What was seen of a key. */
export interface Sight {
  /** Digest of what was written; empty where nothing should be in the target. */
  readonly digest: string;
  /** The target's version of it; empty where it is not known. */
  readonly version: string;
  /** The version in the target now; null where it is not there. */
  readonly listed: string | null;
  /** Digest of what the source's state gives now, or one of `found`. */
  readonly found: string;
}

/** What is known of the key by now. */
export interface Present {
  /** Digest and version in the ledger now; an empty digest where it has none. */
  readonly digest: string;
  readonly version: string;
  readonly isParked: boolean;
  /** Why it stands in quarantine; empty where it does not. */
  readonly quarantined: string;
  readonly wanted: 'no' | 'pending' | 'done';
}

/** How a key differs; `moving` where it cannot be told because something was written meanwhile. */
export function driftOf(sight: Sight, present: Present): DriftKind | 'moving' | undefined {
  if (present.digest !== sight.digest || present.version !== sight.version) return 'moving';
  const kind = kindOf(sight);
  if (kind === undefined) return undefined;
  // On its way, or asked for.
  if (present.isParked || present.wanted === 'pending') return undefined;
  if (present.quarantined !== '' && isExplained(sight, present.quarantined)) return undefined;
  // It was asked for once and had no effect: an operator has given it up.
  if (sight.found === found.refused && present.wanted === 'done') return undefined;
  return kind;
}

/** What is refused differs for a reason that an operator sees already. */
const isExplained = (sight: Sight, quarantined: string): boolean =>
  sight.found !== found.nothing || quarantined === 'still-referenced';

function kindOf({ digest, version, listed, found: now }: Sight): DriftKind | undefined {
  const isLive = digest !== '';
  if (now === found.nothing) return isLive ? 'purged' : listed === null ? undefined : 'unknown-in-target';
  if (now === found.withheld) return isLive ? 'changed' : listed === null ? undefined : 'unknown-in-target';
  if (!isLive) return 'missing';
  if (listed === null) return 'missing-in-target';
  if (version !== '' && listed !== '' && listed !== version) return 'edited-in-target';
  return now === digest ? undefined : 'changed';
}

/** Whether nothing is to be said of a key, and nothing to be noted: source, ledger and target agree. */
export const isAlike = (sight: Sight): boolean =>
  kindOf(sight) === undefined && (sight.digest === '' || sight.version !== '' || (sight.listed ?? '') === '');

/** Kinds that hang on what the target lists. */
export const hangsOnTarget: ReadonlySet<DriftKind> = new Set([
  'missing-in-target',
  'unknown-in-target',
  'edited-in-target',
]);

/** Kinds whose cure is a delete; the others are asked of the source again. */
export const isDeletedBy: ReadonlySet<DriftKind> = new Set(['purged', 'unknown-in-target']);

/** The range that a key is counted in: the first character of its id, of a pseudonym the first after its key's version. */
export function rangeOf(key: string): string {
  const id = key.slice(key.indexOf('/') + 1).replace(/^p\d+-/, '');
  const first = id.charAt(0).toLowerCase();
  return /^[0-9a-z]$/.test(first) ? first : '*';
}

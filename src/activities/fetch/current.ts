/** The source's states of now, for ids whose rows do not say which of them is the newest. */
import type { Resource } from '../../fhir/resource.ts';
import type { StreamKey } from '../../state/streams.ts';
import type { SeenRow } from '../../state/window.ts';
import { cancelSignal, onSide } from '../failures.ts';
import { type Parts, sourceName } from '../parts.ts';
import { type BadRow, examineRow, idKeyOf, seenKeys, type SoundRow, type SourceState } from './rows.ts';

export interface CurrentStates {
  /** By id; `undefined` for what the source does not have. */
  readonly states: ReadonlyMap<string, SourceState>;
  readonly bad: readonly BadRow[];
  /** What the seen set has to know, so that no older row that comes later is taken for newer. */
  readonly seen: readonly SeenRow[];
}

/** Asks for current states; a bundle of GETs, so that no id stands in a URL. */
export async function currentStates(
  parts: Parts,
  stream: StreamKey,
  batch: string,
  ids: readonly string[],
): Promise<CurrentStates> {
  const states = new Map<string, SourceState>();
  const bad: BadRow[] = [];
  const seen: SeenRow[] = [];
  if (ids.length === 0) return { states, bad, seen };
  const source = parts.servers[sourceName(stream.direction)];
  const current = await onSide('source', () => source.current(stream.type, ids, cancelSignal()));
  for (const id of ids) {
    const found = current.get(id) ?? undefined;
    const examined = found === undefined || found === 'too-large' ? undefined : examine(parts, stream, found);
    if (examined?.kind === 'bad') {
      bad.push(examined);
      continue;
    }
    states.set(id, examined === undefined ? found : examined.resource);
    seen.push(seenOf(parts, stream, batch, id, examined));
  }
  return { states, bad, seen };
}

const examine = (parts: Parts, stream: StreamKey, resource: Resource): SoundRow | BadRow =>
  examineRow(
    { deleted: false, resource, pageBytes: Infinity },
    stream.type,
    parts.limits.resourceBytesMax,
    parts.sealer,
  );

/**
 * The row that brings this very version later is seen already. A state without a version (a delete, above all) is known all
 * the same: a row that comes later may be of a time before it.
 */
function seenOf(
  { sealer, now }: Parts,
  { type }: StreamKey,
  batch: string,
  id: string,
  examined: SoundRow | undefined,
): SeenRow {
  if (examined?.seenAs !== undefined) return seenKeys(sealer, type, examined, 0);
  return { rowKey: sealer.hash('read', type, id, batch), idKey: idKeyOf(sealer, type, id), version: 0, atMs: now() };
}

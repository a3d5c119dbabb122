/**
 * Fetch on demand: where a resource waits for a target whose own stream has read everything and not seen it (it was bulk
 * loaded, or written past the feed), that stream asks the source for it by its id. The id at the source stands in the raw
 * form of the batch alone, since a pseudonym cannot be turned back: it is looked for there, and kept sealed.
 */
import type { Json } from '../../fhir/resource.ts';
import { readLedger, typeOfKey } from '../../state/ledger.ts';
import { readStream, type StreamKey } from '../../state/streams.ts';
import { addWanted, wantedAmong } from '../../state/wanted.ts';
import { lineRanges, parseLine } from '../../threads/lines.ts';
import type { Batch } from '../contract.ts';
import { heartbeat } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { hasPart, readPart } from '../staged.ts';
import { targetKey } from '../target-key.ts';
import { wantedContext } from './contexts.ts';

/** Notes which targets of a batch's parked resources have to be asked for. */
export async function noteWanted(
  parts: Parts,
  { id, stream }: Pick<Batch, 'id' | 'stream'>,
  needs: readonly string[],
): Promise<void> {
  const { direction } = stream;
  const missing = await missingOfLoaded(parts, direction, needs);
  if (missing.size === 0) return;
  const found = new Map<string, string>();
  for (let part = 0; found.size < missing.size && (await hasPart(parts.staging, id, 'raw', part)); part++) {
    const bytes = await readPart(parts.staging, id, 'raw', part);
    for (const { start, end } of lineRanges(bytes)) {
      const line = parseLine(bytes, start, end);
      if (line.kind !== 'put') continue;
      for (const [type, sourceId] of referencesIn(line.resource)) {
        const key = targetKey(parts, { direction, type }, sourceId);
        if (missing.has(key)) found.set(key, sourceId);
      }
    }
    heartbeat({ rawPartsRead: part + 1 });
  }
  for (const [type, entries] of Map.groupBy(found, ([key]) => typeOfKey(key))) {
    const wanted = entries.map(([key, sourceId]) => ({
      key,
      sourceId: parts.sealer.seal(Buffer.from(sourceId), wantedContext(direction, key)),
    }));
    await addWanted(parts.db, { direction, type }, wanted);
    parts.log.info('targets-wanted', { direction, type, resources: wanted.length });
  }
}

/** Needs that are not in the target, of types whose stream has read everything there is to read. */
async function missingOfLoaded(
  parts: Parts,
  direction: StreamKey['direction'],
  needs: readonly string[],
): Promise<Set<string>> {
  const loaded = new Set<string>();
  for (const type of new Set(needs.map(typeOfKey))) {
    const configured = parts.streams.some((other) => other.direction === direction && other.type === type);
    if (configured && (await readStream(parts.db, { direction, type })).loaded) loaded.add(type);
  }
  const keys = [...new Set(needs.filter((key) => loaded.has(typeOfKey(key))))];
  const ledger = await readLedger(parts.db, direction, keys);
  const missing = keys.filter((key) => (ledger.get(key)?.digest ?? '') === '');
  const known = await wantedAmong(parts.db, direction, missing);
  return new Set(missing.filter((key) => !known.has(key)));
}

const relativeForm = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/.+)?$/;

/** Type and id of every relative literal reference in a value. */
function* referencesIn(value: Json): Generator<readonly [type: string, id: string]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== 'string') yield* referencesIn(member);
    else if (key === 'reference') {
      const match = relativeForm.exec(member);
      if (match !== null) yield [match[1] ?? '', match[2] ?? ''];
    }
  }
}

import { describe, expect, it } from '@jest/globals';

import { type Broken, MemoryWindow } from './memory-window.ts';
import { ModelReader, type ReaderOptions, runToRest, Violation } from './model-reader.ts';
import { ModelSource, type Random, seeded, type SourceOptions } from './model-source.ts';

const longestMs = 1_000;
const driftMs = 40;
const settleMs = longestMs + driftMs;

interface Variant {
  readonly source?: Partial<SourceOptions>;
  readonly reader?: Partial<ReaderOptions>;
  readonly broken?: Broken;
}

/** One seeded life of a source and its reader. Gives back what went wrong, with the seed. */
async function life(seed: number, variant: Variant): Promise<string | undefined> {
  const random = seeded(seed);
  const source = new ModelSource(
    {
      transactions: 4 + random(36),
      ids: 1 + random(4),
      longestMs,
      skewMs: random(2) === 0 ? 0 : driftMs / 2,
      lastUpdated: random(2) === 0 ? 'start' : 'within',
      ...variant.source,
    },
    random,
  );
  const options: ReaderOptions = {
    settleMs,
    batchRowsMax: 1 + random(10),
    overlapRowsMax: random(3) === 0 ? 0 : random(12),
    meta: 'both',
    currentHasMeta: true,
    lossPercent: random(2) === 0 ? 0 : 20,
    ...variant.reader,
  };
  const reader = new ModelReader(source, new MemoryWindow(variant.broken), options, random);
  return caught(seed, () => runToRest(source, reader, settleMs, random));
}

async function caught(seed: number, run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return `seed ${String(seed)}: ${error.message}`;
    throw error;
  }
}

async function lives(count: number, firstSeed: number, variant: Variant, failuresMax = 10): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + count && failures.length < failuresMax; seed++) {
    const failure = await life(seed, variant);
    if (failure !== undefined) failures.push(failure);
  }
  return failures;
}

describe('the settled-version window and net effect, over late commits', () => {
  it('lose nothing and never go backwards in 3,000 lives of a source', async () => {
    expect(await lives(3_000, 1, {})).toEqual([]);
  });

  it('nor where many transactions fight for one id', async () => {
    expect(await lives(1_000, 10_001, { source: { ids: 1, transactions: 30 } })).toEqual([]);
  });

  it('nor where a batch holds one row, and every cut may part two that committed the other way round', async () => {
    expect(await lives(1_000, 20_001, { source: { ids: 2 }, reader: { batchRowsMax: 1 } })).toEqual([]);
  });

  it('nor where the window is never read along, or always', async () => {
    expect(await lives(500, 30_001, { reader: { overlapRowsMax: 0 } })).toEqual([]);
    expect(await lives(500, 31_001, { reader: { overlapRowsMax: 1_000 } })).toEqual([]);
  });

  it('nor where every second batch is given up between read and commit', async () => {
    expect(await lives(500, 40_001, { reader: { lossPercent: 50 } })).toEqual([]);
  });

  it('nor where rows have no version, or a version and no time', async () => {
    expect(await lives(500, 50_001, { reader: { meta: 'none' } })).toEqual([]);
    expect(await lives(500, 51_001, { reader: { meta: 'none', currentHasMeta: false } })).toEqual([]);
    expect(await lives(500, 52_001, { reader: { meta: 'version' } })).toEqual([]);
    expect(await lives(500, 53_001, { reader: { meta: 'version', currentHasMeta: false } })).toEqual([]);
    expect(await lives(500, 54_001, { reader: { currentHasMeta: false } })).toEqual([]);
  });
});

describe('the model itself', () => {
  it('sees a reader lose changes that goes on from the newest version', async () => {
    let lost = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const random = seeded(seed);
      const source = new ModelSource({ transactions: 30, ids: 3, longestMs, skewMs: 0, lastUpdated: 'start' }, random);
      if (await caught(seed, () => naive(source, random))) lost += 1;
    }
    expect(lost).toBeGreaterThan(100);
  });

  const mistakes: Record<string, Variant> = {
    'trusts heads before they have matured': { reader: { settleMs: longestMs / 2 } },
    'forgets rows as soon as they are settled': { broken: { prunesAtOnce: true }, source: { ids: 1 } },
    'takes the time of rows beyond `settled` for now': { broken: { prunesByFuture: true } },
    'takes a time within a transaction for its beginning': {
      broken: { prunesTooSoon: true },
      source: { ids: 2, transactions: 40, lastUpdated: 'within', skewMs: driftMs / 2 },
      reader: { batchRowsMax: 1 },
    },
    'takes what a lost batch has noted for seen': { broken: { trustsPending: true }, reader: { lossPercent: 30 } },
    'does not note a read that found nothing': { reader: { forgetsReads: true } },
  };
  it.each(Object.entries(mistakes))('sees that a reader errs which %s', async (_, variant) => {
    expect(await lives(5_000, 1, variant, 1)).toHaveLength(1);
  });
});

/** What the vendor's documentation warns of: the cursor is the newest version. */
async function naive(source: ModelSource, random: Random): Promise<void> {
  const target = new Map<string, number>();
  let cursor = 0;
  for (let nowMs = 0; nowMs < source.endMs + 2 * settleMs; nowMs += 1 + random(settleMs)) {
    const head = source.head(nowMs);
    for (const row of source.range(cursor, head, nowMs).sort((a, b) => a.version - b.version))
      target.set(row.id, row.version);
    cursor = head;
  }
  for (const id of source.ids)
    if (target.get(id) !== source.current(id, Infinity)?.version) throw new Violation(`${id} is lost`);
}

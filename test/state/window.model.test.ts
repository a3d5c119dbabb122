import { describe, expect, it } from '@jest/globals';

import type { Database } from '../../src/state/database.ts';
import { KnownHeads, observeHead, readHeads } from '../../src/state/heads.ts';
import { lookUpSeen, recordPending, settleSeen, windowRows } from '../../src/state/window.ts';
import { ModelReader, runToRest, Violation, type WindowStore } from '../sync/model-reader.ts';
import { ModelSource, type Random, seeded } from '../sync/model-source.ts';
import { type Backend, backends } from './backends.ts';

const states = await backends();

const stream = { direction: 'up', type: 'Patient' } as const;

const hourMs = 3_600_000;

/** Of a worker whose clock jumps, and that is started anew now and then. */
function storeOf(db: Database, random: Random): WindowStore {
  const steady = { ms: 0 };
  const start = (): KnownHeads => new KnownHeads(() => steady.ms);
  let known = start();
  let skewMs = 0;
  const read: WindowStore['readHeads'] = (nowMs, settleMs) => {
    steady.ms = nowMs;
    return readHeads(db, known, 'instance', settleMs);
  };
  return {
    ...seenOf(db),
    async observeHead(version, nowMs) {
      if (random(8) === 0) skewMs = (random(19) - 9) * hourMs;
      if (random(40) === 0) known = start();
      await observeHead(db, 'instance', version, nowMs + skewMs);
      await read(nowMs, settleMs);
    },
    readHeads: read,
  };
}

const seenOf = (db: Database): Omit<WindowStore, 'observeHead' | 'readHeads'> => ({
  lookUp: (rows, inFlight) => lookUpSeen(db, stream, rows, inFlight),
  recordPending: (batch, inFlight, rows) => recordPending(db, stream, batch, inFlight, rows),
  windowRows: (settled) => windowRows(db, stream, settled),
  settle: (batch, settled, settleMs) => settleSeen(db, stream, batch, settled, settleMs),
});

/** Minutes, as real transactions may take: heads are thinned to one a second. */
const longestMs = 120_000;
const settleMs = longestMs + 2_000;

async function life(withState: Backend['withQuickState'], seed: number): Promise<string | undefined> {
  const random = seeded(seed);
  const lastUpdated = random(2) === 0 ? ('start' as const) : ('within' as const);
  const source = new ModelSource({ transactions: 24, ids: 2, longestMs, skewMs: 1_000, lastUpdated }, random);
  const options = {
    settleMs,
    batchRowsMax: 1 + random(6),
    overlapRowsMax: random(10),
    meta: (['both', 'both', 'version', 'none'] as const)[random(4)] ?? 'both',
    currentHasMeta: true,
    lossPercent: 20,
  };
  return withState(async (db) => {
    try {
      await runToRest(source, new ModelReader(source, storeOf(db, seeded(seed)), options, random), settleMs, random);
      return undefined;
    } catch (error) {
      if (error instanceof Violation) return `seed ${String(seed)}: ${error.message}`;
      throw error;
    }
  });
}

describe.each(states)('the window in the state, over late commits, on $name', ({ withQuickState, share }) => {
  it('loses nothing and never goes backwards, as the model of it does not', async () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= 60 * share; seed++) {
      const failure = await life(withQuickState, seed);
      if (failure !== undefined) failures.push(failure);
    }
    expect(failures).toEqual([]);
  });
});

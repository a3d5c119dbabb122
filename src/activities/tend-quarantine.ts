/** tend-quarantine: what an operator does with quarantined resources: list them, have them tried again, give them up. */
import { fixedLimits } from '../limits.ts';
import { typeOfKey } from '../state/ledger.ts';
import { discardQuarantined, listQuarantine, orderRetry } from '../state/retries.ts';
import type { TendInput, TendResult } from './contract.ts';
import { guardedSite } from './failures.ts';
import type { Parts } from './parts.ts';

export const createTendQuarantine = (parts: Parts): ((input: TendInput) => Promise<TendResult>) =>
  guardedSite('tend-quarantine', (input: TendInput) => tend(parts, input));

async function tend(parts: Parts, input: TendInput): Promise<TendResult> {
  const { direction } = input;
  switch (input.action) {
    case 'list': {
      const entries = await listQuarantine(parts.db, input, input.after, fixedLimits.quarantinePageMax);
      return { entries, counts: {} };
    }
    case 'retry': {
      const ordered = await orderRetry(parts.db, input);
      for (const [type, resources] of ordered)
        parts.log.info('quarantine-retry-ordered', { direction, type, resources });
      return { entries: [], counts: Object.fromEntries(ordered) };
    }
    case 'discard': {
      const { reason, ticket } = input;
      const keys = await discardQuarantined(parts.db, input, { reason, ticket, atMs: parts.now() });
      for (const key of keys) parts.log.info('quarantine-discarded', { direction, key, reason, ticket });
      return { entries: [], counts: countByType(keys) };
    }
  }
}

function countByType(keys: readonly string[]): Record<string, number> {
  const byType = Map.groupBy(keys, typeOfKey);
  return Object.fromEntries([...byType].map(([type, of]) => [type, of.length]));
}

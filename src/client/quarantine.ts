/** Quarantined resources: which are meant, and what is done with them at the site. */
import type { QuarantineChoice, QuarantineView, TendOrder, TendResult } from '../activities/contract.ts';
import { fixedLimits } from '../limits.ts';
import { typeOfKey } from '../state/ledger.ts';
import type { StreamKey } from '../state/streams.ts';
import { tendAt } from '../temporal/tend-quarantine.ts';
import { UsageProblem } from './problems.ts';
import type { SiteCalled } from './site.ts';

/** Which quarantined resources: by `Type/id` of the target (as `quarantined` gives them), else of these types, else all. */
export interface QuarantineSelection {
  readonly keys?: readonly string[];
  readonly types?: readonly string[];
}

/**
 * A choice for each direction that has any of it.
 * @param streamsOf - streams of types, or of all where there are none
 * @throws UsageProblem where too many keys are named, or what is no key
 */
export function choicesOf(
  { keys = [], types = [] }: QuarantineSelection,
  streamsOf: (types: readonly string[]) => StreamKey[],
): QuarantineChoice[] {
  if (keys.length > fixedLimits.quarantineKeysMax) {
    throw new UsageProblem(`at most ${String(fixedLimits.quarantineKeysMax)} keys at once`);
  }
  if (!keys.every((key) => key.includes('/'))) throw new UsageProblem('a key of quarantine is Type/id');
  const named = streamsOf([...new Set([...types, ...keys.map(typeOfKey)])]);
  const byDirection = Map.groupBy(named, ({ direction }) => direction);
  return [...byDirection].map(([direction, streams]) => {
    const own = new Set(streams.map(({ type }) => type));
    return {
      direction,
      types: types.length === 0 && keys.length === 0 ? [] : [...own],
      keys: keys.filter((key) => own.has(typeOfKey(key))),
    };
  });
}

/** What is quarantined of some choices, or was given up, a page at a time. */
export async function* quarantined(
  { client, instance, patienceMs }: SiteCalled,
  choices: readonly QuarantineChoice[],
  discarded: boolean,
): AsyncGenerator<QuarantineView, void, undefined> {
  for (const choice of choices) {
    for (let after: string | undefined = ''; after !== undefined;) {
      const order = { ...choice, action: 'list', after, ...(discarded && { discarded }) } as const;
      const { entries }: TendResult = await tendAt(client, instance, order, patienceMs);
      yield* entries;
      after = entries.at(-1)?.key;
    }
  }
}

/** Does one thing with all of some choices. Returns how many of each type. */
export async function tendAll(
  { client, instance, patienceMs }: SiteCalled,
  choices: readonly QuarantineChoice[],
  order: TendOrder,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const choice of choices) {
    const tended = await tendAt(client, instance, { ...choice, ...order }, patienceMs);
    Object.assign(counts, tended.counts);
  }
  return counts;
}

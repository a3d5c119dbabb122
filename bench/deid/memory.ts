/** Whether the engine's memory stays flat, and what it allocates. */
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import type { Section } from '../lib/benchmark.ts';
import { allocatedBy, heapAfterPasses } from '../lib/memory.ts';
import { sink } from '../lib/rounds.ts';
import { whole } from '../lib/table.ts';
import { makeEdition } from './editions.ts';
import type { Edition } from './editions.ts';
import { clean, newKeys } from './guarded.ts';

const repetitions = 5;

export interface Memory {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly section: Section;
}

/** Passes with one set of keys, as a worker holds them: first over the same resources, then over ever new ones. */
export async function measureMemory(
  lines: readonly string[],
  policy: CompiledPolicy,
  editions: number,
): Promise<Memory> {
  const keys = newKeys();
  const pass = ({ resources, wordsUnder }: Edition): number => {
    const words = wordsUnder(policy);
    return resources.filter((resource) => clean(resource, policy, keys, words).kind === 'resource').length;
  };
  // Far from the editions that other contenders have met.
  const first = makeEdition(lines, 1_000, [policy]);
  const same = heapAfterPasses(() => (sink.sum += pass(first)), repetitions);
  const allocated = (await allocatedBy(() => pass(first))) / lines.length;
  const changing = heapAfterPasses((number) => {
    sink.sum += pass(makeEdition(lines, 1_001 + number, [policy]));
  }, editions);
  const late = Math.floor(editions / 2);
  const growth = (same.at(-1)! - same[1]!) / (repetitions - 1) / lines.length;
  const growthChanging = (changing.at(-1)! - changing[late]!) / (editions - late) / lines.length;
  const rows = [
    ['heap before', whole(same[0]!)],
    [`heap after 1 pass, ${repetitions} passes`, `${whole(same[1]!)}, ${whole(same.at(-1)!)}`],
    [`heap after ${late}, ${editions} passes with new ids`, `${whole(changing[late]!)}, ${whole(changing.at(-1)!)}`],
    ['growth a resource', growth.toFixed(2)],
    [`growth a resource with a new id, since pass ${late}`, growthChanging.toFixed(2)],
    ['allocated a resource, garbage included', whole(allocated)],
  ];
  return {
    figures: {
      heapBytesAfterPasses: same,
      heapGrowthBytesPerResource: Number(growth.toFixed(2)),
      heapBytesAfterPassesWithNewIds: changing,
      heapGrowthBytesPerNewResource: Number(growthChanging.toFixed(2)),
      allocatedBytesPerResource: Math.round(allocated),
    },
    section: { title: 'memory of safe-harbor', head: ['after a collection', 'bytes'], rows },
  };
}

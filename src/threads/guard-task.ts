/**
 * Takes outputs whose marks have met words of their patients through the leak guard's masking, and makes their marks anew:
 * what is left of each, without the words that were looked for. So the same words never bring a line here twice.
 */
import { hashesOf, listOfHashes, mergedLists, withoutListed } from '../crypto/hash-list.ts';
import { applyGuard } from '../deid/guard/apply.ts';
import type { GuardPlace } from '../deid/guard/apply.ts';
import { engineOf } from './compiled.ts';
import type { Engine } from './compiled.ts';
import { lineRanges, markIn, parseLine, putFrame, putLine } from './lines.ts';
import { decodeMark, encodeMark } from './marks.ts';
import type { Mark, TraceMark } from './marks.ts';
import type { Guarded, GuardOutcome, GuardTask } from './task.ts';

export async function guardLines(task: GuardTask): Promise<GuardOutcome> {
  const engine = await engineOf(task.ruleset);
  const words = new Map([...task.words].map(([patient, list]) => [patient, [...hashesOf(list)]]));
  const outcomes: Guarded[] = [];
  const lines: string[] = [];
  for (const { start, end } of lineRanges(task.lines)) {
    const { outcome, line } = guardLine(task.lines, start, end, engine, words);
    outcomes.push(outcome);
    lines.push(line);
  }
  return { outcomes, lines: Buffer.from(lines.join('')) };
}

type Words = ReadonlyMap<string, readonly number[]>;

/** Words that also note which other tokens they were asked for: `applyGuard` asks for every token that it leaves. */
class AskedWords extends Set<number> {
  readonly others = new Set<number>();

  override has(token: number): boolean {
    const isWord = super.has(token);
    if (!isWord) this.others.add(token);
    return isWord;
  }
}

function guardLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  { policy, keys }: Engine,
  words: Words,
): { readonly outcome: Guarded; readonly line: string } {
  const frame = putFrame(bytes, start, end);
  const line = parseLine(bytes, start, end);
  const encoded = frame === undefined ? undefined : markIn(bytes, frame);
  if (line.kind !== 'put' || encoded === undefined) throw new Error('guard: a line without a mark');
  const mark = decodeMark(encoded);
  // A resource may name several patients, and entries of a Bundle may share a name: whatever is known of any of them counts.
  const byResource = new Map<string, AskedWords>();
  for (const { patient, resource } of mark) {
    const known = byResource.get(resource) ?? new AskedWords();
    for (const word of words.get(patient) ?? []) known.add(word);
    byResource.set(resource, known);
  }
  const places = [...byResource.keys()].map((resource): GuardPlace => ({ patient: resource, resource }));
  const none = new Set<number>();
  const outcome = applyGuard(line.resource, places, policy, keys, (name) => byResource.get(name) ?? none);
  if (outcome.kind === 'withheld') return { outcome: 'withheld', line: '' };
  const left = encodeMark(markLeft(mark, byResource));
  const guarded = putLine(JSON.stringify(outcome.resource), left);
  return { outcome: outcome.masked > 0 ? 'masked' : 'same', line: guarded };
}

/** What was there before without the words that were looked for, and what the masking has found beside them. */
function markLeft(mark: Mark, byResource: ReadonlyMap<string, AskedWords>): Mark {
  const out: TraceMark[] = [];
  for (const [at, { patient, resource, kept }] of mark.entries()) {
    const before = mark[at - 1];
    const last = out.at(-1);
    const isSame = before?.resource === resource && before.kept === kept && last !== undefined;
    out.push({ patient, resource, kept: isSame ? last.kept : keptLeft(kept, byResource.get(resource)) });
  }
  return out;
}

function keptLeft(kept: TraceMark['kept'], words = new AskedWords()): Uint8Array {
  const found = listOfHashes([...words.others]);
  if (kept === 'unknown') return found;
  return mergedLists([withoutListed(kept, [listOfHashes([...words])]), found]);
}

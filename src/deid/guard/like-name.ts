/**
 * Whether a word that may be an everyday one is written like a name here: `White`, not `white`; `will Will come`, not `Will
 * he come`. Who is called White or Will is masked where a reader would take the word for a name.
 */
import type { Folded } from './fold.ts';
import { wordKind } from './lexicon.ts';
import { gap } from './runs.ts';
import type { Runs } from './runs.ts';

const isCapital = ({ cased, text }: Folded, unit: number): boolean => cased.charCodeAt(unit) !== text.charCodeAt(unit);

/**
 * With a capital, or after a title. A function word at the begin of a sentence has a capital anyway: there it needs
 * another after it, or nothing. `from` is where the word begins, within run `at`.
 */
export function isLikeName(folded: Folded, runs: Runs, at: number, from: number): boolean {
  const { starts, ends, gaps } = runs;
  const bits = gaps[at] ?? 0;
  if (at > 0 && (bits & gap.near) !== 0) {
    if (wordKind(folded.text.slice(starts[at - 1], ends[at - 1])) === 'title') return true;
  }
  if (!isCapital(folded, from)) return false;
  if (from !== starts[at] || (bits & gap.sentence) === 0) return true;
  const kind = wordKind(folded.text.slice(from, ends[at]));
  if (kind !== 'function' && kind !== 'particle') return true;
  const next = starts[at + 1];
  return next === undefined || ((gaps[at + 1] ?? 0) & gap.sentence) !== 0 || isCapital(folded, next);
}

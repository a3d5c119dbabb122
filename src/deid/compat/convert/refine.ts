/**
 * Takes out of a policy what its own reader refuses, until it accepts the rest: rules that name nothing in R4, rules that
 * earlier ones leave nothing for, and methods that cannot work where they stand, for which removal stands in.
 */
import { isR4DataType } from '../../r4/model.ts';
import { parsePath } from '../../path/path.ts';
import type { PolicyDocument, PolicyRule } from '../../policy/document.ts';
import { readPolicy } from '../../policy/read.ts';
import type { PolicyProblem } from '../../policy/read.ts';
import type { Remark } from './note.ts';

/** A rule of ours with the number of the rule that it comes from. */
export interface Draft {
  readonly from: number;
  readonly rule: PolicyRule;
}

export interface Refined {
  readonly policy: PolicyDocument;
  readonly remarks: readonly { readonly from: number; readonly path: string; readonly remark: Remark }[];
  /** Rules that remove or change something and cannot be said here. */
  readonly refused: readonly Draft[];
}

const ruleNumber = ({ path }: PolicyProblem): number => Number(/^rules\[(\d+)\]/.exec(path)?.[1] ?? NaN);

/** Whether a refused path names nothing or nothing that is left, as a plain path can be told to. */
const isOfNoEffect = ({ path }: PolicyRule): boolean => parsePath(path, isR4DataType)?.kind === 'plain';

const gone: Remark = ['same', 'left out: names nothing, or nothing that earlier rules leave'];
const passed: Remark = ['stricter', 'left out, so that it lets nothing pass: our policies do not take the path'];
const removed: Remark = ['stricter', 'removed: the method cannot work there'];

export function refine(base: PolicyDocument, drafts: readonly Draft[]): Refined {
  let left = [...drafts];
  const remarks: { from: number; path: string; remark: Remark }[] = [];
  const refused: Draft[] = [];
  for (;;) {
    const reading = readPolicy({ ...base, rules: left.map(({ rule }) => rule) });
    if (reading.ok) return { policy: reading.policy, remarks, refused };
    // One mistake at a time: what hides a rule may be a mistake itself.
    const problem = reading.problems.find((candidate) => left[ruleNumber(candidate)] !== undefined);
    const at = problem === undefined ? NaN : ruleNumber(problem);
    const draft = left[at];
    if (problem === undefined || draft === undefined)
      throw new Error('compat: a policy that its reader refuses as a whole');
    const say = (remark: Remark): number => remarks.push({ from: draft.from, path: draft.rule.path, remark });
    const isPath = problem.path.endsWith('.path');
    if (isPath && isOfNoEffect(draft.rule)) say(gone);
    else if (draft.rule.method === 'redact' || (isPath && draft.rule.method !== 'keep')) refused.push(draft);
    else if (draft.rule.method !== 'keep') {
      say(removed);
      left = left.with(at, { from: draft.from, rule: { path: draft.rule.path, method: 'redact' } });
      continue;
    } else say(passed);
    left = left.toSpliced(at, 1);
  }
}

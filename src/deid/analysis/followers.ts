/**
 * Every rule whose path meets a node, not only the first: found by following each path step by step down to the node, apart
 * from the plan, which forgets what cannot win.
 */
import type { Step } from '../path/path.ts';
import { matches, Positions } from '../plan/positions.ts';
import type { NodeShape } from '../plan/positions.ts';
import { planSteps } from '../plan/rules.ts';
import type { CompiledRule } from '../plan/rules.ts';

/** A node's shape, and the url of an extension. */
export type ChainNode = NodeShape & { readonly url?: string };

export interface Follower {
  readonly rule: number;
  /** Whether it depends on the data: a `where`, an `answersTo`, or FHIRPath that only the library can run. */
  readonly isConditional: boolean;
}

/** The rules that take the last node of a chain, or one that holds it, or may take it. */
export function followersOf(rules: readonly CompiledRule[], chain: readonly ChainNode[]): Follower[] {
  const type = chain[0]?.type ?? '';
  return rules.flatMap((rule, index): Follower[] => {
    if (rule.rule === undefined || !Positions.startsAt(rule.path.root, type)) return [];
    const steps = planSteps(rule);
    if (steps === undefined) return mayTake(rule, chain) ? [{ rule: index, isConditional: true }] : [];
    const met = meet(steps, chain, rule.passes);
    return met === undefined ? [] : [{ rule: index, isConditional: met === 'if' }];
  });
}

/** Whether steps lead from the chain's first node to any of its nodes; `if`: under conditions alone. */
function meet(steps: readonly Step[], chain: readonly ChainNode[], passes: boolean): 'always' | 'if' | undefined {
  let found: 'if' | undefined;
  const seen = new Set<string>();
  const pending = [{ step: 0, node: 0, conditional: false }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { step: at, node, conditional } = next;
    const step = steps[at];
    if (step === undefined) {
      if (!conditional) return 'always';
      found = 'if';
      continue;
    }
    const key = [at, node, conditional].join();
    if (seen.has(key)) continue;
    seen.add(key);
    const isSearch = step.kind === 'byType' || step.kind === 'byName';
    const last = isSearch ? chain.length - 1 : node + 1;
    for (let to = isSearch ? node : node + 1; to <= last; to++) {
      const shape = chain[to];
      // A search lets nothing pass within an extension that it did not begin in.
      if (isSearch && passes && to > node && shape?.type === 'Extension') break;
      if (shape === undefined || !matches(step, shape)) continue;
      if (step.kind === 'extension' && shape.url !== undefined && shape.url !== step.url) continue;
      const depends = step.where !== undefined || (step.kind === 'extension' && shape.url === undefined);
      pending.push({ step: at + 1, node: to, conditional: conditional || depends });
    }
  }
  return found;
}

/** General FHIRPath may lead anywhere; `answersTo` leads to answers. */
const mayTake = ({ path, rule }: CompiledRule, chain: readonly ChainNode[]): boolean =>
  path.kind === 'general' ||
  (rule?.answersTo !== undefined && chain.some(({ name, key }) => name === 'answer' || key === 'answer'));

/** Rules that let more pass than a look at their path suggests, and rules that a dropped type leaves without effect. */
import { widestSteps } from '../check/general.ts';
import type { CompiledPolicy } from '../compiled.ts';
import type { CompiledRule } from '../plan/rules.ts';
import { dropsAll } from './hidden.ts';

/** Paths of rules that keep. */
export interface BroadKeeps {
  /** They name a type, every type, or some resources whole. */
  readonly wholes: readonly string[];
  /** What they lead to cannot be read off the expression: after `descendants()`, `children()`, a union. */
  readonly unbounded: readonly string[];
}

/** The document's own rules and its preset's. */
const ownRules = ({ rules, firstOwnRule, fallbacks }: CompiledPolicy): readonly CompiledRule[] =>
  rules.slice(firstOwnRule, fallbacks.keep);

/** Rules that come to the same as `default: keep` for some type, written otherwise. */
export function broadKeeps(policy: CompiledPolicy): BroadKeeps {
  const keeps = ownRules(policy).filter(({ method }) => method === 'keep');
  const stepsOf = ({ path }: CompiledRule): number | undefined =>
    path.kind === 'plain' ? path.steps.length : widestSteps(path)?.length;
  const texts = (rules: readonly CompiledRule[]): string[] => rules.map(({ text }) => text);
  return {
    wholes: texts(keeps.filter((rule) => stepsOf(rule) === 0)),
    unbounded: texts(keeps.filter((rule) => stepsOf(rule) === undefined)),
  };
}

/** Rules meant to let something pass of a type that a later rule drops: a resource is dropped whole, whatever stands before. */
export function idleRules(policy: CompiledPolicy): readonly string[] {
  const rules = ownRules(policy);
  const drops = rules.flatMap((rule, index) => (rule.method === 'dropResource' ? [{ rule, index }] : []));
  const isIdle = ({ passes, path }: CompiledRule, index: number): boolean =>
    passes &&
    path.kind === 'plain' &&
    path.steps.length > 0 &&
    drops.some(
      (drop) => drop.index > index && dropsAll(drop.rule, path) && !isKeptBefore(rules, drop.index, path.root),
    );
  return rules.filter(isIdle).map(({ text }) => text);
}

/** Whether a rule on the whole type comes before the one that drops it, which then never does. */
const isKeptBefore = (rules: readonly CompiledRule[], drop: number, root: string | undefined): boolean =>
  rules
    .slice(0, drop)
    .some(({ passes, path }) => passes && path.kind === 'plain' && path.steps.length === 0 && path.root === root);

/**
 * Which rules may decide on a node, by ARCHITECTURE.md: the first of those that take it or what holds it, with what is
 * said apart of extensions, of what R4 does not have, and of elements' ids.
 */
import { maybe, no, yes } from './json.ts';
import type { Taker, Truth } from './json.ts';

/** What of a policy decides between rules. */
export interface Precedence {
  readonly default: 'keep' | 'drop';
  readonly extensions: 'keep' | 'drop' | 'withhold';
  readonly modifierExtensions: 'keep' | 'drop' | 'withhold';
  /** Numbers of what holds where no rule does. */
  readonly fallbacks: {
    readonly keep: number;
    readonly drop: number;
    readonly extensionDrop: number;
    readonly extensionKeep: number;
  };
  /** Whether a rule, or a fallback, lets something pass. */
  readonly passes: (rule: number) => boolean;
  /** Whether it lets values pass only as its method makes them. */
  readonly changes: (rule: number) => boolean;
  /** Whether a rule was written for what R4 does not have. */
  readonly isCustom: (rule: number) => boolean;
}

/** In order of precedence, each rule once, none after the first that has taken the node for sure. */
export function inOrder(takers: readonly Taker[]): readonly Taker[] {
  if (takers.length < 2) return takers;
  const out: Taker[] = [];
  for (const taker of [...takers].sort((a, b) => a.rule - b.rule || Number(b.isSure) - Number(a.isSure))) {
    if (out.at(-1)?.rule === taker.rule) continue;
    out.push(taker);
    if (taker.isSure) break;
  }
  return out;
}

export const defaultOf = (policy: Precedence): number =>
  policy.default === 'keep' ? policy.fallbacks.keep : policy.fallbacks.drop;

const isFallback = (policy: Precedence, rule: number): boolean => rule >= policy.fallbacks.keep;

/** Whatever holds for the node above holds here. */
export const inherited = (above: readonly Taker[], ends: readonly Taker[]): readonly Taker[] =>
  ends.length === 0 ? above : inOrder([...ends, ...above]);

/**
 * What holds here when a rule that lets the node above pass was not made for this one, unless `isMeant` says so: what removes
 * that node removes this one, and `otherwise` decides where the rule above lets pass.
 */
function notWithItsParent(
  policy: Precedence,
  above: readonly Taker[],
  ends: readonly Taker[],
  otherwise: number,
  isMeant: (rule: number) => boolean = () => false,
): readonly Taker[] {
  const takers: Taker[] = [...ends];
  let hasPassed = false;
  for (const { rule, isSure } of above) {
    if (isFallback(policy, rule)) break;
    if (policy.passes(rule) && !isMeant(rule)) hasPassed = true;
    // Whatever perhaps let the node above pass comes first: then it is not this rule that decides.
    else takers.push({ rule, isSure: isSure && !hasPassed });
  }
  return inOrder([...takers, { rule: otherwise, isSure: true }]);
}

/**
 * `Element.id` passes by a rule that names it or under `default: keep`, never with its parent. One that passes is changed by
 * what changes its parent, or came to it as to every string.
 */
export function ofElementId(
  policy: Precedence,
  above: readonly Taker[],
  ends: readonly Taker[],
  namesId: (rule: number) => boolean,
): readonly Taker[] {
  const last = above.at(-1)?.rule ?? policy.fallbacks.drop;
  const isWithParent = above.some(({ rule }) => !isFallback(policy, rule) && policy.passes(rule));
  const holds = isFallback(policy, last) && (policy.passes(last) || !isWithParent);
  const opening = ends.filter(({ rule }) => !policy.passes(rule) || namesId(rule));
  const takers = notWithItsParent(policy, above, opening, holds ? last : defaultOf(policy));
  // Of what does not pass nothing can be changed.
  const passing = takers.filter(({ rule }) => policy.passes(rule));
  if (passing.length === 0) return takers;
  const others = changersOf(policy, above);
  const changing = [...ends.filter(({ rule }) => policy.passes(rule) && !namesId(rule)), ...others];
  const isOpen = takers.every(({ rule }) => policy.passes(rule));
  return inOrder([...changing.map((one) => ({ ...one, isSure: one.isSure && isOpen })), ...takers]);
}

/** What changes all that a node holds: for sure only where nothing that comes first may have decided. */
const changersOf = (policy: Precedence, above: readonly Taker[]): readonly Taker[] =>
  above.flatMap(({ rule, isSure }, index): Taker[] =>
    isFallback(policy, rule) || !policy.changes(rule)
      ? []
      : [{ rule, isSure: isSure && above.slice(0, index).every((one) => policy.changes(one.rule)) }],
  );

/** What is left of a resource's meta passes by default: the hub sorts by it. */
export const ofMeta = (policy: Precedence, takers: readonly Taker[]): readonly Taker[] =>
  takers.map((taker) => (taker.rule === policy.fallbacks.drop ? { ...taker, rule: policy.fallbacks.keep } : taker));

/** What holds for an extension, or for what R4 does not have. */
export interface Foreign {
  readonly takers: readonly Taker[];
  /** Nothing of it may pass. */
  readonly isClosed: boolean;
  /** Only the parts that rules name may pass, and no rule that searches everywhere counts as such. */
  readonly isNarrow: boolean;
}

/**
 * An extension below what is no extension itself. `goesOn`: whether the path of a rule that lets something pass leads to a
 * part of it. A rule that removes makes no extension known.
 */
export function ofExtension(
  policy: Precedence,
  kind: 'extensions' | 'modifierExtensions',
  above: readonly Taker[],
  ends: readonly Taker[],
  goesOn: Truth,
): Foreign {
  const { extensionKeep, extensionDrop, drop } = policy.fallbacks;
  if (policy[kind] === 'keep') {
    // As any other element: the rest of what is named in part is kept as well.
    const unknown = above.map((one) => (one.rule === drop ? { ...one, rule: extensionKeep } : one));
    return { takers: inherited(unknown, ends), isClosed: false, isNarrow: false };
  }
  const passing = ends.filter(({ rule }) => policy.passes(rule));
  const named = namedBy(passing, goesOn);
  const takers = notWithItsParent(policy, above, ends, named === yes ? drop : extensionDrop);
  return { takers, isClosed: named === no, isNarrow: passing.length === 0 };
}

/**
 * What R4 does not have, under `default: drop`: it passes by a rule that was written for it. A rule on what holds it did
 * not have it in mind.
 */
export const ofUnknown = (policy: Precedence, above: readonly Taker[], ends: readonly Taker[]): readonly Taker[] =>
  notWithItsParent(policy, above, ends, policy.fallbacks.drop, policy.isCustom);

function namedBy(ends: readonly Taker[], goesOn: Truth): Truth {
  if (goesOn === yes || ends.some(({ isSure }) => isSure)) return yes;
  return ends.length > 0 ? maybe : goesOn;
}

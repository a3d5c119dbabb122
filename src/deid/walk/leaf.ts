/** Single values: kept, changed by a method, or of what R4 does not have. */
import type { Json } from '../../fhir/resource.ts';
import { codeLengthMin, hashedTokens, isShortNumber, memoLengthMax, noTokens } from '../guard/tokens.ts';
import type { KeptTokens, TextKind } from '../guard/tokens.ts';
import { readDate } from '../methods/dates.ts';
import { isWholeType } from '../plan/child.ts';
import type { Child } from '../plan/child.ts';
import { keepsAsIs } from '../plan/rules.ts';
import { Withheld } from '../shape.ts';
import { labelBits } from './context.ts';
import type { LeafMethod, TraceDraft, Walk } from './context.ts';
import { collectRemoved } from './guard-words.ts';
import { rewriteHidden } from './literals.ts';

/** Notes the tokens of a kept value for the leak guard, and gives them back. */
function noteKept({ trace, keys }: Walk, kind: TextKind | undefined, value: string | number): KeptTokens {
  if (trace === undefined || kind === undefined) return noTokens;
  const tokens = hashedTokens(typeof value === 'string' ? value : String(value), kind, keys.hasher);
  if (tokens !== noTokens) noteTokens(trace, tokens);
  return tokens;
}

/** What is remembered is the same object each time. */
function noteTokens({ kept }: TraceDraft, tokens: KeptTokens): void {
  if (!kept.includes(tokens)) kept.push(tokens);
}

/** Whether a text passed here lately as it is: then it does so again. */
function isAsBefore({ trace, keys }: Walk, { lately }: Child, value: string): boolean {
  if (trace === undefined) return false;
  const tokens = lately.tokensOf(value, keys.hasher);
  if (tokens === undefined) return false;
  if (tokens !== noTokens) noteTokens(trace, tokens);
  return true;
}

/** Counts a leaf for the report. */
export function count(walk: Walk, rule: number): void {
  const before = walk.taken[rule] ?? 0;
  if (before === 0) walk.touched.push(rule);
  walk.taken[rule] = before + 1;
}

/** Whether a text could name a resource: most have no slash, or begin as no type and no address does. */
const mayHide = (text: string): boolean => text.includes('/');

/** A primitive that passes: of the JSON type that R4 has, a date where R4 has a date, without an id of the source's. */
export function keptLeaf(walk: Walk, child: Child, value: Json): Json | undefined {
  if (typeof value === 'string') {
    if (child.jsonKind !== 'string') throw new Withheld('wrong-json-type');
    count(walk, child.rule);
    return keptText(walk, child, value);
  }
  if (typeof value === 'number') {
    if (child.jsonKind !== 'number') throw new Withheld('wrong-json-type');
    count(walk, child.rule);
    if (!isNumberOf(child.type, value)) throw new Withheld('wrong-json-type');
    if (!isShortNumber(value)) noteKept(walk, child.textKind, value);
    return value;
  }
  if (typeof value !== 'boolean' || child.jsonKind !== 'boolean') throw new Withheld('wrong-json-type');
  count(walk, child.rule);
  return value;
}

function keptText(walk: Walk, child: Child, value: string): string | undefined {
  // Most codes are too short for the guard, and could name nothing.
  if (child.textKind === 'code' && value.length < codeLengthMin && !mayHide(value)) return value;
  if (isAsBefore(walk, child, value)) return value;
  if (child.isDate && readDate(value) === undefined) {
    // Text that is no date could be anything.
    walk.labels |= labelBits.redacted;
    return undefined;
  }
  const rewritten = mayHide(value) ? rewriteHidden(walk, value, child.type) : undefined;
  if (rewritten !== undefined) {
    walk.labels |= labelBits.pseudonymized;
    return rewritten;
  }
  const tokens = noteKept(walk, child.textKind, value);
  const isWorthIt = walk.trace !== undefined && value.length <= memoLengthMax;
  if (isWorthIt) child.lately.note(value, walk.keys.hasher, tokens);
  return value;
}

/** A primitive that a rule's method changes. The value before it counts as removed. */
export function changedLeaf(walk: Walk, child: Child, value: Json): Json | undefined {
  const { jsonKind } = child;
  if (value === null) return undefined;
  if (typeof value === 'object' || (jsonKind !== 'any' && typeof value !== jsonKind)) {
    throw new Withheld('wrong-json-type');
  }
  if (typeof value === 'number' && isWholeType(child.type) && !Number.isInteger(value)) {
    throw new Withheld('wrong-json-type');
  }
  const method = child.leaf as LeafMethod;
  count(walk, child.rule);
  const copy = sound(method.apply(value, walk), child);
  walk.labels |= copy === undefined ? labelBits.redacted : copy === value ? 0 : method.label;
  if (walk.trace !== undefined && copy !== value) collectRemoved(walk, child, value);
  if (copy === undefined || typeof copy === 'boolean' || !isInClear(walk, child)) return copy;
  const rewritten = typeof copy === 'string' ? rewriteHidden(walk, copy, child.type) : undefined;
  if (rewritten !== undefined) return rewritten;
  noteKept(walk, child.textKind, copy);
  return copy;
}

/** Whether JSON can write a number, and R4 has it in the type: without a fraction where there is none. */
const isNumberOf = (type: string, value: number): boolean =>
  Number.isInteger(value) || (Number.isFinite(value) && !isWholeType(type));

/** What a method gives has to be a value that the element may have: nothing else is written. */
function sound(copy: unknown, { jsonKind, type }: Child): string | number | boolean | undefined {
  if (copy === undefined) return undefined;
  if (typeof copy === 'number') {
    if (!isNumberOf(type, copy)) throw new Withheld('rule-failed');
  } else if (typeof copy !== 'string' && typeof copy !== 'boolean') throw new Withheld('rule-failed');
  if (jsonKind !== 'any' && typeof copy !== jsonKind) throw new Withheld('rule-failed');
  return copy;
}

/** Only what a method leaves in clear can hold a word: masked text, a general value. */
const isInClear = ({ policy }: Walk, child: Child): boolean => {
  const method = policy.rules[child.rule]?.method;
  return method === 'mask' || method === 'generalize' || method === 'plugin';
};

/** A value that R4 does not have, by the rule that names it or by the default. */
export function unknownLeaf(walk: Walk, child: Child, value: string | number | boolean): Json | undefined {
  const rule = walk.policy.rules[child.rule];
  if (rule?.passes === true && child.leaf !== undefined) return changedLeaf(walk, child, value);
  if (rule?.passes !== true || !keepsAsIs.has(rule.method)) {
    count(walk, child.rule);
    walk.labels |= labelBits.redacted;
    if (walk.trace !== undefined) collectRemoved(walk, child, value);
    return undefined;
  }
  count(walk, child.rule);
  if (typeof value === 'string') {
    const rewritten = rewriteHidden(walk, value, /ur[il]$/i.test(child.key) ? 'url' : 'string');
    if (rewritten !== undefined) return rewritten;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Withheld('wrong-json-type');
  if (typeof value !== 'boolean') noteKept(walk, typeof value === 'number' ? 'code' : 'text', value);
  return value;
}

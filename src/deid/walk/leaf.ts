/** Single values: kept, changed by a method, or of what R4 does not have. */
import type { Json } from '../../fhir/resource.ts';
import { hashTokens, hashedTokens } from '../guard/tokens.ts';
import type { TextKind } from '../guard/tokens.ts';
import { createWordHasher } from '../guard/hash.ts';
import { readDate } from '../methods/dates.ts';
import type { Child } from '../plan/child.ts';
import { hiddenTarget } from '../references.ts';
import { Withheld } from '../shape.ts';
import { labelBits } from './context.ts';
import type { LeafMethod, Walk } from './context.ts';
import { collectRemoved } from './guard-words.ts';
import { idOf } from './literals.ts';

/** What kind of text the guard takes a type's values for; undefined for types that hold no words. */
export function textKindOf(type: string): TextKind | undefined {
  switch (type) {
    case 'string':
    case 'markdown':
    case '':
      return 'text';
    case 'xhtml':
      return 'xhtml';
    case 'uri':
    case 'url':
    case 'canonical':
    case 'oid':
    case 'uuid':
      return 'uri';
    case 'code':
    case 'id':
      return 'code';
    case 'date':
    case 'dateTime':
    case 'instant':
      return 'date';
    default:
      return undefined;
  }
}

/** Longer texts are not remembered: each stands once. */
const memoCharactersMax = 256;
/** Shorter numbers are no identifiers: see guard/tokens.ts on codes. */
const numberMin = 1e7;

/** Notes the tokens of a kept value. */
export function noteKept(walk: Walk, type: string, value: string | number | boolean): void {
  const { trace } = walk;
  if (trace === undefined || typeof value === 'boolean') return;
  if (typeof value === 'number' && !(value >= numberMin)) return;
  const kind = typeof value === 'number' ? 'code' : textKindOf(type);
  if (kind === undefined) return;
  const text = String(value);
  const hasher = createWordHasher(walk.keys.pseudonym);
  const tokens =
    text.length <= memoCharactersMax ? hashedTokens(text, kind, hasher) : hashTokens(text, kind, hasher);
  if (tokens.length > 0) trace.kept.push(tokens);
}

const isDateType = (type: string): boolean => type === 'date' || type === 'dateTime' || type === 'instant';

/** A primitive that passes: of the JSON type that R4 has, a date where R4 has a date, without an id of the source's. */
export function keptLeaf(walk: Walk, child: Child, value: Json): Json | undefined {
  const { jsonKind, type } = child;
  if (typeof value !== jsonKind || typeof value === 'object') throw new Withheld('wrong-json-type');
  walk.taken[child.rule] = (walk.taken[child.rule] ?? 0) + 1;
  if (typeof value !== 'string') {
    noteKept(walk, type, value as number | boolean);
    return value;
  }
  if (isDateType(type) && readDate(value) === undefined) {
    // Text that is no date could be anything.
    walk.labels |= labelBits.redacted;
    return undefined;
  }
  const target = hiddenTarget(value, type, walk.policy.scope);
  if (target !== undefined) {
    walk.labels |= labelBits.pseudonymized;
    return `${target.type}/${idOf(walk, target.type, target.id)}`;
  }
  noteKept(walk, type, value);
  return value;
}

/** A primitive that a rule's method changes. The value before it counts as removed. */
export function changedLeaf(walk: Walk, child: Child, value: Json): Json | undefined {
  const { jsonKind, type } = child;
  if (value === null) return undefined;
  if (typeof value === 'object' || (jsonKind !== 'any' && typeof value !== jsonKind)) {
    throw new Withheld('wrong-json-type');
  }
  const method = child.leaf as LeafMethod;
  walk.taken[child.rule] = (walk.taken[child.rule] ?? 0) + 1;
  const copy = method.apply(value, walk);
  walk.labels |= copy === undefined ? labelBits.redacted : copy === value ? 0 : method.label;
  if (walk.trace !== undefined) {
    if (copy !== value) collectRemoved(walk, child, value);
    if (copy !== undefined && typeof copy !== 'object' && noted(walk, child)) noteKept(walk, type, copy as string);
  }
  return copy;
}

/** Only what a method leaves in clear can hold a word: masked text, a general value. */
const noted = ({ policy }: Walk, child: Child): boolean => {
  const method = policy.rules[child.rule]?.method;
  return method === 'mask' || method === 'generalize' || method === 'plugin';
};

/** A value that R4 does not have, by the rule that names it or by the default. */
export function unknownLeaf(walk: Walk, child: Child, value: string | number | boolean): Json | undefined {
  const rule = walk.policy.rules[child.rule];
  if (rule?.passes !== true) {
    walk.taken[child.rule] = (walk.taken[child.rule] ?? 0) + 1;
    walk.labels |= labelBits.redacted;
    if (walk.trace !== undefined) collectRemoved(walk, child, value);
    return undefined;
  }
  if (rule.method === 'substitute') return (rule.rule?.method === 'substitute' ? rule.rule.params.with : undefined) as Json | undefined;
  if (child.leaf !== undefined) return changedLeaf(walk, child, value);
  if (rule.method !== 'keep' && rule.method !== 'default-keep' && rule.method !== 'extension-keep') return undefined;
  walk.taken[child.rule] = (walk.taken[child.rule] ?? 0) + 1;
  if (typeof value === 'string') {
    const target = hiddenTarget(value, /ur[il]$/i.test(child.key) ? 'url' : 'string', walk.policy.scope);
    if (target !== undefined) return `${target.type}/${idOf(walk, target.type, target.id)}`;
  }
  noteKept(walk, '', value);
  return value;
}

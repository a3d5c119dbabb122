/**
 * The leak guard's last step: looks through an output for words that rules removed anywhere of the same patient, and masks
 * them, or withholds the resource, as the policy says. Only outputs whose trace meets known words come here.
 */
import type { Json, JsonObject, Resource } from '../../fhir/resource.ts';
import type { CompiledPolicy } from '../compiled.ts';
import type { DeidKeys, GuardTrace } from '../engine.ts';
import { keysFor } from '../keys.ts';
import { modes } from '../plan/child.ts';
import type { Child } from '../plan/child.ts';
import type { ObjectPlan } from '../plan/child.ts';
import { isObject } from '../shape.ts';
import { withAbsentReasons } from '../walk/absent.ts';
import { securityLabels } from '../walk/labels.ts';
import { labelBits } from '../walk/context.ts';
import { createWordHasher } from './hash.ts';
import { maskText } from './mask.ts';
import { hashedTokens } from './tokens.ts';

/** Words known of a patient, by the patient's keyed hash: those that this or an earlier run removed. */
export type WordsOf = (patient: string) => ReadonlySet<number>;

/** Whose an output's resources are: the part of a trace that outlives the comparison. */
export type GuardPlace = Pick<GuardTrace, 'patient' | 'resource'>;

export type GuardOutcome =
  | { readonly kind: 'resource'; readonly resource: Resource; /** Values masked or removed. */ readonly masked: number }
  | { readonly kind: 'withheld'; readonly reason: 'leak-guard' };

/** Whether anything that is left in a resource is among the words known of its patient. */
export const guardHits = (traces: readonly GuardTrace[], wordsOf: WordsOf): boolean =>
  traces.some((trace) => {
    const words = wordsOf(trace.patient);
    return words.size > 0 && trace.meets(words);
  });

interface Looking {
  readonly policy: CompiledPolicy;
  readonly wordsOf: (resource: string) => ReadonlySet<number>;
  readonly hasher: (token: string) => number;
  words: ReadonlySet<number>;
  masked: number;
}

/** Masks an output of `deidentify`. `places` are its traces'. The result shares what did not change with its input. */
export function applyGuard(
  resource: Resource,
  places: readonly GuardPlace[],
  policy: CompiledPolicy,
  keys: DeidKeys,
  wordsOf: WordsOf,
): GuardOutcome {
  const wordsOfResource = (name: string): ReadonlySet<number> => {
    const sets = places.filter((place) => place.resource === name).map(({ patient }) => wordsOf(patient));
    return sets.length === 1 ? (sets[0] ?? new Set<number>()) : new Set(sets.flatMap((set) => [...set]));
  };
  const looking: Looking = {
    policy,
    wordsOf: wordsOfResource,
    hasher: createWordHasher(keysFor(keys, policy.document, 'pseudonym')),
    words: new Set(),
    masked: 0,
  };
  const plan = policy.planner.resource(resource.resourceType);
  if (plan === undefined || policy.document.leakGuard === 'off') return { kind: 'resource', resource, masked: 0 };
  const out = wholeResource(looking, resource, plan);
  if (looking.masked === 0) return { kind: 'resource', resource, masked: 0 };
  if (policy.document.leakGuard === 'withhold') return { kind: 'withheld', reason: 'leak-guard' };
  return { kind: 'resource', resource: out as Resource, masked: looking.masked };
}

/** One that is nobody's part, under the words of its own patient. */
function wholeResource(looking: Looking, value: JsonObject, plan: ObjectPlan): JsonObject {
  const { words, masked } = looking;
  const { resourceType, id } = value;
  looking.words = looking.wordsOf(
    `${typeof resourceType === 'string' ? resourceType : ''}/${typeof id === 'string' ? id : ''}`,
  );
  const out = members(looking, value, plan) ?? value;
  looking.words = words;
  const isLabelled = looking.masked > masked && looking.policy.document.labels;
  return isLabelled ? labelled(out) : out;
}

/** Masking is said in the labels as well. */
function labelled(resource: JsonObject): JsonObject {
  const { meta } = resource;
  if (!isObject(meta)) return resource;
  const security = Array.isArray(meta.security) ? meta.security : [];
  const [label] = securityLabels(labelBits.masked);
  if (label === undefined || security.some((coding) => isObject(coding) && coding.code === label.code)) return resource;
  const { tag, security: _old, ...others } = meta;
  const all = [...security, { ...label }];
  return { ...resource, meta: { ...others, security: all, ...(tag === undefined ? {} : { tag }) } };
}

function members(looking: Looking, value: JsonObject, plan: ObjectPlan): JsonObject | undefined {
  let out: JsonObject | undefined;
  let isLost = false;
  for (const key of Object.keys(value)) {
    const before = value[key] ?? null;
    const after = member(looking, plan.child(key), before);
    if (after === before) continue;
    out ??= { ...value };
    if (after === undefined) {
      Reflect.deleteProperty(out, key);
      isLost = true;
    } else out[key] = after;
  }
  if (out === undefined) return value;
  if (Object.keys(out).length === 0) return undefined;
  return isLost ? withAbsentReasons(value, out, plan.required) : out;
}

/** Methods whose output is no word of anybody's: looking at it could only find chance. */
const keyed = new Set(['pseudonymize', 'cryptoHash', 'dateShift', 'dateTruncate', 'perturb', 'encrypt', 'substitute']);
const untouched = new Set<number>([
  modes.type,
  modes.id,
  modes.literal,
  modes.fullUrl,
  modes.requestUrl,
  modes.substitute,
]);

function member(looking: Looking, child: Child, value: Json): Json | undefined {
  if (untouched.has(child.mode)) return value;
  if (child.mode === modes.change && keyed.has(looking.policy.rules[child.rule]?.method ?? '')) return value;
  if (!Array.isArray(value)) return one(looking, child, value);
  const hasSibling = value.includes(null);
  const out = value.flatMap((item): Json[] => {
    const after = one(looking, child, item);
    return after === undefined ? (hasSibling ? [null] : []) : [after];
  });
  if (isSame(out, value)) return value;
  return out.some((item) => item !== null) ? out : undefined;
}

const isSame = (a: readonly Json[], b: readonly Json[]): boolean =>
  a.length === b.length && a.every((item, at) => item === b[at]);

function one(looking: Looking, child: Child, value: Json): Json | undefined {
  if (value === null || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return member(looking, child, value);
  if (typeof value === 'object') return inner(looking, child, value);
  if (typeof value === 'number') return hits(looking, String(value)) ? noted(looking) : value;
  const kind = child.textKind;
  if (kind === undefined) return value;
  // Most texts hold nothing, and their tokens are remembered from the walk.
  if (!hashedTokens(value, kind, looking.hasher).hashes.some((token) => looking.words.has(token))) return value;
  const masked = maskText(value, kind, (token) => looking.words.has(looking.hasher(token)));
  if (masked !== value) looking.masked++;
  return masked;
}

/** A number that is an identifier's: nothing of it can be masked. */
function hits(looking: Looking, text: string): boolean {
  const masked = maskText(text, 'code', (token) => looking.words.has(looking.hasher(token)));
  return masked !== text;
}

function noted(looking: Looking): Json | undefined {
  looking.masked++;
  return undefined;
}

function inner(looking: Looking, child: Child, value: JsonObject): Json | undefined {
  const { resourceType } = value;
  const isResource = child.mode === modes.resource || child.mode === modes.unknown;
  if (!isResource || typeof resourceType !== 'string') return members(looking, value, shapeOf(child, value));
  const plan = looking.policy.planner.embedded(resourceType, child.arrival);
  if (plan === undefined) return value;
  return child.key === 'contained' ? members(looking, value, plan) : wholeResource(looking, value, plan);
}

/** The plan of what R4 does not have is that of its shape. */
const shapeOf = (child: Child, value: JsonObject): ObjectPlan =>
  child.mode === modes.unknown && typeof value.reference === 'string'
    ? child.shapedAs('Reference').plan()
    : child.plan();

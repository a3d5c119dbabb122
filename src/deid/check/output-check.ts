/**
 * The output check: reads what is about to be committed and says whether it follows the policy. A second opinion: it
 * shares neither plan nor walk with the engine, but reads the rules' paths and R4's types by itself. A wrong walk then ends
 * in a withheld resource, not in a leak.
 *
 * It sees the output alone. Where a rule hung on something that is gone, all that may have happened is accepted.
 */
import { typeForm } from '../../fhir/resource.ts';
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { CompiledPolicy } from '../compiled.ts';
import { maxDepthLevels, tagSystems } from '../engine.ts';
import type { DeidKeys } from '../engine.ts';
import { keysFor } from '../keys.ts';
import { pseudonymId } from '../pseudonym.ts';
import { settled } from './conditions.ts';
import { pseudonymOf } from './forms.ts';
import { isObject } from './json.ts';
import { isNewId, isPseudonym } from './literals.ts';
import type { Ours } from './literals.ts';
import { marksOf, noMarks, provingRules } from './marks.ts';
import { ruledMeta } from './meta.ts';
import { Mistake } from './mistakes.ts';
import type { OutputVerdict } from './mistakes.ts';
import type { Place } from './place.ts';
import { PolicyReading } from './reading.ts';
import { Roots } from './roots.ts';
import { tagCode, tagMistake } from './tag-check.ts';
import { Visit } from './visit.ts';
import type { BundleAround, Inside } from './values.ts';

export { checkDown } from './check-down.ts';
export type { OutputMistake, OutputVerdict } from './mistakes.ts';

/** Keys of a resource that are looked at apart. */
const ownKeys: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta']);
const besideOwn = ['_resourceType', '_id', '_meta'];
const keyTagForm = /^pseudonym\/[1-9][0-9]{0,6}$/;

/** Checks outputs under one policy and key version. */
class Checker {
  readonly #reading: PolicyReading;
  readonly #roots: Roots;
  readonly #ours: Ours;
  readonly #visit: Visit;
  readonly #version: number | undefined;

  constructor(policy: CompiledPolicy, keys: DeidKeys | undefined) {
    const version = versionOf(policy, keys, 'pseudonym');
    const reading = new PolicyReading(policy, { pseudonym: version, encrypt: versionOf(policy, keys, 'encrypt') });
    this.#reading = reading;
    this.#roots = new Roots(reading);
    this.#version = version;
    this.#ours = { scope: policy.scope, pseudonym: pseudonymOf(version), newId: newIdOf(policy, keys) };
    this.#visit = new Visit(reading, this.#ours, (value, place, inside, depth) => {
      this.#nested(value, place, inside, depth);
    });
  }

  /** A resource that is nobody's part. */
  outermost(value: JsonObject): void {
    const { resourceType: type, id } = value;
    if (typeof type !== 'string' || !typeForm.test(type)) throw new Mistake('not-a-resource');
    // A file's resources may not have been stored yet, and a Bundle seldom is.
    const mayLackId = type === 'Bundle' || this.#ours.scope.urns === 'rename';
    if (!(id === undefined && mayLackId) && !isPseudonym(this.#ours, id)) throw new Mistake('id-form');
    this.#whole(value, this.#rootOf(value, undefined), undefined, 1);
  }

  /** A resource inside another: a contained one is part of it, any other is checked as if it stood alone. */
  #nested(value: JsonObject, place: Place, inside: Inside, depth: number): void {
    const root = this.#rootOf(value, place);
    const { id } = value;
    const isContained = place.key === 'contained';
    if (id !== undefined) {
      const isNew = isContained ? isPseudonym(this.#ours, id) : isNewId(this.#ours, root.type, id);
      if (!isNew) throw new Mistake('id-form');
    }
    if (!isContained) {
      this.#whole(value, root, inside.bundle, depth);
      return;
    }
    if (tagMistake(value, {})) throw new Mistake('tags');
    this.#members(value, root, { ...inside, answers: [], bundle: bundleIn(value, inside.bundle) }, depth);
  }

  /** Its own place: what holds for its container does not hold for it, but for rules whose path ends at it. */
  #rootOf(value: JsonObject, outer: Place | undefined): Place {
    const { resourceType: type } = value;
    if (typeof type !== 'string' || !typeForm.test(type) || !this.#reading.hasType(type))
      throw new Mistake('not-a-resource');
    const ends =
      outer === undefined
        ? []
        : [...outer.ends, ...outer.takers.filter(({ rule }) => this.#reading.anywhere.has(rule))];
    const place = settled(this.#roots.of(type, ends), value);
    const isTaken = place.takers.every(({ rule }) => !this.#reading.passes(rule));
    if (isTaken && place.takers.some(({ rule }) => rule < this.#reading.fallbacks.keep)) {
      // Under `default: drop` a shell may pass, unless a rule takes it whole.
      if ((place.takers.at(-1)?.rule ?? 0) < this.#reading.fallbacks.keep) throw new Mistake('dropped-type');
    }
    return place;
  }

  #whole(value: JsonObject, place: Place, around: BundleAround | undefined, depth: number): void {
    this.#tags(value);
    const isAsked = provingRules(this.#reading).length > 0;
    const bundle = bundleIn(value, around);
    const inside = { container: { resource: value }, bundle, answers: [], marks: noMarks };
    const changed = isAsked ? new Set<string>() : undefined;
    this.#members(value, place, { ...inside, changed }, depth);
    if (changed === undefined) return;
    const marks = marksOf(this.#reading, value, place.type, changed);
    if (marks.objects.size + marks.values.size === 0) return;
    if (marks.objects.has(value)) throw new Mistake('removed-path');
    this.#members(value, place, { ...inside, marks, changed: undefined }, depth);
  }

  #members(value: JsonObject, place: Place, inside: Inside, depth: number): void {
    if (depth > maxDepthLevels) throw new Mistake('too-deep');
    for (const key of besideOwn) if (Object.hasOwn(value, key)) throw new Mistake('removed-path');
    if (Object.hasOwn(value, 'meta')) {
      const meta = ruledMeta(value.meta ?? null, this.#reading.policy.document.labels);
      if (meta !== undefined) this.#visit.member(meta, place.child('meta'), inside, depth, value);
    }
    this.#visit.members(value, place, inside, depth, ownKeys);
  }

  #tags(value: JsonObject): void {
    const { scope, digest } = this.#reading.policy;
    const stated = tagCode(value, tagSystems.key);
    const key = this.#version === undefined ? stated : `pseudonym/${String(this.#version)}`;
    if (typeof key !== 'string' || !keyTagForm.test(key)) throw new Mistake('tags');
    const wanted = { [tagSystems.origin]: scope.instance, [tagSystems.policy]: digest, [tagSystems.key]: key };
    if (tagMistake(value, wanted)) throw new Mistake('tags');
  }
}

const bundleIn = (resource: JsonObject, outer: BundleAround | undefined): BundleAround | undefined =>
  resource.resourceType === 'Bundle' ? { resource, outer } : outer;

const versionOf = (
  policy: CompiledPolicy,
  keys: DeidKeys | undefined,
  purpose: 'pseudonym' | 'encrypt',
): number | undefined => policy.document.keys[purpose] ?? keys?.pseudonymKeyVersion;

/** The pseudonym of an id, where its key is held and the leak guard is not off; undefined where nobody can tell. */
function newIdOf({ document, scope }: CompiledPolicy, keys: DeidKeys | undefined): Ours['newId'] {
  const version = document.keys.pseudonym ?? keys?.pseudonymKeyVersion;
  const isHeld = version === keys?.pseudonymKeyVersion || keys?.olderKeys?.has(version ?? 0) === true;
  if (keys === undefined || !isHeld || document.leakGuard === 'off') return undefined;
  const own = keysFor(keys, document, 'pseudonym');
  return (type, id) => pseudonymId(own, scope.instance, type, id);
}

const checkers = new WeakMap<CompiledPolicy, Map<DeidKeys | undefined, Checker>>();

const keysMax = 8;

/** One checker for each policy and keys: it remembers what it has read of the policy. */
function checkerOf(policy: CompiledPolicy, keys: DeidKeys | undefined): Checker {
  let known = checkers.get(policy);
  if (known === undefined) checkers.set(policy, (known = new Map<DeidKeys | undefined, Checker>()));
  let checker = known.get(keys);
  if (checker === undefined) {
    // Whoever makes keys anew for each call must not make a checker for each.
    if (known.size >= keysMax) known.clear();
    known.set(keys, (checker = new Checker(policy, keys)));
  }
  return checker;
}

/**
 * Verifies a de-identified resource. With `keys`, or where the policy names a version, its pseudonyms have to be of that
 * key's version; without, of one and the same form.
 */
export function checkOutput(resource: unknown, policy: CompiledPolicy, keys?: DeidKeys): OutputVerdict {
  const value = resource as Json | undefined;
  if (!isObject(value)) return { ok: false, reason: 'not-a-resource' };
  try {
    checkerOf(policy, keys).outermost(value);
    return { ok: true };
  } catch (error) {
    if (error instanceof Mistake) return { ok: false, reason: error.code };
    throw error;
  }
}

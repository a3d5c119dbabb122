/**
 * The second opinion: verifies what is about to be committed against the policy, by other means than the walk. It
 * shares no state machine and no rewriting with it: it reads the output, matches each rule's path step by step, and
 * says no where it finds what cannot be there. A wrong walk then ends in a withheld resource, not in a leak.
 */
import { idForm, typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject } from '../fhir/resource.ts';
import { none, ruleNaming, ruleOfAnswers, rulesStartingAt } from './check-rules.ts';
import type { Pursuit } from './check-rules.ts';
import type { CompiledPolicy } from './compile.ts';
import { detachedSystem, maxDepthLevels, tagSystems } from './engine.ts';
import type { DeidKeys } from './engine.ts';
import { isKeyOfElement } from './path.ts';
import { pseudonymForm } from './pseudonym.ts';
import { tagMistake } from './tag-check.ts';

export { checkDown } from './check-down.ts';

/** What is wrong with an output. Constant codes, never data. */
export type OutputMistake =
  | 'not-a-resource' // no object, no type
  | 'id-form' // the id, or a contained one, is no pseudonym of this key version
  | 'tags' // origin or policy tag missing, doubled or of another instance or digest
  | 'server-meta' // meta holds what is the source server's
  | 'removed-path' // something stands where a rule removes
  | 'unnamed-path' // something stands where no rule lets it pass
  | 'dropped-type' // a resource of a type that does not pass
  | 'value-form' // a value that should be a pseudonym is none
  | 'reference-form' // a literal reference that is not ours
  | 'local-reference' // `#x` without such a contained resource
  | 'hidden-reference' // a literal `Type/id` outside a reference
  | 'forbidden-key'
  | 'too-deep';

export type OutputVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: OutputMistake };

interface Place {
  readonly key: string;
  /** The first rule that took this node or one that holds it. */
  readonly won: number;
  readonly pursuits: readonly Pursuit[];
  /** The rule that takes the answers here, inside an item that it names. */
  readonly answers: number;
  readonly depth: number;
  /** Type of the resource that the node is of. */
  readonly type: string;
  /** The resource among whose contained ones `#x` points. */
  readonly resource: JsonObject;
}

const relativeForm = /^([A-Z][A-Za-z0-9]{0,63})\/([A-Za-z0-9\-.]{1,64})(\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const referenceElements = new Set(['id', 'extension', 'reference', 'type', 'identifier', 'display']);
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const elementOf = (key: string): string => key.replace(/^_/, '');

class Mistake extends Error {
  readonly code: OutputMistake;
  constructor(code: OutputMistake) {
    super(code);
    this.code = code;
  }
}

/** Checks resources against one policy. */
class Checker {
  readonly #policy: CompiledPolicy;
  readonly #prefix: string;

  constructor(policy: CompiledPolicy, keys: DeidKeys | undefined) {
    this.#policy = policy;
    this.#prefix = keys === undefined ? 'p' : `p${String(keys.pseudonymKeyVersion)}-`;
  }

  #isPseudonym(text: Json | undefined): boolean {
    return typeof text === 'string' && pseudonymForm.test(text) && text.startsWith(this.#prefix);
  }

  /** Members of a resource, the outermost or one inside it. `place` is where it stands. */
  resource(value: JsonObject, place: Place, outer: boolean): void {
    const { scope, rules, defaultRule } = this.#policy;
    const { resourceType: type, id } = value;
    if (typeof type !== 'string' || !typeForm.test(type)) throw new Mistake('not-a-resource');
    const own = rulesStartingAt(this.#policy, type);
    const whole = own.find(({ rule }) => rule.path.kind === 'type' && rule.path.segments.length === 0);
    const won = Math.min(defaultRule, whole?.index ?? none);
    if (rules[won]?.method === 'drop-resource') throw new Mistake('dropped-type');
    const passesAsIs = !outer && place.key !== 'contained' && scope.downTypes.has(type);
    if (outer || id !== undefined) {
      const good = passesAsIs ? typeof id === 'string' && idForm.test(id) : this.#isPseudonym(id);
      if (!good) throw new Mistake('id-form');
    }
    const contains = place.key === 'contained' && !outer ? place.resource : value;
    const inside = { ...place, type, won, pursuits: [...place.pursuits, ...own], answers: none, resource: contains };
    for (const [key, member] of Object.entries(value)) {
      if (key === 'resourceType' || key === 'id') continue;
      if (key === 'meta') this.#meta(member, inside, outer);
      else this.#member(key, member, inside, value);
    }
  }

  #meta(meta: Json, place: Place, outer: boolean): void {
    if (!isObject(meta)) throw new Mistake('server-meta');
    const implied = place.won === this.#policy.dropByDefault ? this.#policy.keepByDefault : place.won;
    const copy: JsonObject = { ...meta };
    for (const key of Object.keys(meta)) {
      if (key !== 'profile' && key !== 'security' && key !== 'tag') throw new Mistake('server-meta');
    }
    // Our own tags are the outermost resource's alone, were checked already and are under no rule.
    if (outer && Array.isArray(meta.tag)) {
      copy.tag = meta.tag.filter((tag) => !isObject(tag) || !Object.values(tagSystems).includes(tag.system as never));
      if (copy.tag.length === 0) delete copy.tag;
    }
    if (Object.keys(copy).length > 0) this.#member('meta', copy, { ...place, won: implied }, {});
  }

  /** One member: which rule wins here, and may something of it stand? */
  #member(key: string, value: Json, place: Place, owner: JsonObject): void {
    if (forbidden.has(key)) throw new Mistake('forbidden-key');
    const name = elementOf(key);
    const pursuits: Pursuit[] = [];
    let won = place.won;
    for (const { index, rule, done } of place.pursuits) {
      if (rule.path.kind === 'name') continue;
      const segment = rule.path.segments[done];
      if (segment === undefined || !isKeyOfElement(segment, name)) continue;
      pursuits.push({ index, rule, done: done + 1 });
      if (done + 1 === rule.path.segments.length) won = Math.min(won, index);
    }
    won = Math.min(won, ruleNaming(this.#policy, name));
    if (name === 'answer') won = Math.min(won, place.answers);
    if (key === 'reference' && !isObject(value)) this.#literal(value, place.resource);
    this.#value(value, { ...place, key, won, pursuits, depth: place.depth + 1 }, owner);
  }

  #value(value: Json, place: Place, owner: JsonObject): void {
    if (value === null) return; // a hole in a list of primitives
    if (typeof value !== 'object') {
      this.#primitive(value, place);
      return;
    }
    if (place.depth > maxDepthLevels) throw new Mistake('too-deep');
    if (Array.isArray(value)) {
      for (const member of value) this.#value(member, { ...place, depth: place.depth + 1 }, owner);
      return;
    }
    if (place.key === 'identifier' && this.#isDetachment(value) && owner.reference === undefined) return;
    if (value.resourceType !== undefined) {
      this.#removal(place.won);
      this.resource(value, place, false);
      return;
    }
    const keys = Object.keys(value);
    const named = value.display ?? value._display ?? value.identifier;
    const plain = keys.every((key) => referenceElements.has(elementOf(key))) && typeof (value.type ?? '') === 'string';
    const detached = isObject(value.identifier) && this.#isDetachment(value.identifier);
    let { won, pursuits } = place;
    if (typeof value.reference === 'string' || detached || (named !== undefined && plain)) {
      for (const [index, rule] of this.#policy.rules.entries()) {
        if (rule.path.kind !== 'reference') continue;
        if (rule.path.segments.length === 0) won = Math.min(won, index);
        pursuits = [...pursuits, { index, rule, done: 0 }];
      }
    }
    const answers = Math.min(place.answers, ruleOfAnswers(this.#policy, value, place.type));
    for (const [key, member] of Object.entries(value)) {
      // The type beside a detachment is ours: a type's name and nothing else.
      if (detached && key === 'type' && typeof member === 'string' && typeForm.test(member)) continue;
      this.#member(key, member, { ...place, won, pursuits, answers }, value);
    }
  }

  #isDetachment(value: JsonObject): boolean {
    return Object.keys(value).length === 2 && value.system === detachedSystem && this.#isPseudonym(value.value);
  }

  /** Nothing may stand where the rule that wins is one that removes. */
  #removal(won: number): void {
    const method = this.#policy.rules[won]?.method;
    if (method === 'default-drop') throw new Mistake('unnamed-path');
    if (method !== 'keep' && method !== 'default-keep' && method !== 'pseudonymize') throw new Mistake('removed-path');
  }

  #primitive(value: string | number | boolean, place: Place): void {
    this.#removal(place.won);
    if (place.key === 'reference') return;
    if (this.#policy.rules[place.won]?.method === 'pseudonymize' && !this.#isPseudonym(value)) {
      throw new Mistake('value-form');
    }
    const [, type = '', id, version] = typeof value === 'string' ? (relativeForm.exec(value) ?? []) : [];
    const { upTypes, downTypes } = this.#policy.scope;
    if (id === undefined || downTypes.has(type)) return;
    const link = /ur[il]$/i.test(place.key);
    if ((upTypes.has(type) || link) && (version !== undefined || !this.#isPseudonym(id))) {
      throw new Mistake('hidden-reference');
    }
  }

  /** The text of a reference: ours, the hub's, or a contained resource's. */
  #literal(value: Json, container: JsonObject): void {
    if (Array.isArray(value) && value.every(isObject)) return;
    if (typeof value !== 'string') throw new Mistake('reference-form');
    if (value === '#') return;
    if (value.startsWith('#')) {
      const { contained } = container;
      const found = Array.isArray(contained) && contained.some((one) => isObject(one) && one.id === value.slice(1));
      if (!found) throw new Mistake('local-reference');
      return;
    }
    const [, type = '', id = '', version] = relativeForm.exec(value) ?? [];
    const { upTypes, downTypes } = this.#policy.scope;
    if (version === undefined && downTypes.has(type)) return;
    if (version !== undefined || !upTypes.has(type) || !this.#isPseudonym(id)) throw new Mistake('reference-form');
  }
}

/** Verifies a de-identified resource. With `keys`, its pseudonyms have to be of that key's version. */
export function checkOutput(resource: unknown, policy: CompiledPolicy, keys?: DeidKeys): OutputVerdict {
  const value = resource as Json | undefined;
  if (!isObject(value)) return { ok: false, reason: 'not-a-resource' };
  try {
    if (tagMistake(value, { [tagSystems.origin]: policy.scope.instance, [tagSystems.policy]: policy.digest })) {
      return { ok: false, reason: 'tags' };
    }
    const place: Place = { key: '', type: '', won: none, pursuits: [], answers: none, depth: 1, resource: value };
    new Checker(policy, keys).resource(value, place, true);
    return { ok: true };
  } catch (error) {
    if (error instanceof Mistake) return { ok: false, reason: error.code };
    throw error;
  }
}

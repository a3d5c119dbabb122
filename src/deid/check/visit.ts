/**
 * Goes through an output once and compares each thing that stands there with what may stand there. The first thing that
 * cannot be ends it.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import type { R4Element } from '../r4/model.ts';
import { isAbsentReason, isFiller } from './absent.ts';
import { answerTakers, answerType, itemType } from './answers.ts';
import { settled } from './conditions.ts';
import { hasTwoChoices } from './constants.ts';
import { isForbiddenKey, isObject, sameJson } from './json.ts';
import type { Taker } from './json.ts';
import * as literals from './literals.ts';
import type { Ours } from './literals.ts';
import { Mistake } from './mistakes.ts';
import type { Place } from './place.ts';
import { isPrimitive } from './primitives.ts';
import type { PolicyReading } from './reading.ts';
import { noteNames, Values } from './values.ts';
import type { Inside } from './values.ts';

/** Checks a resource that stands inside another. */
export type CheckResource = (value: JsonObject, place: Place, inside: Inside, depth: number) => void;

export class Visit {
  readonly #reading: PolicyReading;
  readonly #ours: Ours;
  readonly #resource: CheckResource;
  readonly #values: Values;

  constructor(reading: PolicyReading, ours: Ours, resource: CheckResource) {
    this.#reading = reading;
    this.#ours = ours;
    this.#resource = resource;
    this.#values = new Values(reading, ours);
  }

  /** The members of an object, but for those that `skips` names. */
  members(value: JsonObject, place: Place, inside: Inside, depth: number, skips?: ReadonlySet<string>): void {
    if (depth > maxDepthLevels) throw new Mistake('too-deep');
    let isEmpty = true;
    const marks = inside.marks.values.get(value);
    for (const key in value) {
      isEmpty = false;
      if (skips?.has(key) === true) continue;
      if (isForbiddenKey(key)) throw new Mistake('forbidden-key');
      const also = marks?.get(key);
      const child = place.child(key);
      this.member(value[key] ?? null, also === undefined ? child : marked(child, also), inside, depth, value);
    }
    if (isEmpty || hasTwoChoices(value, place.holds)) throw new Mistake('json-type');
  }

  /** What stands under one key. */
  member(value: Json, place: Place, inside: Inside, depth: number, owner: JsonObject): void {
    const { element, constants } = place;
    if (element !== undefined && (place.isSibling || typeof value === 'object') && isFiller(value, element)) {
      const isAlone = !place.isSibling || !Object.hasOwn(owner, element.key);
      if (isAlone) return;
    }
    if (constants.length > 0 && constants.some((constant) => isMadeOf(value, constant, element))) {
      if (inside.changed !== undefined) noteNames(place, value, inside.changed);
      return;
    }
    if (element === undefined) {
      this.#unknown(value, place, inside, depth);
      return;
    }
    if (!element.isArray) {
      if (Array.isArray(value)) throw new Mistake('json-type');
      this.#one(value, place, inside, depth + 1);
      return;
    }
    if (!Array.isArray(value) || depth + 1 > maxDepthLevels)
      throw new Mistake(Array.isArray(value) ? 'too-deep' : 'json-type');
    this.#list(value, place, inside, depth, owner);
  }

  #list(list: readonly Json[], place: Place, inside: Inside, depth: number, owner: JsonObject): void {
    // Lists of primitives and of what stands beside them run in parallel, with holes.
    const mayHaveHoles = isPrimitive(place.type);
    const marks = inside.marks.values.get(owner);
    let filled = 0;
    for (const [index, member] of list.entries()) {
      if (member === null && mayHaveHoles) continue;
      filled++;
      const also = marks?.get(`${place.key}.${String(index)}`);
      this.#one(member, also === undefined ? place : marked(place, also), inside, depth + 2);
    }
    if (filled === 0) throw new Mistake('json-type');
  }

  /** One value of an element of R4's. */
  #one(value: Json, place: Place, inside: Inside, depth: number): void {
    const { type, constants } = place;
    if (constants.length > 0 && constants.some((constant) => sameJson(value, constant))) return;
    if (place.isSibling) this.#beside(value, place, inside, depth);
    else if (isPrimitive(type)) this.#values.primitive(value, place, inside);
    else if (!isObject(value)) throw new Mistake('json-type');
    else if (type === 'Resource') this.#resource(value, this.#at(place, value, inside), inside, depth);
    else this.object(value, place, inside, depth);
  }

  /** The place under what this very object tells, and what was found of it. */
  #at(place: Place, value: JsonObject, inside: Inside): Place {
    const also = inside.marks.objects.get(value);
    const own = settled(place, value);
    return also === undefined ? own : marked(own, also);
  }

  /** An object of an R4 type. */
  object(value: JsonObject, outer: Place, inside: Inside, depth: number): void {
    let place = this.#at(outer, value, inside);
    // Only R4's ExampleScenario has an element of this name.
    if (typeof value.resourceType === 'string' && place.child('resourceType').element === undefined)
      throw new Mistake('json-type');
    if (place.type === 'Extension') {
      if (this.#isAbsent(value, place)) return;
      if (place.isClosed) throw new Mistake(this.#values.lackOf(place));
    }
    let within = inside;
    if (place.type === itemType) within = { ...inside, answers: answerTakers(place, value, inside.answers) };
    else if (place.type === answerType && inside.answers.length > 0) place = marked(place, inside.answers);
    if (place.type === 'Reference') this.#reference(value, place, within, depth);
    else this.members(value, place, within, depth);
  }

  /** Where an extension may stand that no rule names and no policy keeps, HL7's word for "nothing" may. */
  #isAbsent(value: JsonObject, place: Place): boolean {
    return place.takers.at(-1)?.rule === this.#reading.fallbacks.extensionDrop && isAbsentReason(value);
  }

  /** A literal that was detached has left an identifier of ours, and the type of what it pointed at. */
  #reference(value: JsonObject, place: Place, inside: Inside, depth: number): void {
    const isDetached = !Object.hasOwn(value, 'reference') && literals.isDetachment(this.#ours, value.identifier);
    this.members(value, place, inside, depth, isDetached ? detachedKeys : undefined);
    const { type } = value;
    if (type !== undefined && !literals.isTypeName(this.#ours, type)) throw new Mistake('reference-form');
  }

  /** What stands beside a primitive: nothing where a method has changed the primitive, since it may repeat it in clear. */
  #beside(value: Json, outer: Place, inside: Inside, depth: number): void {
    if (!isObject(value)) throw new Mistake('json-type');
    const place = this.#at(outer, value, inside);
    const mayStand = place.takers.some(({ rule }) => this.#reading.isAsIs(rule) || !this.#reading.passes(rule));
    if (!mayStand) throw new Mistake('removed-path');
    this.members(value, place, inside, depth);
  }

  /** What R4 does not have: by its shape. */
  #unknown(value: Json, place: Place, inside: Inside, depth: number): void {
    if (place.isClosed) throw new Mistake(this.#values.lackOf(place));
    if (value === null) throw new Mistake('json-type');
    if (depth + 1 > maxDepthLevels && typeof value === 'object') throw new Mistake('too-deep');
    if (Array.isArray(value)) {
      if (value.length === 0) throw new Mistake('json-type');
      for (const member of value) this.#unknown(member, place, inside, depth + 1);
    } else if (!isObject(value)) this.#values.primitive(value, place, inside);
    else if (typeof value.resourceType === 'string')
      this.#resource(value, this.#at(place, value, inside), inside, depth + 1);
    else if (typeof value.reference === 'string' || literals.isDetachment(this.#ours, value.identifier)) {
      this.object(value, place.asReference(), inside, depth + 1);
    } else this.members(value, this.#at(place, value, inside), inside, depth + 1);
  }
}

const detachedKeys: ReadonlySet<string> = new Set(['identifier', 'type']);

/** The place with rules that were found to take this very node. */
const marked = (place: Place, also: readonly Taker[]): Place =>
  place.under(`also ${also.map(({ rule, isSure }) => `${String(rule)}${isSure ? '' : '?'}`).join()}`, { also });

/** A constant; where R4 has a list, a list of nothing else; beyond R4 either. */
const isMadeOf = (value: Json, constant: Json, element: R4Element | undefined): boolean =>
  (element?.isArray !== true && sameJson(value, constant)) ||
  (element?.isArray !== false &&
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => sameJson(one, constant)));

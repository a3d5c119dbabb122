/** Single values: whether what a rule's method may leave is what stands there. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { Primitive } from './forms.ts';
import type { Taker } from './json.ts';
import * as literals from './literals.ts';
import type { Ours } from './literals.ts';
import type { Marks } from './marks.ts';
import { Mistake } from './mistakes.ts';
import type { OutputMistake } from './mistakes.ts';
import type { Place } from './place.ts';
import { isDateType, isJsonOf } from './primitives.ts';
import type { PolicyReading } from './reading.ts';

/** What holds within one resource, and below some of its items. */
export interface Inside {
  /** The resource among whose contained ones `#x` points. */
  readonly container: { readonly resource: JsonObject; ids?: ReadonlySet<string> };
  /** The Bundle around it, whose entries' addresses mean something here. */
  readonly bundle: BundleAround | undefined;
  readonly marks: Marks;
  /** Rules on the answers of the items around. */
  readonly answers: readonly Taker[];
  /** Names under which values are not the source's own any more; undefined where nobody asks. */
  readonly changed: Set<string> | undefined;
}

/** A Bundle of the output, and those around it. */
export interface BundleAround {
  readonly resource: JsonObject;
  readonly outer: BundleAround | undefined;
  addresses?: ReadonlySet<string>;
}

/** Whether a literal is the address of an entry of a Bundle around it that has a resource. */
function isEntryOf(around: BundleAround | undefined, text: string): boolean {
  for (let bundle = around; bundle !== undefined; bundle = bundle.outer) {
    bundle.addresses ??= literals.entryAddresses(bundle.resource);
    if (bundle.addresses.has(text)) return true;
  }
  return false;
}

export class Values {
  readonly #reading: PolicyReading;
  readonly #ours: Ours;

  constructor(reading: PolicyReading, ours: Ours) {
    this.#reading = reading;
    this.#ours = ours;
  }

  primitive(value: Json, place: Place, inside: Inside): void {
    if (value === null || typeof value === 'object' || !isJsonOf(place.type, value)) throw new Mistake('json-type');
    switch (place.role) {
      case 'literal':
        this.#literal(value, place, inside);
        break;
      case 'fullUrl':
        this.#address(value, literals.isOurFullUrl);
        break;
      case 'requestUrl':
        this.#address(value, literals.isOurRequestUrl);
        break;
      default:
        this.#value(value, place, inside);
    }
  }

  #value(value: Primitive, place: Place, inside: Inside): void {
    if (place.role === 'value' && !isFormed(value, place)) throw new Mistake(this.lackOf(place));
    if (inside.changed !== undefined && !place.isUnchanged) noteNames(place, value, inside.changed);
    if (place.type === 'code' && typeof value === 'string' && !isCode(value, place)) throw new Mistake('value-form');
    if (typeof value === 'string' && literals.isHiddenLiteral(this.#ours, value, place.type, place.key)) {
      throw new Mistake('hidden-reference');
    }
    if (typeof value === 'string' && !isDateType(place.type) && place.type !== 'base64Binary')
      this.#ownId(value, inside);
  }

  #ownId(text: string, { container }: Inside): void {
    if (literals.holdsOwnId(this.#ours, text, container.resource)) throw new Mistake('hidden-reference');
  }

  /** What to call it that no rule lets this stand. */
  lackOf(place: Place): OutputMistake {
    // Where all is closed, it is closed whatever else may have come here.
    const decides = place.isClosed ? place.takers.find(({ rule }) => !this.#reading.passes(rule)) : place.takers[0];
    const { drop, extensionDrop } = this.#reading.fallbacks;
    const rule = decides?.rule ?? drop;
    if (rule === drop) return 'unnamed-path';
    if (rule >= extensionDrop) return 'unknown-extension';
    // A kept date that is none: see `asIs`.
    if (this.#reading.passes(rule))
      return place.forms.length === 0 && !isDateType(place.type) ? 'removed-path' : 'value-form';
    return 'removed-path';
  }

  #literal(value: Primitive, place: Place, inside: Inside): void {
    if (!place.takers.some(({ rule }) => this.#reading.passes(rule))) throw new Mistake(this.lackOf(place));
    if (typeof value !== 'string') throw new Mistake('json-type');
    if (value === '#') return;
    if (!value.startsWith('#')) {
      const isOurs = literals.isOurLiteral(this.#ours, value) || isEntryOf(inside.bundle, value);
      if (!isOurs) throw new Mistake('reference-form');
      return;
    }
    const { container } = inside;
    container.ids ??= literals.containedIds(container.resource);
    if (!container.ids.has(value.slice(1))) throw new Mistake('local-reference');
  }

  #address(value: Primitive, isOurs: (ours: Ours, text: string) => boolean): void {
    if (typeof value !== 'string' || !isOurs(this.#ours, value)) throw new Mistake('bundle-address');
  }
}

/** R4's form of a code: nothing but single spaces within. Source: https://hl7.org/fhir/R4/datatypes.html#code */
const codeForm = /^[^\s]+(?: [^\s]+)*$/;
/** A SNOMED CT expression is a code, too, spaces and all; and a media type may have parameters. */
const terminologyMax = 500;
const listedMax = 80;
const openKeys = new Set(['code', 'valueCode']);

/** Whether a text may be a code. R4's own lists and those of languages and currencies have no word with a space. */
function isCode(text: string, { key, isOutside }: Place): boolean {
  if (!codeForm.test(text) || text.length > terminologyMax) return false;
  if (openKeys.has(key) || isOutside || text.includes('/')) return true;
  return text.length <= listedMax && !text.includes(' ');
}

/** Whether some rule may have left the value. */
function isFormed(value: Primitive, { forms }: Place): boolean {
  for (const form of forms) if (form(value)) return true;
  return false;
}

/** Notes the names of a value that is not the source's, and of all that is within it. */
export function noteNames(place: Place, value: Json, names: Set<string>): void {
  names.add(place.key).add(place.element?.name ?? place.key);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (Array.isArray(value)) noteNames(place, member, names);
    else noteNames(place.child(key), member, names);
  }
}

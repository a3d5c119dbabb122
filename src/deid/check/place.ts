/**
 * A place in a resource: the chain of elements that leads there, and what the rules say of it. Places are made when data
 * first stands there and then looked up. A place whose rules ask for conditions has one variant for each answer.
 */
import type { Json } from '../../fhir/resource.ts';
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import { isOfType } from './constants.ts';
import type { NodeShape, Paths } from './follow.ts';
import type { Form } from './forms.ts';
import type { Taker, Truth } from './json.ts';
import { deciding, endsOf, said } from './judge.ts';
import type { Said } from './judge.ts';
import { isPrimitive } from './primitives.ts';
import type { PolicyReading } from './reading.ts';
import { roleOf, tellingKeys, unnamedKey } from './special-keys.ts';
import type { Role } from './special-keys.ts';

/** What of the answers about an object makes a variant of its place. */
export interface Answers {
  /** For each of the type's conditions: whether it held in the source. */
  readonly truths?: readonly Truth[];
  /** Rules that were found to take this very object. */
  readonly also?: readonly Taker[];
}

interface Spec {
  readonly reading: PolicyReading;
  readonly paths: Paths;
  readonly above: Place | undefined;
  readonly key: string;
  readonly shape: NodeShape;
  readonly element: R4Element | undefined;
  readonly isSibling: boolean;
  /** Rules that came to a resource from what holds it. */
  readonly outer: readonly Taker[];
  readonly answers: Answers;
}

/** Keys that R4 does not have come from the data, so there is a bound on those that are remembered. */
const unknownKeysMax = 500;

export class Place {
  readonly reading: PolicyReading;
  readonly key: string;
  /** R4's element; undefined for what R4 does not have, and where that is not sure. */
  readonly element: R4Element | undefined;
  readonly isSibling: boolean;
  /** R4's type of the node itself; empty where R4 has none. */
  readonly type: string;
  /** The type whose elements objects here have. */
  readonly holds: string;
  readonly isResource: boolean;
  /** In or below what R4 does not have. */
  readonly isOutside: boolean;
  /** The rules that may decide here, the last one for sure. */
  readonly takers: readonly Taker[];
  /** Those whose path ends at this very node. */
  readonly ends: readonly Taker[];
  /** Numbers of the conditions that rules ask of objects here. */
  readonly asked: readonly number[];
  readonly isClosed: boolean;
  readonly #spec: Spec;
  readonly #said: Said;
  readonly #children = new Map<string, Place>();
  readonly #variants = new Map<string, Place>();
  #forms: readonly Form[] | undefined;
  #constants: readonly Json[] | undefined;
  #role: Role | undefined;

  private constructor(spec: Spec) {
    const { reading, paths, above, key, shape, element, isSibling, answers } = spec;
    reading.places++;
    this.#spec = spec;
    this.reading = reading;
    this.key = key;
    this.element = element;
    this.isSibling = isSibling;
    this.type = shape.type;
    this.holds = isSibling ? 'Element' : shape.type;
    this.isResource = above === undefined;
    this.isOutside = above === undefined ? !this.isR4 : above.isOutside || element === undefined;
    const also = [...(answers.also ?? []), ...spec.outer];
    const node = { policy: reading, paths, key, shape, element, truths: answers.truths, also, holder: above };
    const before = above === undefined ? undefined : above.#said;
    this.#said = said(node, before);
    this.ends = endsOf(node, this.#said.progress);
    this.takers = deciding(reading, this.#said);
    this.isClosed = this.#said.isClosed;
    this.asked = answers.truths === undefined ? paths.asked(before?.progress, shape) : [];
  }

  static ofResource(reading: PolicyReading, paths: Paths, type: string, outer: readonly Taker[]): Place {
    const shape = { names: [], type, maybeType: '' };
    return new Place({
      ...{ reading, paths, above: undefined, key: '', shape, element: undefined, isSibling: false, outer, answers: {} },
    });
  }

  /** Whether objects here have a type of R4's. */
  get isR4(): boolean {
    return r4Type(this.holds) !== undefined;
  }

  /** The place of the object that holds this one; undefined for a resource. */
  get holder(): Place | undefined {
    return this.#spec.above;
  }

  get paths(): Paths {
    return this.#spec.paths;
  }

  /** The place of a key's values. */
  child(key: string): Place {
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const name = this.#isLikeOthers(key) ? unnamedKey : key;
    const child = (name === key ? undefined : this.#children.get(name)) ?? this.#made(name);
    if (name !== key) this.#children.set(name, child);
    else if (child.element !== undefined || this.#children.size < unknownKeysMax) this.#children.set(key, child);
    return child;
  }

  /** Whether nothing tells a key that R4 does not have from any other such key. */
  #isLikeOthers(key: string): boolean {
    const plain = key.startsWith('_') ? key.slice(1) : key;
    const ofType = (type: string): boolean => r4Type(type)?.elements.has(plain) === true;
    if (ofType(this.holds) || ofType(this.#maybeHolds) || tellingKeys.test(plain)) return false;
    return !this.paths.names(key) && !this.paths.names(plain);
  }

  /** The same place once something is known of the object that stands here. */
  under(name: string, answers: Answers): Place {
    let variant = this.#variants.get(name);
    if (variant === undefined) {
      variant = new Place({ ...this.#spec, answers: { ...this.#spec.answers, ...answers } });
      this.#variants.set(name, variant);
    }
    return variant;
  }

  /** The same place for an object that R4 does not have here, and that is a Reference for sure. */
  asReference(): Place {
    let variant = this.#variants.get('Reference');
    if (variant === undefined) {
      const shape = { ...this.#spec.shape, type: 'Reference', maybeType: '' };
      this.#variants.set('Reference', (variant = new Place({ ...this.#spec, shape })));
    }
    return variant;
  }

  /** Forms that values here may have: one of them is enough. */
  get forms(): readonly Form[] {
    const types = [...new Set([this.type, this.#spec.shape.maybeType])].filter(
      (type) => type !== '' || this.type === '',
    );
    return (this.#forms ??= this.takers.flatMap(({ rule }) =>
      types.flatMap((type) => this.reading.formOf(rule, type) ?? []),
    ));
  }

  /** Constants that a rule may have put here: those that R4 can have here, and none beside a primitive. */
  get constants(): readonly Json[] {
    return (this.#constants ??= this.isSibling
      ? []
      : this.takers
          .flatMap(({ rule }) => this.reading.constantOf(rule) ?? [])
          .filter((constant) => isOfType(constant, this.type)));
  }

  /** What is special about values here, whatever the rules say. */
  get role(): Role {
    return (this.#role ??= roleOf(this.holder?.holds ?? '', this.key));
  }

  /** Whether a value that stands here is the source's own: it stands, so no rule that removes has decided. */
  get isUnchanged(): boolean {
    const { reading } = this;
    return (
      this.role === 'extensionUrl' || this.takers.every(({ rule }) => reading.isAsIs(rule) || !reading.passes(rule))
    );
  }

  /** Whether every value that stood here does so still, as it was. */
  get isKept(): boolean {
    return this.role === 'extensionUrl' || this.takers.every(({ rule }) => this.reading.isAsIs(rule));
  }

  #made(key: string): Place {
    const own = r4Type(this.holds)?.elements.get(key);
    const beside = key.startsWith('_') ? r4Type(this.holds)?.elements.get(key.slice(1)) : undefined;
    const isSibling = own === undefined && beside !== undefined && isPrimitive(beside.type);
    const element = isSibling ? beside : own;
    const { reading, paths } = this;
    const shape =
      element === undefined
        ? this.#unknownShape(key)
        : { names: [element.name, element.key], type: element.type, maybeType: '' };
    return new Place({ reading, paths, above: this, key, shape, element, isSibling, outer: [], answers: {} });
  }

  /**
   * What R4 does not have. `_x` is what stands beside `x`, whatever that is. An object may have been a Reference, which
   * only its shape in the source told: then its members had those types.
   */
  #unknownShape(key: string): NodeShape {
    const plain = key.startsWith('_') ? key.slice(1) : key;
    const perhaps = this.isR4 || this.isResource ? undefined : r4Type(this.#maybeHolds)?.elements.get(plain);
    const names = [...new Set([key, plain, ...(perhaps === undefined ? [] : [perhaps.name])])];
    return { names, type: '', maybeType: perhaps?.type ?? 'Reference' };
  }

  get #maybeHolds(): string {
    const { maybeType } = this.#spec.shape;
    return isPrimitive(maybeType) ? 'Element' : maybeType;
  }
}

/**
 * The plan: for each R4 type, with the positions of the rules' paths and the rule that has won so far, a table that says
 * what happens to each JSON key. Parts are made when first needed and then looked up, so a walk asks no rule anything.
 */
import { r4ResourceTypes, r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import type { ResolvedPolicy } from '../policy/document.ts';
import { ChildMaker } from './child-maker.ts';
import type { Child, Closure, LeafMaker, ObjectPlan, Plans } from './child.ts';
import { Positions } from './positions.ts';
import type { Arrival } from './positions.ts';
import { noRule, planSteps } from './rules.ts';
import type { CompiledRules } from './rules.ts';

/** A plan that makes its table key by key, as keys are met. */
class TablePlan implements ObjectPlan {
  readonly type: string;
  readonly isResource: boolean;
  readonly isKnownExtension: boolean;
  readonly winner: number;
  readonly closure: Closure | undefined;
  readonly arrival: Arrival;
  readonly required: readonly R4Element[];
  readonly replacement: { readonly with: unknown } | undefined;
  readonly #children = new Map<string, Child>();
  readonly #variants = new Map<string, ObjectPlan>();
  readonly #maker: ChildMaker;

  constructor(maker: ChildMaker, type: string, arrival: Arrival, winner: number, flags: Flags) {
    const known = r4Type(type);
    this.#maker = maker;
    this.type = known === undefined ? '' : type;
    this.isResource = known?.kind === 'resource' || flags.isCustomResource;
    this.isKnownExtension = flags.isKnownExtension;
    this.arrival = arrival;
    this.winner = winner;
    this.closure = flags.closure;
    this.replacement = maker.replacementBy(winner, arrival, flags.closure, this.type);
    this.required = [...(known?.elements.values() ?? [])].filter((element) => element.isRequired);
  }

  /** Keys that R4 does not have are remembered up to a bound, since they come from the data. */
  child(key: string): Child {
    const made = this.#children.get(key);
    if (made !== undefined) return made;
    const child = this.#maker.child(this, key);
    if (child.isR4 || this.#children.size < unknownKeysMax) this.#children.set(key, child);
    return child;
  }

  under(rule: number): ObjectPlan {
    return rule < this.winner ? this.#maker.under(this, rule) : this;
  }

  variant(held: readonly number[]): ObjectPlan {
    const key = held.join();
    let plan = this.#variants.get(key);
    if (plan === undefined) this.#variants.set(key, (plan = this.#maker.variant(this, held)));
    return plan;
  }
}

interface Flags {
  readonly closure: Closure | undefined;
  readonly isKnownExtension: boolean;
  readonly isCustomResource: boolean;
}

const unknownKeysMax = 10_000;
const plansMax = 200_000;

const closureKey = (closure: Closure | undefined): string =>
  closure === undefined ? '' : `${closure.opener}:${[...closure.openers].join()}`;

/** Makes and keeps the plans of one policy. */
export class Planner implements Plans {
  readonly positions: Positions;
  readonly compiled: CompiledRules;
  readonly policy: ResolvedPolicy;
  readonly #maker: ChildMaker;
  readonly #plans = new Map<string, ObjectPlan>();
  readonly #resources = new Map<string, ObjectPlan>();
  readonly #embedded = new WeakMap<Arrival, Map<string, ObjectPlan>>();
  /** Resource types outside R4 that a rule with `custom: true` starts at. */
  readonly #customTypes: ReadonlySet<string>;

  /** The first rule that lets something pass where no plan can tell: by general FHIRPath or by an answer's question. */
  readonly firstPassingMark: number;

  constructor(policy: ResolvedPolicy, compiled: CompiledRules, leaf: LeafMaker) {
    this.policy = policy;
    this.compiled = compiled;
    this.positions = new Positions(compiled.rules, 5);
    this.#maker = new ChildMaker(this, leaf);
    const mark = compiled.rules.findIndex((rule) => rule.passes && planSteps(rule) === undefined);
    this.firstPassingMark = mark < 0 ? noRule : mark;
    const custom = compiled.rules.filter(({ rule }) => rule?.custom === true);
    this.#customTypes = new Set(custom.flatMap(({ path }) => path.root ?? []));
  }

  /** The rule that decides where no rule of the document does. */
  get defaultRule(): number {
    const { keep, drop } = this.compiled.fallbacks;
    return this.policy.default === 'keep' ? keep : drop;
  }

  /** The plan of a resource that is nobody's part; undefined for types that neither R4 nor the policy has. */
  resource(type: string): ObjectPlan | undefined {
    const known = this.#resources.get(type);
    if (known !== undefined) return known;
    if (!r4ResourceTypes.has(type) && !this.#customTypes.has(type)) return undefined;
    const plan = this.embedded(type, undefined);
    if (plan !== undefined) this.#resources.set(type, plan);
    return plan;
  }

  /**
   * The plan of a resource inside another: its own type's rules and those whose path ends at the place it stands at.
   * What holds for its container does not hold for it.
   */
  embedded(type: string, place: Arrival | undefined): ObjectPlan | undefined {
    const known = place === undefined ? undefined : this.#embedded.get(place)?.get(type);
    if (known !== undefined) return known;
    if (!r4ResourceTypes.has(type) && !this.#customTypes.has(type)) return undefined;
    const arrival = this.positions.resource(type, place);
    const plan = this.object(type, arrival, Math.min(this.defaultRule, arrival.ends), undefined, false);
    if (place !== undefined) {
      let plans = this.#embedded.get(place);
      if (plans === undefined) this.#embedded.set(place, (plans = new Map<string, ObjectPlan>()));
      plans.set(type, plan);
    }
    return plan;
  }

  /** The plan of an object of a type; the same one for the same positions and winner. */
  object(...[type, arrival, winner, closure, isKnownExtension]: Parameters<Plans['object']>): ObjectPlan {
    const pending = arrival.pending.map(({ rule, step, conditions }) => [rule, step, conditions.length].join('.'));
    const isHere = arrival.ends === winner;
    const key = [
      type,
      winner,
      isKnownExtension ? 'k' : '',
      isHere ? 'h' : '',
      closureKey(closure),
      arrival.positions.join(),
      pending.join(),
      // What ended here is asked again once it is known which of the pending rules hold.
      pending.length === 0 ? '' : arrival.ended.join(),
    ].join('|');
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      const flags = { closure, isKnownExtension, isCustomResource: this.#customTypes.has(type) };
      plan = new TablePlan(this.#maker, type, arrival, winner, flags);
      if (this.#plans.size < plansMax) this.#plans.set(key, plan);
    }
    return plan;
  }
}

/**
 * Which rule decides on a node: the order of precedence, and what only some rules may open. Extensions, ids of elements and
 * what R4 does not have are judged apart.
 */
import type { Disposition } from '../policy/document.ts';
import type { Closure, Draft, ObjectPlan, Plans } from './child.ts';
import { namesExtensions, namesId } from '../path/naming.ts';
import { ruleAt } from './positions.ts';
import type { Arrival, NodeShape } from './positions.ts';
import { keepsAsIs, noRule, planSteps } from './rules.ts';

/** What a node's rules come to. */
export type Judgement = Pick<Draft, 'winner' | 'closure' | 'isKnownExtension'>;

/** Judges by the rules of one policy. */
export class Judge {
  readonly #planner: Plans;
  #custom: ReadonlySet<number> | undefined;
  #general: readonly number[] | undefined;

  constructor(planner: Plans) {
    this.#planner = planner;
  }

  passes(rule: number): boolean {
    return this.#planner.compiled.rules[rule]?.passes ?? false;
  }

  /** The rule that decides on what an object holds, as far as the object itself knows. */
  effective({ winner, closure }: ObjectPlan): number {
    return closure === undefined || this.passes(closure.opener) ? winner : closure.opener;
  }

  /** A closure one step further down. */
  below(closure: Closure | undefined, { ended }: Arrival): Closure | undefined {
    if (closure === undefined) return undefined;
    const { openers, opener, outer } = closure;
    const counting = ended.filter((rule) => openers.has(rule) || !this.passes(rule));
    return { openers, opener: Math.min(opener, ...counting), outer };
  }

  /** An element of R4's: the first rule that came to it or to what holds it; extensions and ids apart. */
  ofElement(owner: ObjectPlan, shape: NodeShape, arrival: Arrival): Judgement {
    const isExtension =
      shape.type === 'Extension' && (shape.name === 'extension' || shape.name === 'modifierExtension');
    if (isExtension && !(owner.type === 'Extension' && owner.isKnownExtension)) {
      return this.#ofExtension(owner, shape, arrival);
    }
    if (shape.key === 'id' && !owner.isResource && owner.type !== '') return this.#ofElementId(owner, arrival);
    return {
      winner: Math.min(owner.winner, arrival.ends),
      closure: this.below(owner.closure, arrival),
      isKnownExtension: isExtension,
    };
  }

  /**
   * An element's id is free text that nobody means who keeps its parent, or every string: a rule that names it opens it, or
   * `default: keep`. What changes every string, or all that the parent holds, changes an id that is open.
   */
  #ofElementId(owner: ObjectPlan, { ended }: Arrival): Judgement {
    const { fallbacks } = this.#planner.compiled;
    const effective = this.effective(owner);
    const counting = ended.filter((rule) => !this.passes(rule) || this.#namesId(rule));
    const isOpen = effective >= fallbacks.keep || this.passes(effective);
    const base = effective >= fallbacks.keep || !isOpen ? effective : this.#planner.defaultRule;
    const opening = Math.min(base, ...counting);
    const changing = isOpen && !this.#keeps(effective) ? [effective] : [];
    const winner = this.passes(opening) ? Math.min(opening, ...ended, ...changing) : opening;
    return { winner, closure: undefined, isKnownExtension: false };
  }

  #keeps(rule: number): boolean {
    return keepsAsIs.has(this.#planner.compiled.rules[rule]?.method ?? '');
  }

  #namesId(rule: number): boolean {
    const compiled = this.#planner.compiled.rules[rule];
    if (compiled?.path.kind === 'general') return namesId(compiled.path);
    const last = compiled === undefined ? undefined : planSteps(compiled)?.at(-1);
    return (last?.kind === 'name' || last?.kind === 'byName') && last.name === 'id';
  }

  /** An extension, seen from what it extends: what keeps the one does not keep the other. */
  #ofExtension(owner: ObjectPlan, shape: NodeShape, arrival: Arrival): Judgement {
    const { fallbacks } = this.#planner.compiled;
    const effective = this.effective(owner);
    const removal = effective < fallbacks.keep && !this.passes(effective) ? effective : noRule;
    const followers = this.followers(arrival);
    const says = this.#saysOf(shape);
    const isKnown = followers.size > 0 || arrival.ended.some((rule) => this.passes(rule));
    if (says === 'keep' && removal === noRule) {
      // Judged like every other element: the first rule that came to it or to what holds it.
      const winner = Math.min(this.#ofUnknownExtension(owner, says), arrival.ends);
      return { winner, closure: this.below(owner.closure, arrival), isKnownExtension: isKnown };
    }
    if (isKnown || arrival.ends < fallbacks.keep || removal < fallbacks.keep) {
      const entered = this.entered(arrival, removal, fallbacks.drop, followers, owner.closure?.openers);
      return { ...entered, isKnownExtension: isKnown };
    }
    return { winner: this.#ofUnknownExtension(owner, says), closure: owner.closure, isKnownExtension: false };
  }

  /**
   * What holds in an extension that rules come to: all of them where one of them keeps or changes it as a whole, else only
   * those that name a part of it may open that part.
   */
  entered(
    { ends, ended }: Arrival,
    removal: number,
    otherwise: number,
    named: ReadonlySet<number>,
    outer: ReadonlySet<number> | undefined,
  ): { winner: number; closure: Closure | undefined } {
    const { fallbacks } = this.#planner.compiled;
    const mayOpen = ended.filter((rule) => this.passes(rule) && (outer === undefined || outer.has(rule)));
    const first = Math.min(ends, removal);
    const opening = Math.min(noRule, ...mayOpen);
    if (first < fallbacks.keep && this.passes(first) && opening < fallbacks.keep) {
      return { winner: first, closure: outer === undefined ? undefined : { openers: outer, opener: opening, outer } };
    }
    const removing = ended.filter((rule) => !this.passes(rule));
    const winner = Math.min(first, otherwise);
    const naming = [...named, ...this.#generalOpeners()];
    const openers = new Set(outer === undefined ? naming : naming.filter((rule) => outer.has(rule)));
    return { winner, closure: { openers, opener: Math.min(removal, otherwise, ...removing), outer } };
  }

  /**
   * What R4 does not have. Under `default: drop` it passes by a rule that was written for it, with `custom: true`: a search
   * for a name or a type, or a rule on what holds it, did not have it in mind.
   */
  ofUnknown(owner: ObjectPlan, arrival: Arrival): Judgement {
    const winner = Math.min(owner.winner, arrival.ends);
    const isKnownExtension = false;
    if (this.#planner.policy.default === 'keep') {
      return { winner, closure: this.below(owner.closure, arrival), isKnownExtension };
    }
    const { fallbacks } = this.#planner.compiled;
    const openers = this.#customRules();
    const effective = this.effective(owner);
    const isMeant = !this.passes(effective) || openers.has(effective);
    const base = { openers, opener: isMeant ? effective : fallbacks.drop, outer: owner.closure?.openers };
    return { winner, closure: this.below(base, arrival), isKnownExtension };
  }

  #customRules(): ReadonlySet<number> {
    const { rules } = this.#planner.compiled;
    return (this.#custom ??= new Set([...rules.keys()].filter((rule) => rules[rule]?.rule?.custom === true)));
  }

  #saysOf(shape: NodeShape): Disposition {
    const { extensions, modifierExtensions } = this.#planner.policy;
    return shape.name === 'extension' ? extensions : modifierExtensions;
  }

  #ofUnknownExtension(owner: ObjectPlan, says: Disposition): number {
    const { fallbacks } = this.#planner.compiled;
    if (says === 'withhold') return fallbacks.extensionWithhold;
    if (says === 'drop') return fallbacks.extensionDrop;
    return owner.winner === fallbacks.drop ? fallbacks.extensionKeep : owner.winner;
  }

  /** Rules by general FHIRPath that were written for what they find, and not for all of a type or name. */
  #generalOpeners(): readonly number[] {
    return (this.#general ??= [...this.#planner.compiled.rules.entries()].flatMap(([rule, { path, passes }]) =>
      passes && path.kind === 'general' && namesExtensions(path) ? [rule] : [],
    ));
  }

  /**
   * Rules that let something pass and whose path goes on below this node by a name, not by a search through everything; a
   * url tells nothing.
   */
  followers({ positions }: Arrival): ReadonlySet<number> {
    const following = positions.filter((position) => {
      const step = this.#planner.positions.stepOf(position);
      return step?.kind === 'extension' || (step?.kind === 'name' && step.name !== 'url');
    });
    return new Set(following.map(ruleAt).filter((rule) => this.passes(rule)));
  }
}

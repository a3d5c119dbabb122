/** Works out what a plan says of a JSON key: the rules' order of precedence meets R4's types here. */
import { r4Type } from '../r4/model.ts';
import type { Disposition } from '../policy/document.ts';
import type { R4Element } from '../r4/model.ts';
import { isDateType, isPrimitiveType, jsonKindOf, modes, plainKey, textKindOf, unknownRank } from './child.ts';
import type { Child, Closure, Draft, LeafMaker, ObjectPlan, Plans } from './child.ts';
import { guardClassOf } from './guard-class.ts';
import { ruleAt } from './positions.ts';
import type { Arrival, NodeShape } from './positions.ts';
import { reachOf } from './reach.ts';
import { isForbidden, Withheld } from '../shape.ts';
import { noRule, planSteps } from './rules.ts';

const plainElement = { isChoice: false, isArray: false, isRequired: false, isToPersons: false, order: 0 };

const keepsAsIs = new Set(['keep', 'default-keep', 'extension-keep']);

/** What a node's rules come to. */
type Judgement = Pick<Draft, 'winner' | 'closure' | 'isKnownExtension'>;

/** Makes the children of plans, and plans' variants. */
export class ChildMaker {
  readonly #planner: Plans;
  readonly #leaf: LeafMaker;
  #custom: ReadonlySet<number> | undefined;

  constructor(planner: Plans, leaf: LeafMaker) {
    this.#planner = planner;
    this.#leaf = leaf;
  }

  /** The constant of a `substitute` rule that came to an object as a whole. */
  replacementBy(winner: number, { ends }: Arrival): { readonly with: unknown } | undefined {
    const rule = this.#planner.compiled.rules[winner]?.rule;
    return rule?.method === 'substitute' && ends === winner ? { with: rule.params.with } : undefined;
  }

  /** What happens to `key` in objects of the plan `owner`. Throws `Withheld` for keys of JavaScript's own. */
  child(owner: ObjectPlan, key: string): Child {
    if (isForbidden(key)) throw new Withheld('forbidden-key');
    const elements = r4Type(owner.type)?.elements;
    const own = elements?.get(key);
    const beside = own === undefined && key.startsWith('_') ? elements?.get(key.slice(1)) : undefined;
    const isSibling = beside !== undefined && isPrimitiveType(beside.type);
    return this.#judged(owner, key, isSibling ? beside : own, isSibling);
  }

  /** The plan of an object that a rule was found to take. */
  under(plan: ObjectPlan, rule: number): ObjectPlan {
    const arrival = { ...plan.arrival, ends: rule };
    return this.#planner.object(plan.type, arrival, rule, undefined, plan.isKnownExtension);
  }

  /** The plan of an object once it is known which conditions hold. */
  variant(plan: ObjectPlan, held: readonly number[]): ObjectPlan {
    const { positions, compiled } = this.#planner;
    const holding = held.flatMap((index) => plan.arrival.pending[index] ?? []);
    const shape = { name: '', key: '', type: plan.type };
    const arrival = { ...positions.resolve(plan.arrival, shape, holding), pending: [] };
    if (plan.type === 'Extension' && holding.length > 0 && !this.#passes(this.#effective(plan))) {
      const removal = plan.winner < compiled.fallbacks.keep && !this.#passes(plan.winner) ? plan.winner : noRule;
      const named = new Set([...this.#followers(arrival), ...holding.map(({ rule }) => rule)]);
      const around = plan.isKnownExtension ? plan.closure?.outer : plan.closure?.openers;
      const { winner, closure } = this.#entered(arrival, removal, compiled.fallbacks.drop, named, around);
      return this.#planner.object(plan.type, arrival, winner, closure, true);
    }
    const closure = this.#below(plan.closure, arrival);
    return this.#planner.object(
      plan.type,
      arrival,
      Math.min(plan.winner, arrival.ends),
      closure,
      plan.isKnownExtension,
    );
  }

  #judged(owner: ObjectPlan, key: string, element: R4Element | undefined, isSibling: boolean, isR4 = true): Child {
    // What stands beside a value that R4 does not have is taken with it.
    const plain = element === undefined && key.startsWith('_') ? key.slice(1) : plainKey({ key, isSibling });
    const shape: NodeShape = { name: element?.name ?? plain, key: plain, type: element?.type ?? '' };
    const arrival = this.#planner.positions.below(owner.arrival.positions, shape);
    const judgement =
      element === undefined || !isR4 ? this.#ofUnknown(owner, arrival) : this.#ofElement(owner, shape, arrival);
    const { winner: first, closure } = judgement;
    const winner = closure === undefined || this.#passes(closure.opener) ? first : closure.opener;
    return this.#made({ owner, key, element, isSibling, arrival, ...judgement, first, winner });
  }

  #passes(rule: number): boolean {
    return this.#planner.compiled.rules[rule]?.passes ?? false;
  }

  /** The rule that decides on what an object holds, as far as the object itself knows. */
  #effective({ winner, closure }: ObjectPlan): number {
    return closure === undefined || this.#passes(closure.opener) ? winner : closure.opener;
  }

  /** A closure one step further down. */
  #below(closure: Closure | undefined, { ended }: Arrival): Closure | undefined {
    if (closure === undefined) return undefined;
    const { openers, opener, outer } = closure;
    const counting = ended.filter((rule) => openers.has(rule) || !this.#passes(rule));
    return { openers, opener: Math.min(opener, ...counting), outer };
  }

  /** An element of R4's: the first rule that came to it or to what holds it; extensions and ids apart. */
  #ofElement(owner: ObjectPlan, shape: NodeShape, arrival: Arrival): Judgement {
    const isExtension =
      shape.type === 'Extension' && (shape.name === 'extension' || shape.name === 'modifierExtension');
    if (isExtension && !(owner.type === 'Extension' && owner.isKnownExtension)) {
      return this.#ofExtension(owner, shape, arrival);
    }
    if (shape.key === 'id' && !owner.isResource && owner.type !== '') return this.#ofElementId(owner, arrival);
    return {
      winner: Math.min(owner.winner, arrival.ends),
      closure: this.#below(owner.closure, arrival),
      isKnownExtension: isExtension,
    };
  }

  /** An element's id is free text that nobody means who keeps its parent, or every string. */
  #ofElementId(owner: ObjectPlan, { ended }: Arrival): Judgement {
    const { fallbacks } = this.#planner.compiled;
    const effective = this.#effective(owner);
    const counting = ended.filter((rule) => !this.#passes(rule) || this.#namesId(rule));
    const isOpen = effective >= fallbacks.keep || this.#passes(effective);
    const base = effective >= fallbacks.keep || !isOpen ? effective : this.#planner.defaultRule;
    return { winner: Math.min(base, ...counting), closure: undefined, isKnownExtension: false };
  }

  #namesId(rule: number): boolean {
    const compiled = this.#planner.compiled.rules[rule];
    const last = compiled === undefined ? undefined : planSteps(compiled)?.at(-1);
    return (last?.kind === 'name' || last?.kind === 'byName') && last.name === 'id';
  }

  /** An extension, seen from what it extends: what keeps the one does not keep the other. */
  #ofExtension(owner: ObjectPlan, shape: NodeShape, arrival: Arrival): Judgement {
    const { fallbacks } = this.#planner.compiled;
    const effective = this.#effective(owner);
    const removal = effective < fallbacks.keep && !this.#passes(effective) ? effective : noRule;
    const followers = this.#followers(arrival);
    const says = this.#saysOf(shape);
    if (arrival.ends < fallbacks.keep || removal < fallbacks.keep || (followers.size > 0 && says !== 'keep')) {
      const isKnown = arrival.ends < fallbacks.keep || followers.size > 0;
      const entered = this.#entered(arrival, removal, fallbacks.drop, followers, owner.closure?.openers);
      return { ...entered, isKnownExtension: isKnown };
    }
    return { winner: this.#ofUnknownExtension(owner, says), closure: owner.closure, isKnownExtension: false };
  }

  /**
   * What holds in an extension that rules come to: all of them where one of them keeps or changes it as a whole, else only
   * those that name a part of it may open that part.
   */
  #entered(
    { ends, ended }: Arrival,
    removal: number,
    otherwise: number,
    named: ReadonlySet<number>,
    outer: ReadonlySet<number> | undefined,
  ): { winner: number; closure: Closure | undefined } {
    const { fallbacks } = this.#planner.compiled;
    const mayOpen = ended.filter((rule) => this.#passes(rule) && (outer === undefined || outer.has(rule)));
    const first = Math.min(ends, removal);
    const opening = Math.min(noRule, ...mayOpen);
    if (first < fallbacks.keep && this.#passes(first) && opening < fallbacks.keep) {
      return { winner: first, closure: outer === undefined ? undefined : { openers: outer, opener: opening, outer } };
    }
    const removing = ended.filter((rule) => !this.#passes(rule));
    const winner = Math.min(first, otherwise);
    const openers = outer === undefined ? named : new Set([...named].filter((rule) => outer.has(rule)));
    return { winner, closure: { openers, opener: Math.min(removal, otherwise, ...removing), outer } };
  }

  /**
   * What R4 does not have. Under `default: drop` it passes by a rule that was written for it, with `custom: true`: a search
   * for a name or a type, or a rule on what holds it, did not have it in mind.
   */
  #ofUnknown(owner: ObjectPlan, arrival: Arrival): Judgement {
    const winner = Math.min(owner.winner, arrival.ends);
    const isKnownExtension = false;
    if (this.#planner.policy.default === 'keep') {
      return { winner, closure: this.#below(owner.closure, arrival), isKnownExtension };
    }
    const { fallbacks } = this.#planner.compiled;
    const openers = this.#customRules();
    const effective = this.#effective(owner);
    const isMeant = !this.#passes(effective) || openers.has(effective);
    const base = { openers, opener: isMeant ? effective : fallbacks.drop, outer: owner.closure?.openers };
    return { winner, closure: this.#below(base, arrival), isKnownExtension };
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

  /** Rules whose path goes on below this node by a name, not by a search through everything; a url tells nothing. */
  #followers({ positions }: Arrival): ReadonlySet<number> {
    const following = positions.filter((position) => {
      const step = this.#planner.positions.stepOf(position);
      return step?.kind === 'extension' || (step?.kind === 'name' && step.name !== 'url');
    });
    return new Set(following.map(ruleAt));
  }

  #made(draft: Draft): Child {
    const { owner, key, element, arrival, winner, isSibling, isKnownExtension } = draft;
    const type = element?.type ?? '';
    const rank = element === undefined ? unknownRank : element.order * 2 + (isSibling ? 1 : 0);
    const planned = this.#mode(draft);
    const leaf = this.#leafOf(planned, winner, type);
    const memo = new Map<number | string, Child>();
    const remembered = (name: number | string, make: () => Child): Child => {
      let child = memo.get(name);
      if (child === undefined) memo.set(name, (child = make()));
      return child;
    };
    let plan: ObjectPlan | undefined;
    const child: Child = {
      key,
      name: element?.name ?? plainKey(draft),
      type,
      isR4: element !== undefined || planned === modes.type,
      rank: planned === modes.type ? -1 : rank,
      isArray: element?.isArray ?? false,
      mode: planned === modes.change && leaf === undefined ? modes.drop : planned,
      rule: winner,
      leaf,
      jsonKind: jsonKindOf(type),
      textKind: textKindOf(type),
      isDate: isDateType(type),
      guard: this.#planner.compiled.rules[winner]?.rule?.guard ?? guardClassOf(owner.type, element),
      isModifier: key === 'modifierExtension',
      isToPersons: element?.isToPersons ?? false,
      arrival,
      last: { text: '', hasher: undefined, tokens: [] },
      plan: () => (plan ??= this.#planOf(draft)),
      under: (rule) =>
        rule >= winner
          ? child
          : remembered(rule, () =>
              this.#made({
                ...draft,
                winner: rule,
                first: rule,
                closure: undefined,
                isKnownExtension: isKnownExtension || type === 'Extension',
                arrival: { ...arrival, ends: rule },
              }),
            ),
      shapedAs: (shape) =>
        remembered(shape, () => {
          const shaped = { ...plainElement, name: key, key, type: shape };
          return { ...this.#judged(owner, key, shaped, false, false), rank, isR4: false };
        }),
    };
    return child;
  }

  #leafOf(mode: number, winner: number, type: string): unknown {
    const rule = this.#planner.compiled.rules[winner]?.rule;
    if (mode === modes.substitute) return rule?.method === 'substitute' ? rule.params.with : undefined;
    return mode === modes.change || mode === modes.unknown ? this.#leaf(winner, type) : undefined;
  }

  #planOf({ owner, key, element, arrival, first: won, closure, isKnownExtension, isSibling }: Draft): ObjectPlan {
    const { fallbacks } = this.#planner.compiled;
    // What is left of a resource's meta passes by default: the origin and the profile are what the hub sorts by.
    const isMeta = owner.isResource && key === 'meta';
    const winner = isMeta && won === fallbacks.drop ? fallbacks.keep : won;
    return this.#planner.object(
      isSibling ? 'Element' : (element?.type ?? ''),
      arrival,
      winner,
      closure,
      isKnownExtension,
    );
  }

  #mode(draft: Draft): number {
    const { owner, key, element, arrival, winner, isSibling } = draft;
    if (key === 'resourceType' && element === undefined && owner.type !== '' && !owner.isResource) return modes.refused;
    const special = specialMode(owner, key);
    if (special !== undefined) return special;
    const { rules, fallbacks } = this.#planner.compiled;
    const won = rules[winner];
    const method = won?.method ?? 'default-drop';
    const passes = won?.passes ?? false;
    if (element?.type === 'Resource') return modes.resource;
    if (method === 'substitute' && arrival.ends === winner) return isSibling ? modes.drop : modes.substitute;
    if (element?.type === 'Extension') {
      const isOpen = passes || winner >= fallbacks.extensionDrop || this.#mayPassBelow(draft);
      return isOpen ? modes.extension : modes.drop;
    }
    if (!passes && !this.#mayPassBelow(draft)) return modes.drop;
    if (element === undefined) return modes.unknown;
    if (!isPrimitiveType(element.type)) return modes.object;
    // What stands beside a value may repeat it in clear, so it goes where the value is changed.
    if (isSibling) return keepsAsIs.has(method) || !passes ? modes.sibling : modes.drop;
    if (!passes) return modes.drop;
    if (owner.type === 'Reference' && key === 'reference') return modes.literal;
    return keepsAsIs.has(method) || (owner.type === 'Extension' && key === 'url') ? modes.keep : modes.change;
  }

  /** Whether a rule that wins over `winner` may let something pass below a node that `winner` removes. */
  #mayPassBelow({ element, arrival, winner, closure }: Draft): boolean {
    const { pending, positions } = arrival;
    const mayOpen = (rule: number): boolean =>
      this.#passesBefore(rule, winner) && (closure === undefined || closure.openers.has(rule));
    const isPrimitive = element !== undefined && isPrimitiveType(element.type);
    const reach = reachOf(isPrimitive ? 'Element' : (element?.type ?? ''));
    if (reach.hasResource && !isPrimitive) return true;
    if (!isPrimitive && this.#planner.firstPassingMark < winner) return true;
    if (pending.some(({ rule }) => this.#passesBefore(rule, winner))) return true; // a url may open what is closed
    return positions.some((position) => {
      if (!mayOpen(ruleAt(position))) return false;
      const step = this.#planner.positions.stepOf(position);
      if (step === undefined || element === undefined) return step !== undefined;
      if (step.kind === 'byType') return reach.types.has(step.type);
      return step.kind === 'extension' ? reach.names.has('extension') : reach.names.has(step.name);
    });
  }

  #passesBefore(rule: number, winner: number): boolean {
    return rule < winner && (this.#planner.compiled.rules[rule]?.passes ?? false);
  }
}

/** Keys whose treatment no rule decides. */
function specialMode(owner: ObjectPlan, key: string): number | undefined {
  if (owner.isResource) {
    if (key === 'resourceType') return modes.type;
    if (key === 'id') return modes.id;
    if (key === 'meta') return modes.meta;
    if (key === '_id' || key === '_meta' || key === '_resourceType') return modes.drop;
  }
  if (owner.type === 'Bundle.entry' && key === 'fullUrl') return modes.fullUrl;
  if (owner.type === 'Bundle.entry.request' && key === 'url') return modes.requestUrl;
  if (owner.type === 'Extension' && key === 'url') return modes.keep;
  return undefined;
}

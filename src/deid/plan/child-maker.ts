/** Works out what a plan says of a JSON key: the rule that the judge finds meets R4's types here. */
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import { isDateType, isPrimitiveType, jsonKindOf, modes, plainKey, textKindOf, unknownRank } from './child.ts';
import type { Child, Closure, Draft, LeafMaker, ObjectPlan, Plans } from './child.ts';
import { LatelyKept } from './lately-kept.ts';
import { guardClassOf } from './guard-class.ts';
import { fits } from './fits.ts';
import { ruleAt } from './positions.ts';
import type { Arrival, NodeShape } from './positions.ts';
import { Judge } from './judge.ts';
import { reachOf } from './reach.ts';
import { isForbidden, Withheld } from '../shape.ts';
import { keepsAsIs, noRule } from './rules.ts';
import { specialMode } from './special-mode.ts';

const plainElement = { isChoice: false, isArray: false, isRequired: false, isToPersons: false, order: 0 };

/** A key's node with the rules that came to it. */
interface Arrived extends Pick<Draft, 'owner' | 'key' | 'element' | 'isSibling' | 'arrival'> {
  readonly shape: NodeShape;
  /** False for what R4 does not have, once its value shows a type. */
  readonly isR4: boolean;
}

/** The same arrival with a rule that was found to come to this very node by looking at the data. */
const withMark = (arrival: Arrival, rule: number): Arrival => ({
  ...arrival,
  ends: Math.min(arrival.ends, rule),
  ended: [...arrival.ended, rule],
});

/** Makes the children of plans, and plans' variants. */
export class ChildMaker {
  readonly #planner: Plans;
  readonly #leaf: LeafMaker;
  readonly #judge: Judge;

  constructor(planner: Plans, leaf: LeafMaker) {
    this.#planner = planner;
    this.#leaf = leaf;
    this.#judge = new Judge(planner);
  }

  /** The constant of a `substitute` rule that came to an object as a whole, where it may stand and can. */
  replacementBy(
    winner: number,
    { ends }: Arrival,
    closure: Closure | undefined,
    type: string,
  ): { readonly with: unknown } | undefined {
    const rule = this.#planner.compiled.rules[winner]?.rule;
    if (rule?.method !== 'substitute' || ends !== winner) return undefined;
    const isOpen = closure === undefined || this.#judge.passes(closure.opener);
    return isOpen && fits(rule.params.with, type) ? { with: rule.params.with } : undefined;
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
    const arrival = withMark(plan.arrival, rule);
    return this.#planner.object(plan.type, arrival, rule, undefined, plan.isKnownExtension);
  }

  /** The plan of an object once it is known which conditions hold. */
  variant(plan: ObjectPlan, indexes: readonly number[]): ObjectPlan {
    const { positions, compiled } = this.#planner;
    const holding = indexes.flatMap((index) => plan.arrival.pending[index] ?? []);
    const shape = { name: '', key: '', type: plan.type };
    const arrival = { ...positions.resolve(plan.arrival, shape, holding), pending: [] };
    if (plan.type === 'Extension' && holding.length > 0 && !this.#judge.passes(this.#judge.effective(plan))) {
      const passing = holding.map(({ rule }) => rule).filter((rule) => this.#judge.passes(rule));
      const named = new Set([...this.#judge.followers(arrival), ...passing]);
      if (named.size > 0 || arrival.ends < compiled.fallbacks.keep) return this.#entered(plan, arrival, named);
    }
    const closure = this.#judge.below(plan.closure, arrival);
    return this.#planner.object(
      plan.type,
      arrival,
      Math.min(plan.winner, arrival.ends),
      closure,
      plan.isKnownExtension,
    );
  }

  /** The plan of an extension that rules come to, or to a part of it, by its url. Only those that let pass make it known. */
  #entered(plan: ObjectPlan, arrival: Arrival, named: ReadonlySet<number>): ObjectPlan {
    const { fallbacks } = this.#planner.compiled;
    const { winner: before, closure: around, isKnownExtension } = plan;
    const removal = before < fallbacks.keep && !this.#judge.passes(before) ? before : noRule;
    const outer = isKnownExtension ? around?.outer : around?.openers;
    const { winner, closure } = this.#judge.entered(arrival, removal, fallbacks.drop, named, outer);
    return this.#planner.object(plan.type, arrival, winner, closure, isKnownExtension || named.size > 0);
  }

  #judged(owner: ObjectPlan, key: string, element: R4Element | undefined, isSibling: boolean, isR4 = true): Child {
    // What stands beside a value that R4 does not have is taken with it.
    const plain = element === undefined && key.startsWith('_') ? key.slice(1) : plainKey({ key, isSibling });
    const shape: NodeShape = { name: element?.name ?? plain, key: plain, type: element?.type ?? '' };
    const arrival = this.#planner.positions.below(owner.arrival.positions, shape);
    return this.#arrived({ owner, key, element, isSibling, isR4, shape, arrival });
  }

  #arrived(node: Arrived): Child {
    const { owner, element, isR4, shape, arrival } = node;
    const judgement =
      element === undefined || !isR4
        ? this.#judge.ofUnknown(owner, arrival)
        : this.#judge.ofElement(owner, shape, arrival);
    const { winner: first, closure } = judgement;
    const winner = closure === undefined || this.#judge.passes(closure.opener) ? first : closure.opener;
    return this.#made({ ...node, ...judgement, first, winner }, (rule) =>
      this.#arrived({ ...node, arrival: withMark(arrival, rule) }),
    );
  }

  #made(draft: Draft, marked: (rule: number) => Child): Child {
    const { owner, key, element, arrival, winner, isSibling } = draft;
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
      isChoice: element?.isChoice ?? false,
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
      lately: new LatelyKept(),
      plan: () => (plan ??= this.#planOf(draft)),
      under: (rule) => (rule >= winner ? child : remembered(rule, () => marked(rule))),
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
    if (method === 'substitute' && arrival.ends === winner) {
      const isWritten =
        !isSibling && fits(won?.rule?.method === 'substitute' && won.rule.params.with, element?.type ?? '');
      return isWritten ? modes.substitute : modes.drop;
    }
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

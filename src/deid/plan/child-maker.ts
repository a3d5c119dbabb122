/** Works out what a plan says of a JSON key: the rules' order of precedence meets R4's types here. */
import { r4Type } from '../r4/model.ts';
import type { Disposition } from '../policy/document.ts';
import type { R4Element } from '../r4/model.ts';
import { isDateType, isPrimitiveType, jsonKindOf, modes, plainKey, textKindOf, unknownRank } from './child.ts';
import type { Child, Draft, LeafMaker, ObjectPlan, Plans } from './child.ts';
import { guardClassOf } from './guard-class.ts';
import { ruleAt } from './positions.ts';
import type { Arrival, NodeShape } from './positions.ts';
import { reachOf } from './reach.ts';
import { isForbidden, Withheld } from '../shape.ts';
import { noRule } from './rules.ts';

const plainElement = { isChoice: false, isArray: false, isRequired: false, isToPersons: false, order: 0 };

const keepsAsIs = new Set(['keep', 'default-keep', 'extension-keep']);

/** Makes the children of plans, and plans' variants. */
export class ChildMaker {
  readonly #planner: Plans;
  readonly #leaf: LeafMaker;

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
    return this.#planner.object(plan.type, arrival, rule, true);
  }

  /** The plan of an object once it is known which conditions hold. */
  variant(plan: ObjectPlan, held: readonly number[]): ObjectPlan {
    const { positions, compiled } = this.#planner;
    const holding = held.flatMap((index) => plan.arrival.pending[index] ?? []);
    const shape = { name: '', key: '', type: plan.type };
    const arrival = { ...positions.resolve(plan.arrival, shape, holding), pending: [] };
    if (plan.type !== 'Extension' || plan.isKnownExtension || holding.length === 0) {
      return this.#planner.object(plan.type, arrival, Math.min(plan.winner, arrival.ends), plan.isKnownExtension);
    }
    // An extension that a rule names gets what its rules say, not what unknown ones get.
    const isOpen = plan.winner < compiled.fallbacks.extensionDrop || plan.winner === compiled.fallbacks.extensionKeep;
    const inherited = isOpen ? plan.winner : compiled.fallbacks.drop;
    const named = this.#isKeptBy(arrival.ends) ? arrival : this.#withoutSearches(arrival);
    return this.#planner.object(plan.type, named, Math.min(inherited, arrival.ends), true);
  }

  #judged(owner: ObjectPlan, key: string, element: R4Element | undefined, isSibling: boolean): Child {
    // What stands beside a value that R4 does not have is taken with it.
    const plain = element === undefined && key.startsWith('_') ? key.slice(1) : plainKey({ key, isSibling });
    const shape: NodeShape = { name: element?.name ?? plain, key: plain, type: element?.type ?? '' };
    const arrival = this.#planner.positions.below(owner.arrival.positions, shape);
    const judged = { owner, key, element, isSibling, arrival, ...this.#winner(owner, shape, arrival) };
    return this.#made(element === undefined ? this.#custom(judged) : judged);
  }

  /**
   * Under `default: drop` what R4 does not have passes by a rule that was written for it, with `custom: true`: a search for a
   * name or a type, or a rule on what holds it, did not have it in mind.
   */
  #custom(draft: Draft): Draft {
    if (this.#planner.policy.default === 'keep') return draft;
    const { rules, fallbacks } = this.#planner.compiled;
    const isMeant = (rule: number): boolean => rules[rule]?.passes !== true || rules[rule].rule?.custom === true;
    const { positions, pending, ends } = draft.arrival;
    const arrival = {
      ends: isMeant(ends) ? ends : noRule,
      positions: positions.filter((position) => isMeant(ruleAt(position))),
      pending: pending.filter(({ rule }) => isMeant(rule)),
    };
    return { ...draft, arrival, winner: isMeant(draft.winner) ? draft.winner : fallbacks.drop };
  }

  /** The rule that decides on a node: the first that came to it or to what holds it; extensions and ids apart. */
  #winner(
    owner: ObjectPlan,
    shape: NodeShape,
    arrival: Arrival,
  ): Pick<Draft, 'winner' | 'isKnownExtension'> & Partial<Pick<Draft, 'arrival'>> {
    const { fallbacks, rules } = this.#planner.compiled;
    const isRule = owner.winner < fallbacks.keep;
    const isRemoving = isRule && !(rules[owner.winner]?.passes ?? false);
    const inherited = Math.min(owner.winner, arrival.ends);
    if (shape.type === 'Extension' && (shape.name === 'extension' || shape.name === 'modifierExtension')) {
      if (this.#isKeptBy(arrival.ends) || owner.isKnownExtension) return { winner: inherited, isKnownExtension: true };
      if (arrival.ends < fallbacks.keep) {
        return { winner: inherited, isKnownExtension: true, arrival: this.#withoutSearches(arrival) };
      }
      if (isRemoving) return { winner: inherited, isKnownExtension: false };
      if (this.#isFollowed(arrival) && this.#saysOf(shape) !== 'keep') {
        return { winner: fallbacks.drop, isKnownExtension: true, arrival: this.#withoutSearches(arrival) };
      }
      return { winner: this.#ofUnknownExtension(owner, shape), isKnownExtension: false };
    }
    // An element's id is free text that nobody means when a rule keeps its parent.
    const isElementId = shape.key === 'id' && !owner.isResource && owner.type !== '';
    const isSwept = isElementId && isRule && !isRemoving && arrival.ends === noRule;
    return { winner: isSwept ? this.#planner.defaultRule : inherited, isKnownExtension: false };
  }

  #saysOf(shape: NodeShape): Disposition {
    const { extensions, modifierExtensions } = this.#planner.policy;
    return shape.name === 'extension' ? extensions : modifierExtensions;
  }

  #ofUnknownExtension(owner: ObjectPlan, shape: NodeShape): number {
    const { fallbacks } = this.#planner.compiled;
    const says = this.#saysOf(shape);
    if (says === 'withhold') return fallbacks.extensionWithhold;
    if (says === 'drop') return fallbacks.extensionDrop;
    return owner.winner === fallbacks.drop ? fallbacks.extensionKeep : owner.winner;
  }

  /** Whether some rule's path goes on below this node by a name, not by a search through everything; its url tells nothing. */
  #isFollowed({ positions }: Arrival): boolean {
    return positions.some((position) => {
      const step = this.#planner.positions.stepOf(position);
      return step?.kind === 'extension' || (step?.kind === 'name' && step.name !== 'url');
    });
  }

  /** Whether a rule of the document came to a node, and lets it pass. */
  #isKeptBy(rule: number): boolean {
    const { fallbacks, rules } = this.#planner.compiled;
    return rule < fallbacks.keep && (rules[rule]?.passes ?? false);
  }

  /**
   * In an extension that a rule removes, or of which it names a part, only that part may pass: what lets every code
   * pass, wherever it stands, was not written with this extension in mind.
   */
  #withoutSearches(arrival: Arrival): Arrival {
    const { rules } = this.#planner.compiled;
    const positions = arrival.positions.filter((position) => {
      const kind = this.#planner.positions.stepOf(position)?.kind;
      const searches = kind === 'byType' || kind === 'byName';
      return !(searches && (rules[ruleAt(position)]?.passes ?? false));
    });
    return { ...arrival, positions };
  }

  #made(draft: Draft): Child {
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
              this.#made({ ...draft, winner: rule, isKnownExtension: true, arrival: { ...arrival, ends: rule } }),
            ),
      shapedAs: (shape) =>
        remembered(shape, () => {
          const shaped = { ...plainElement, name: key, key, type: shape };
          return { ...this.#judged(owner, key, shaped, false), rank, isR4: false };
        }),
    };
    return child;
  }

  #leafOf(mode: number, winner: number, type: string): unknown {
    const rule = this.#planner.compiled.rules[winner]?.rule;
    if (mode === modes.substitute) return rule?.method === 'substitute' ? rule.params.with : undefined;
    return mode === modes.change || mode === modes.unknown ? this.#leaf(winner, type) : undefined;
  }

  #planOf({ owner, key, element, arrival, winner: won, isKnownExtension, isSibling }: Draft): ObjectPlan {
    const { fallbacks } = this.#planner.compiled;
    // What is left of a resource's meta passes by default: the origin and the profile are what the hub sorts by.
    const isMeta = owner.isResource && key === 'meta';
    const winner = isMeta && won === fallbacks.drop ? fallbacks.keep : won;
    return this.#planner.object(isSibling ? 'Element' : (element?.type ?? ''), arrival, winner, isKnownExtension);
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
      const isOpen = passes || winner >= fallbacks.extensionDrop || this.#mayPassBelow(element, arrival, winner);
      return isOpen ? modes.extension : modes.drop;
    }
    if (!passes && !this.#mayPassBelow(element, arrival, winner)) return modes.drop;
    if (element === undefined) return modes.unknown;
    if (!isPrimitiveType(element.type)) return modes.object;
    // What stands beside a value may repeat it in clear, so it goes where the value is changed.
    if (isSibling) return keepsAsIs.has(method) || !passes ? modes.sibling : modes.drop;
    if (!passes) return modes.drop;
    if (owner.type === 'Reference' && key === 'reference') return modes.literal;
    return keepsAsIs.has(method) || (owner.type === 'Extension' && key === 'url') ? modes.keep : modes.change;
  }

  /** Whether a rule that wins over `winner` may let something pass below a node that `winner` removes. */
  #mayPassBelow(element: R4Element | undefined, { pending, positions }: Arrival, winner: number): boolean {
    const isPrimitive = element !== undefined && isPrimitiveType(element.type);
    const reach = reachOf(isPrimitive ? 'Element' : (element?.type ?? ''));
    if (reach.hasResource && !isPrimitive) return true;
    if (!isPrimitive && this.#planner.firstPassingMark < winner) return true;
    if (pending.some(({ rule }) => this.#passesBefore(rule, winner))) return true;
    return positions.some((position) => {
      if (!this.#passesBefore(ruleAt(position), winner)) return false;
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

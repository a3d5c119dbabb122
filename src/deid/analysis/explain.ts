/**
 * What a policy does at a path, and why: asked of the very plan that the walk follows, for each JSON key that the path
 * names. What only data can decide (`where`, `answersTo`, general FHIRPath) is told as such.
 */
import { parsePath } from '../path/path.ts';
import type { Step } from '../path/path.ts';
import { modes } from '../plan/child.ts';
import type { Child } from '../plan/child.ts';
import type { CompiledPolicy } from '../compiled.ts';
import type { ObjectPlan } from '../plan/child.ts';
import type { CompiledRule } from '../plan/rules.ts';
import { isR4DataType, r4Type } from '../r4/model.ts';
import { followersOf } from './followers.ts';
import type { ChainNode } from './followers.ts';
import { ruleRef } from './rule-ref.ts';
import type { RuleRef } from './rule-ref.ts';

/** What becomes of the values at a place. */
export type Outcome =
  | 'kept'
  | 'removed'
  | 'changed' // by the rule's method
  | 'parts' // an object: each of its parts is judged by itself
  | 'pseudonym' // an id, a reference, an address: rewritten whatever rule lets it pass
  | 'always' // resourceType, an extension's url, the portable parts of meta
  | 'resource' // judged by its own type's rules
  | 'withheld'; // the whole resource

export interface Explanation {
  /** With JSON keys: `Observation.valueQuantity.value`. */
  readonly path: string;
  /** R4's; empty for what R4 does not have. */
  readonly type: string;
  readonly outcome: Outcome;
  /** What decides; where the outcome is `always` or the pseudonym of an id, no rule does. */
  readonly rule: RuleRef;
  /** Whether the engine does this whatever rules say. */
  readonly isFixed: boolean;
  /** A rule that would keep or change it, whose method does not work on the type: removed. */
  readonly methodDoesNotFit: boolean;
  /** Rules that come first if the data fits their conditions. */
  readonly before: readonly RuleRef[];
  /** Rules that would have taken it, had the deciding one not. */
  readonly after: readonly RuleRef[];
  /** For an object, its leaves by the rule that takes them, the most leaves first. */
  readonly parts: readonly { readonly rule: RuleRef; readonly outcome: Outcome; readonly leaves: number }[];
}

export type Explaining =
  { readonly ok: true; readonly places: readonly Explanation[] } | { readonly ok: false; readonly expected: string };

export interface ExplainedPolicy {
  readonly compiled: CompiledPolicy;
  /** How many rules the document has beside those of its preset. */
  readonly siteRules: number;
}

/** A node on the way, with the plan of what is in it. */
interface Place {
  readonly text: string;
  readonly chain: readonly ChainNode[];
  readonly child: Child | undefined;
  readonly plan: () => ObjectPlan;
}

const expected = 'a path from a resource type by element names, such as Patient.name.family or Observation.value';

/** Explains the places that a path names. */
export function explain(text: string, policy: ExplainedPolicy): Explaining {
  const path = parsePath(text, isR4DataType);
  if (path?.kind !== 'plain' || path.root === undefined || path.root === 'DomainResource')
    return { ok: false, expected };
  const type = path.root;
  const root = policy.compiled.planner.resource(type);
  if (root === undefined) return { ok: false, expected: `a type of R4's or of the policy's; ${type} is neither` };
  let places: Place[] = [{ text: type, chain: [shapeOf('', '', type)], child: undefined, plan: () => root }];
  for (const step of path.steps) {
    if (step.where !== undefined || step.kind === 'byType' || step.kind === 'byName') return { ok: false, expected };
    const next = places.flatMap((place) => below(place, step));
    if (next.length === 0) return { ok: false, expected: `an element of ${places[0]?.text ?? type} ${nameOf(step)}` };
    places = next;
  }
  return { ok: true, places: places.map((place) => explained(place, policy)) };
}

const nameOf = (step: Step): string => `('${step.kind === 'name' ? step.name : ''}' is none)`;
const shapeOf = (name: string, key: string, type: string): ChainNode => ({ name, key, type });

/** The places that a step leads to: one for each choice of an element, none for a name below a primitive. */
function below(place: Place, step: Step): Place[] {
  const plan = place.plan();
  if (step.kind === 'extension') return extensionBelow(place, plan, step.url);
  if (step.kind !== 'name') return [];
  const known = [...(r4Type(plan.type)?.elements.values() ?? [])].filter(
    ({ name, key, type }) =>
      (name === step.name || key === step.name) && (step.choice === undefined || step.choice === type),
  );
  if (place.child !== undefined && r4Type(place.child.type)?.kind === 'primitive') return [];
  // A name that R4 does not have may be an attribute of the server's own.
  const keys = known.length > 0 ? known.map(({ key }) => key) : [step.name];
  return keys.map((key) => {
    const child = plan.child(key);
    return {
      text: `${place.text}.${key}`,
      chain: [...place.chain, shapeOf(child.name, key, child.type)],
      child,
      plan: child.plan,
    };
  });
}

function extensionBelow(place: Place, plan: ObjectPlan, url: string): Place[] {
  const isPrimitive = place.child !== undefined && r4Type(place.child.type)?.kind === 'primitive';
  const holder = isPrimitive ? siblingPlan(place) : plan;
  if (holder === undefined) return [];
  const child = holder.child('extension');
  const named = child.plan();
  const held = named.arrival.pending.flatMap(({ conditions }, index) =>
    conditions.every(({ path, equals }) => path.join('.') === 'url' && equals === url) ? [index] : [],
  );
  const variant = named.arrival.pending.length === 0 ? named : named.variant(held);
  return [
    {
      text: `${place.text}.extension('${url}')`,
      chain: [...place.chain, { ...shapeOf('extension', 'extension', 'Extension'), url }],
      child: { ...child, rule: variant.winner },
      plan: () => variant,
    },
  ];
}

/** The extensions of a primitive stand beside it. */
function siblingPlan({ child }: Place): ObjectPlan | undefined {
  return child?.plan();
}

function explained(place: Place, policy: ExplainedPolicy): Explanation {
  const { compiled } = policy;
  const refOf = (number: number): RuleRef => ruleRef(number, compiled, policy.siteRules);
  const number = place.child?.rule ?? place.plan().winner;
  const method = compiled.rules[number]?.method;
  const outcome = outcomeOf(place, method);
  const isWhole = place.child === undefined || walked.has(place.child.mode);
  const plan = outcome === 'parts' && isWhole ? place.plan() : undefined;
  const followers = followersOf(compiled.rules, place.chain).filter(({ rule }) => rule !== number);
  return {
    path: place.text,
    type: place.child?.type ?? place.plan().type,
    outcome,
    rule: refOf(number),
    isFixed: place.child !== undefined && fixed.has(place.child.mode),
    methodDoesNotFit:
      outcome === 'removed' && (compiled.rules[number]?.passes ?? false) && number < compiled.fallbacks.keep,
    before: followers
      .filter(({ rule, isConditional }) => isConditional && rule < number)
      .map(({ rule }) => refOf(rule)),
    after: followers.filter(({ rule }) => rule > number).map(({ rule }) => refOf(rule)),
    parts: plan === undefined ? [] : partsOf(plan, refOf),
  };
}

const fixed: ReadonlySet<number> = new Set([modes.type, modes.id, modes.meta, modes.fullUrl, modes.requestUrl]);
const walked: ReadonlySet<number> = new Set([modes.object, modes.extension]);

function outcomeOf({ child }: Place, method: CompiledRule['method'] | undefined): Outcome {
  if (child === undefined) return method === 'dropResource' ? 'withheld' : 'parts';
  if (method === 'extension-drop') return 'removed';
  if (method === 'extension-withhold') return 'withheld';
  if (child.mode === modes.unknown && removing.has(method ?? 'redact')) return 'removed';
  return outcomeOfMode(child);
}

const removing: ReadonlySet<CompiledRule['method']> = new Set(['redact', 'dropResource', 'default-drop']);

function outcomeOfMode({ mode, leaf }: Child): Outcome {
  switch (mode) {
    case modes.keep:
      return 'kept';
    case modes.unknown:
      return leaf === undefined ? 'parts' : 'changed';
    case modes.change:
    case modes.substitute:
      return 'changed';
    case modes.object:
    case modes.extension:
    case modes.sibling:
      return 'parts';
    case modes.resource:
      return 'resource';
    case modes.type:
    case modes.meta:
      return 'always';
    case modes.id:
    case modes.literal:
    case modes.fullUrl:
    case modes.requestUrl:
      return 'pseudonym';
    default:
      return 'removed';
  }
}

/** R4's types nest in circles: a leaf this deep below the path is not counted. */
const depthMax = 6;
const leavesMax = 20_000;
/** Judged where they stand, and no data. */
const apart: ReadonlySet<string> = new Set(['extension', 'modifierExtension', 'id']);

/** The leaves of an object's R4 elements by who takes them; extensions are judged apart, where they stand. */
function partsOf(plan: ObjectPlan, refOf: (rule: number) => RuleRef): Explanation['parts'] {
  const counts = new Map<string, { rule: number; outcome: Outcome; leaves: number }>();
  let leaves = 0;
  const look = (at: ObjectPlan, depth: number): void => {
    for (const key of r4Type(at.type)?.elements.keys() ?? []) {
      if (apart.has(key)) continue;
      if (leaves > leavesMax) return;
      const child = at.child(key);
      const outcome = outcomeOfMode(child);
      if (outcome === 'always' || outcome === 'resource') continue;
      if (outcome === 'parts') {
        if (depth < depthMax) look(child.plan(), depth + 1);
        continue;
      }
      leaves += 1;
      const name = `${String(child.rule)} ${outcome}`;
      const count = counts.get(name) ?? { rule: child.rule, outcome, leaves: 0 };
      counts.set(name, { ...count, leaves: count.leaves + 1 });
    }
  };
  look(plan, 0);
  return [...counts.values()]
    .toSorted((one, other) => other.leaves - one.leaves || one.rule - other.rule)
    .map(({ rule, outcome, leaves: count }) => ({ rule: refOf(rule), outcome, leaves: count }));
}

/** The places that a path by element names leads to in a policy's plan: one for each choice of an element. */
import type { CompiledPolicy } from '../compiled.ts';
import { parsePath } from '../path/path.ts';
import type { Step } from '../path/path.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { isR4DataType, r4Type } from '../r4/model.ts';
import type { ChainNode } from './followers.ts';

/** A node on the way, with the plan of what is in it. */
export interface Place {
  readonly text: string;
  readonly chain: readonly ChainNode[];
  readonly child: Child | undefined;
  readonly plan: () => ObjectPlan;
  /** Of what stands beside a primitive. */
  readonly beside?: () => ObjectPlan;
}

export type Finding =
  { readonly ok: true; readonly places: readonly Place[] } | { readonly ok: false; readonly expected: string };

const expected = 'a path from a resource type by element names, such as Patient.name.family or Observation.value';

/** Finds what a path names. */
export function placesOf(text: string, { planner }: CompiledPolicy): Finding {
  const path = parsePath(text, isR4DataType);
  if (path?.kind !== 'plain' || path.root === undefined || path.root === 'DomainResource')
    return { ok: false, expected };
  const type = path.root;
  const root = planner.resource(type);
  if (root === undefined) return { ok: false, expected: `a type of R4's or of the policy's; ${type} is neither` };
  let places: Place[] = [{ text: type, chain: [shapeOf('', '', type)], child: undefined, plan: () => root }];
  for (const step of path.steps) {
    if (step.where !== undefined || step.kind === 'byType' || step.kind === 'byName') return { ok: false, expected };
    const next = places.flatMap((place) => below(place, step));
    if (next.length === 0) return { ok: false, expected: `an element of ${places[0]?.text ?? type} ${nameOf(step)}` };
    places = next;
  }
  return { ok: true, places };
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
      beside: () => plan.child(`_${key}`).plan(),
    };
  });
}

function extensionBelow(place: Place, plan: ObjectPlan, url: string): Place[] {
  const isPrimitive = place.child !== undefined && r4Type(place.child.type)?.kind === 'primitive';
  const holder = isPrimitive ? place.beside?.() : plan;
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

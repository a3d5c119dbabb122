/** A resource, alone or inside another: its id, its meta, whose it is, and what is written on it afterwards. */
import { idForm, typeForm } from '../../fhir/resource.ts';
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { inspect, isObject, portableMeta, Withheld, withTags } from '../shape.ts';
import { entriesWithin } from './bundle-entries.ts';
import { resolved } from './conditions.ts';
import { labelBits } from './context.ts';
import type { Walk } from './context.ts';
import { collectId, collectRemoved } from './guard-words.ts';
import { securityLabels } from './labels.ts';
import { count } from './leaf.ts';
import { idOf, localIdOf, settleEntryLinks, settleLocalReferences } from './literals.ts';
import { marksOf } from './marks.ts';
import { lookThrough } from './named-patients.ts';
import { addPatient, ownersOf, shiftKey } from './patient.ts';
import { traceRemoved } from './removed-resource.ts';
import { contentId, newTrace } from './trace.ts';

/** A resource's own id is replaced by the one that has been worked out for it. */
export function ownId(walk: Walk, value: Json): Json | undefined {
  if (value !== null && typeof value !== 'string') throw new Withheld('wrong-json-type');
  return walk.newId;
}

/** Metas that are portable already: general rules were looked for in them, and found these very objects. */
const portable = new WeakSet<object>();

/** The resource with its meta made portable, where rules look for places before the walk does. */
function prepared(walk: Walk, value: JsonObject, depth: number): JsonObject {
  if (walk.policy.generalRules.length === 0 || value.meta === undefined) return value;
  inspect(value.meta, depth + 1);
  const meta = portableMeta(value.meta);
  portable.add(meta);
  return { ...value, meta };
}

/** Of `meta` what is no server's own, under the rules. */
export function ownMeta(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  inspect(value, depth + 1);
  const meta = isObject(value) && portable.has(value) ? value : portableMeta(value);
  return Object.keys(meta).length === 0
    ? undefined
    : walk.walkObject(walk, meta, resolved(child.plan(), meta), depth + 1);
}

/** A resource that is nobody's part: alone, in a Bundle, in Parameters. The same bytes in each of them. */
export function wholeResource(
  walk: Walk,
  value: JsonObject,
  plan: ObjectPlan,
  identity: { readonly type: string; readonly id: string; readonly newId: string | undefined },
  depth: number,
): JsonObject {
  const { type, id, newId } = identity;
  const { policy } = walk;
  const { container, newId: outerId, labels, patient, trace, entryId, entries } = walk;
  walk.container = { type, id, present: undefined, local: undefined };
  walk.newId = newId;
  walk.labels = newId === undefined || policy.scope.downTypes.has(type) ? 0 : labelBits.pseudonymized;
  const owners = ownersOf(value, type, id, entries);
  walk.patient = shiftKey(owners, type, id);
  if (policy.document.leakGuard !== 'off') walk.trace = newTrace(walk, value, type, id, newId ?? '', owners);
  // A Bundle's entries are read for themselves; what else holds a patient's resource speaks of that patient.
  if (trace !== undefined && container.type !== 'Bundle') for (const key of owners) addPatient(trace.patients, key);
  walk.entries = entriesWithin(value, type, entries);
  walk.entryId = '';
  const source = prepared(walk, value, depth);
  walk.marks = marksOf(source, type, policy, walk.marks);
  const outerTrail = walk.trail?.splice(0) ?? [];
  const mark = walk.marks?.objects.get(source);
  const own = resolved(mark === undefined ? plan : plan.under(mark), source);
  const out = walk.walkObject(walk, source, own, depth) ?? { resourceType: type };
  walk.trail?.push(...outerTrail);
  settleLocalReferences(walk);
  if (walk.entries !== undefined && walk.entries !== entries) settleEntryLinks(walk, walk.entries, out);
  collectId(walk, type, id);
  const shown = policy.document.labels ? securityLabels(walk.labels) : [];
  const labelled = withTags(out, walk.keys.tags, shown, out !== source && out !== value);
  walk.container = container;
  walk.newId = outerId;
  walk.labels |= labels;
  walk.patient = patient;
  walk.trace = trace;
  walk.entryId = entryId;
  walk.entries = entries;
  return labelled;
}

/**
 * A resource inside another: judged by its own type's rules and those whose path ends at its place. A contained one
 * is part of its container, and carries no tags; any other is treated as if it stood alone.
 */
export function embeddedResource(walk: Walk, child: Child, value: JsonObject, depth: number): Json | undefined {
  const { resourceType: type, id } = value;
  const { policy } = walk;
  if (typeof type !== 'string' || !typeForm.test(type)) throw new Withheld('wrong-json-type');
  if (id !== undefined && (typeof id !== 'string' || !idForm.test(id))) throw new Withheld('not-a-resource');
  const known = policy.planner.embedded(type, child.arrival);
  if (known === undefined) throw new Withheld('unknown-type');
  const mark = walk.marks?.objects.get(value);
  const plan = resolved(mark === undefined ? known : known.under(mark), value);
  const { replacement } = plan;
  const isRemoved = plan.winner < policy.fallbacks.keep && policy.rules[plan.winner]?.passes !== true;
  const isWhole = child.key !== 'contained';
  const given = isWhole ? (id ?? (walk.entryId === '' ? contentId(value) : walk.entryId)) : '';
  if (isRemoved || replacement !== undefined) {
    count(walk, plan.winner);
    walk.labels |= replacement === undefined ? labelBits.redacted : labelBits.substituted;
    if (isWhole) {
      // Whom it names are its own patients, as if it had come alone, and not its container's.
      inspect(value, depth);
      traceRemoved(walk, value, type, given);
    } else lookThrough(walk, value, depth);
    collectRemoved(walk, child, value);
    return replacement?.with as Json | undefined;
  }
  if (isWhole) {
    const newId = id === undefined ? undefined : idOf(walk, type, id);
    return wholeResource(walk, value, plan, { type, id: given, newId }, depth);
  }
  const { newId: outerId, entries } = walk;
  walk.newId = id === undefined ? undefined : localIdOf(walk, id);
  if (walk.newId !== undefined) (walk.container.present ??= new Set()).add(walk.newId);
  const source = prepared(walk, value, depth);
  walk.marks = marksOf(source, type, policy, walk.marks);
  walk.entries = entriesWithin(value, type, entries);
  const out = walk.walkObject(walk, source, plan, depth);
  if (walk.entries !== undefined && walk.entries !== entries) settleEntryLinks(walk, walk.entries, out ?? {});
  walk.newId = outerId;
  walk.entries = entries;
  return out;
}

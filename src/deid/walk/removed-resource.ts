/**
 * A resource of which nothing passes: its words may stand in others of its patients all the same. Each resource in it that
 * would stand alone elsewhere has a trace of its own, so that a Bundle gives away no less than its entries do.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import { isObject } from '../shape.ts';
import { entriesWithin, entryIdOf } from './bundle-entries.ts';
import type { Walk } from './context.ts';
import { collectBelow } from './guard-words.ts';
import { notePatient } from './named-patients.ts';
import { contentId, newTrace } from './trace.ts';

/** Adds traces of words and patients. Trusts nothing: what is too deep is left out, and ends nothing. */
export function traceRemoved(walk: Walk, value: JsonObject, type: string, id: string, depth = 0): void {
  if (walk.policy.document.leakGuard === 'off') return;
  const { trace, entries } = walk;
  walk.trace = newTrace(walk, value, type, id, '');
  walk.entries = entriesWithin(value, type, entries);
  const inner: Inner[] = [];
  lookBelow(walk, value, inner, depth);
  collectBelow(walk, value, type);
  for (const one of inner) traceRemoved(walk, one.value, one.type, one.id, one.depth);
  walk.trace = trace;
  walk.entries = entries;
}

interface Inner {
  readonly value: JsonObject;
  readonly type: string;
  readonly id: string;
  readonly depth: number;
}

/** Notes the patients that are named here, and finds the resources that are nobody's part. */
function lookBelow(walk: Walk, value: Json, inner: Inner[], depth: number): void {
  if (typeof value !== 'object' || value === null || depth > maxDepthLevels) return;
  if (Array.isArray(value)) {
    for (const member of value) lookBelow(walk, member, inner, depth + 1);
    return;
  }
  notePatient(walk, value);
  for (const key in value) {
    const member = value[key] ?? null;
    const isWhole = key === 'resource' && isObject(member) && typeof member.resourceType === 'string';
    if (isWhole) inner.push({ value: member, ...nameOf(member, value), depth: depth + 1 });
    else lookBelow(walk, member, inner, depth + 1);
  }
}

function nameOf(value: JsonObject, holder: JsonObject): Pick<Inner, 'type' | 'id'> {
  const { resourceType, id } = value;
  const given = typeof id === 'string' ? id : entryIdOf(holder);
  return { type: typeof resourceType === 'string' ? resourceType : '', id: given === '' ? contentId(value) : given };
}

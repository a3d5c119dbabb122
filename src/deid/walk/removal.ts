/** What becomes of values that do not pass: counted, looked through, and their words kept for the leak guard. */
import type { Json } from '../../fhir/resource.ts';
import type { Child } from '../plan/child.ts';
import { inspect } from '../shape.ts';
import { labelBits } from './context.ts';
import type { Walk } from './context.ts';
import { collectRemoved } from './guard-words.ts';
import { count } from './leaf.ts';
import { lookThrough } from './named-patients.ts';

/** Removes a value with all that is below it, after a look for what would withhold the resource. */
export function dropped(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  walk.labels |= labelBits.redacted;
  passedOver(walk, child, value, depth);
  return undefined;
}

/** The constant in a value's place. What was there counts as removed. */
export function constant(walk: Walk, child: Child, value: Json, depth: number): Json {
  walk.labels |= labelBits.substituted;
  passedOver(walk, child, value, depth);
  return child.leaf as Json;
}

function passedOver(walk: Walk, child: Child, value: Json, depth: number): void {
  count(walk, child.rule);
  if (walk.trace === undefined) {
    if (typeof value === 'object') inspect(value, depth);
    return;
  }
  if (typeof value === 'object') lookThrough(walk, value, depth);
  collectRemoved(walk, child, value);
}

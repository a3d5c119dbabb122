/**
 * Whether a rule's condition held in the source, as far as an output tells. A value that is there and passes as it is was
 * there before; one that is not there may have been removed, by a rule or by the leak guard.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { isMet } from '../path/path.ts';
import type { Condition } from '../path/path.ts';
import { r4Type } from '../r4/model.ts';
import { either, isObject, maybe, no, yes } from './json.ts';
import type { Truth } from './json.ts';
import type { Place } from './place.ts';
import { isDateType, isPrimitive } from './primitives.ts';

/** Longer lists of conditions get a name of their length; shorter ones are looked up by one. */
const digits = '012';

/** The place of this very object: the variant of `place` under what the object tells of the rules' conditions. */
export function settled(place: Place, object: JsonObject): Place {
  const { asked, paths } = place;
  if (asked.length === 0) return place;
  const found = asked.map((number) => truthOf(place, object, paths.conditions[number]));
  let name = '';
  for (const truth of found) name += digits.charAt(truth);
  return place.under(name, { truths: truthsOf(asked, found, paths.conditions.length) });
}

function truthsOf(asked: readonly number[], found: readonly Truth[], count: number): Truth[] {
  const truths = new Array<Truth>(count).fill(maybe);
  for (const [index, number] of asked.entries()) truths[number] = found[index] ?? maybe;
  return truths;
}

const truthOf = (place: Place, object: JsonObject, condition: Condition | undefined): Truth =>
  condition === undefined ? maybe : heldAt(place, object, condition, 0);

function heldAt(place: Place, value: Json, condition: Condition, at: number): Truth {
  const step = condition.path[at];
  if (step === undefined) return compared(place, value, condition);
  if (!isObject(value)) return no;
  let found: Truth = no;
  for (const key of keysOf(place, step)) {
    const child = place.child(key);
    const member = Object.hasOwn(value, key) ? value[key] : undefined;
    // Nothing removes an extension's url without a trace.
    if (member === undefined && key === 'url' && place.holds === 'Extension' && !Object.hasOwn(value, '_url')) continue;
    found = either(found, memberHeld(child, member ?? null, condition, at + 1));
    if (found === yes) return yes;
  }
  return found;
}

function memberHeld(child: Place, member: Json, condition: Condition, at: number): Truth {
  const unseen = isAllSeen(child, condition.path, at) ? no : maybe;
  if (member === null) return unseen;
  if (!Array.isArray(member)) return heldAt(child, member, condition, at);
  // More may have been in the list.
  return member.reduce((found: Truth, one) => either(found, heldAt(child, one, condition, at)), unseen);
}

/** A word of FHIRPath or a JSON key: `value` stands for each of its choices. */
function keysOf(place: Place, step: string): readonly string[] {
  const elements = r4Type(place.holds)?.elements;
  if (elements === undefined || elements.has(step)) return [step];
  const keys = [...elements.values()].filter(({ name }) => name === step).map(({ key }) => key);
  return keys.length === 0 ? [step] : keys;
}

const relativeForm = /^[A-Z][A-Za-z0-9]{0,63}\//;

function compared(place: Place, value: Json, condition: Condition): Truth {
  if (typeof value === 'object') return no;
  if (!place.isUnchanged || isRewritten(place)) return maybe;
  const text = String(value);
  if (isMet(condition, text)) return relativeForm.test(text) ? maybe : yes;
  // What the guard has masked holds a marker; a literal `Type/id` is not the source's.
  return text.includes('[') || relativeForm.test(text) ? maybe : no;
}

/** The text of a reference and a resource's id are rewritten whatever the rules say. */
const isRewritten = (place: Place): boolean =>
  place.key === 'reference' || place.key === 'id' || place.holder?.holds === 'Reference';

/** Whether all values that the condition looks at would be there if they had been: kept, and safe from the guard. */
function isAllSeen(place: Place, path: readonly string[], at: number): boolean {
  if (place.reading.isGuarded) return false;
  const step = path[at];
  if (step === undefined)
    return isPrimitive(place.type) && !isDateType(place.type) && place.isKept && !isRewritten(place);
  return keysOf(place, step).every((key) => isAllSeen(place.child(key), path, at + 1));
}

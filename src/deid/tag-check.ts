/** Whether a resource carries this program's tags: each of the wanted ones once, and no other in its systems. */
import type { Json, JsonObject } from '../fhir/resource.ts';
import { tagSystemPrefix } from './engine.ts';

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** True when a tag is missing, doubled, foreign or has another code. */
export function tagMistake(resource: JsonObject, wanted: Readonly<Record<string, string>>): boolean {
  const meta = resource.meta;
  const tags: Json[] = isObject(meta) && Array.isArray(meta.tag) ? meta.tag : [];
  const ours = tags.flatMap((tag) => {
    if (!isObject(tag) || typeof tag.system !== 'string' || !tag.system.startsWith(tagSystemPrefix)) return [];
    return [{ system: tag.system, code: tag.code, plain: Object.keys(tag).length === 2 }];
  });
  const systems = new Set(ours.map(({ system }) => system));
  const good = ours.every(
    ({ system, code, plain }) => plain && Object.hasOwn(wanted, system) && wanted[system] === code,
  );
  return !good || ours.length !== systems.size || systems.size !== Object.keys(wanted).length;
}

/** Whether a resource carries this program's tags: each of the wanted ones once, and no other in its systems. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { tagSystemPrefix } from '../engine.ts';
import { isObject } from './json.ts';

/** Whether a coding is in one of this program's own systems. */
export const isOurs = (coding: Json): coding is JsonObject =>
  isObject(coding) && typeof coding.system === 'string' && coding.system.startsWith(tagSystemPrefix);

const tagsOf = ({ meta }: JsonObject): Json[] => (isObject(meta) && Array.isArray(meta.tag) ? meta.tag : []);

/** True when a tag is missing, doubled, foreign or has another code. */
export function tagMistake(resource: JsonObject, wanted: Readonly<Record<string, string>>): boolean {
  const ours = tagsOf(resource).filter(isOurs);
  const systems = new Set(ours.map(({ system }) => system));
  const isGood = ours.every(({ system, code, ...others }) => {
    const isWanted = typeof system === 'string' && Object.hasOwn(wanted, system) && wanted[system] === code;
    return isWanted && Object.keys(others).length === 0;
  });
  return !isGood || ours.length !== systems.size || systems.size !== Object.keys(wanted).length;
}

/** The code of a resource's tag in a system. */
export const tagCode = (resource: JsonObject, system: string): Json | undefined =>
  tagsOf(resource)
    .filter(isOurs)
    .find((tag) => tag.system === system)?.code;

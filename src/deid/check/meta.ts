/**
 * Of a resource's `meta` only profile, security and tag may stand, in their plain form; of these what the rules let pass,
 * beside this program's own tags and labels. Sources: https://hl7.org/fhir/R4/resource.html#Meta,
 * https://terminology.hl7.org/CodeSystem-v3-ObservationValue.html (SECALTINTOBV)
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { isObject } from './json.ts';
import { Mistake } from './mistakes.ts';
import { isOurs } from './tag-check.ts';

const portable = new Set(['profile', 'security', 'tag']);
const codingKeys = new Set(['system', 'version', 'code', 'display', 'userSelected']);

const labelSystem = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';
const labelCodes = new Set(['REDACTED', 'ABSTRED', 'CRYTOHASH', 'MASKED', 'PSEUDED']);

/** A label that the engine writes, whatever the rules say of security labels. */
const isLabel = (coding: Json): boolean =>
  isObject(coding) &&
  Object.keys(coding).length === 2 &&
  coding.system === labelSystem &&
  typeof coding.code === 'string' &&
  labelCodes.has(coding.code);

/** The members of `meta` that the rules have a say in; undefined where none is left. Throws on what is no plain meta. */
export function ruledMeta(meta: Json, hasLabels: boolean): JsonObject | undefined {
  if (!isObject(meta)) throw new Mistake('server-meta');
  const ruled: JsonObject = {};
  for (const key of Object.keys(meta)) {
    if (!portable.has(key)) throw new Mistake('server-meta');
    const list = meta[key];
    if (!Array.isArray(list) || list.length === 0) throw new Mistake('json-type');
    const isOwn = (coding: Json): boolean =>
      (key === 'tag' && isOurs(coding)) || (key === 'security' && hasLabels && isLabel(coding));
    const others = list.filter((member) => !isOwn(member));
    if (key !== 'profile' && !others.every(isPlain)) throw new Mistake('server-meta');
    if (others.length > 0) ruled[key] = others;
  }
  return Object.keys(ruled).length === 0 ? undefined : ruled;
}

const isPlain = (coding: Json): boolean => isObject(coding) && Object.keys(coding).every((key) => codingKeys.has(key));

/**
 * The way down: the hub's reference data comes to a site as it is, but for what is the hub server's own. Ids stay, so
 * that references going up may name them; references to what does not come down are detached, since the site's server
 * would refuse a literal without a target.
 */
import { idForm, typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject, Resource } from '../fhir/resource.ts';
import { hubOrigin, maxDepthLevels, tagSystems } from './engine.ts';
import type { Deidentified, DeidReport, ReferenceScope, WithheldReason } from './engine.ts';
import { detachedFrom } from './walk/literals.ts';
import { detachedType, parseLiteral } from './references.ts';
import { inspect, isObject, orderedKeys, portableMeta, Withheld, withTags } from './shape.ts';

/** Counts what a copy does to references; a copy goes by no rule. */
interface Copying {
  readonly scope: ReferenceScope;
  detached: number;
}

/** What becomes of an object that is a reference, once its members are copied. */
function copyReference(copying: Copying, value: JsonObject, copy: JsonObject): JsonObject {
  if (typeof value.reference !== 'string') return copy;
  const parsed = parseLiteral(value.reference);
  if (parsed.form === 'local') return copy;
  if (parsed.form === 'relative' && copying.scope.downTypes.has(parsed.type)) {
    copy.reference = `${parsed.type}/${parsed.id}`; // without a version: the site's server counts its own
    return copy;
  }
  copying.detached++;
  const named = parsed.form === 'relative' ? parsed.id : parsed.literal;
  return detachedFrom(copy, named, detachedType(parsed, value.type));
}

function copyOf(copying: Copying, value: Json, depth: number): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  if (Array.isArray(value)) return value.map((member) => copyOf(copying, member, depth + 1));
  const isResource = typeof value.resourceType === 'string';
  const out: JsonObject = {};
  for (const key of orderedKeys(value)) {
    const member = value[key] ?? null;
    if (isResource && key === 'meta') {
      inspect(member, depth + 1);
      const meta = portableMeta(member);
      if (Object.keys(meta).length > 0) out.meta = meta;
    } else if (!isResource || key !== '_meta') out[key] = copyOf(copying, member, depth + 1);
  }
  return copyReference(copying, value, out);
}

/** Makes ready for the site what the hub sends down; changes nothing in its input. */
export function passDown(resource: unknown, scope: ReferenceScope): Deidentified {
  const copying: Copying = { scope, detached: 0 };
  const report = (): DeidReport => ({ taken: {}, referencesPseudonymized: 0, referencesDetached: copying.detached });
  const withheld = (reason: WithheldReason): Deidentified => ({
    kind: 'withheld',
    reason,
    report: report(),
    traces: [],
  });
  const value = resource as Json | undefined;
  if (!isObject(value)) return withheld('not-a-resource');
  const { resourceType: type, id } = value;
  if (typeof type !== 'string' || !typeForm.test(type)) return withheld('not-a-resource');
  if (typeof id !== 'string' || !idForm.test(id)) return withheld('not-a-resource');
  if (!scope.downTypes.has(type)) return withheld('policy-drops-type');
  try {
    const copy = copyOf(copying, value, 1) as JsonObject;
    const tagged = withTags(copy, [{ system: tagSystems.origin, code: hubOrigin }], []);
    return { kind: 'resource', resource: tagged as Resource, report: report(), traces: [] };
  } catch (error) {
    if (error instanceof Withheld) return withheld(error.reason);
    throw error;
  }
}

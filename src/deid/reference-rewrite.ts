/**
 * What becomes of a literal reference: a pseudonymous one, an unchanged one to the hub's own, a local one, or a logical
 * one (`identifier`), since a hub that enforces integrity refuses a literal whose target never comes.
 * Source: https://hl7.org/fhir/R4/references.html#logical
 */
import type { Json, JsonObject } from '../fhir/resource.ts';
import { detachedSystem } from './engine.ts';
import { pseudonym, pseudonymId } from './pseudonym.ts';
import { detachedType, parseLiteral } from './references.ts';
import type { LiteralReference } from './references.ts';
import { orderedKeys } from './shape.ts';
import { localIdOf } from './walk-state.ts';
import type { Walk } from './walk-state.ts';

const replaced = new Set(['reference', '_reference', 'identifier', '_identifier', 'type']);

/**
 * Members of the logical reference that takes a literal one's place. A business identifier that stood beside the literal
 * goes: the slot is one, and what the reference was followed by is the literal.
 */
export function detachedFrom(node: JsonObject, value: string, type: Json | undefined): JsonObject {
  const members: JsonObject = { identifier: { system: detachedSystem, value } };
  const stated = type ?? node.type;
  if (stated !== undefined) members.type = stated;
  for (const [key, member] of Object.entries(node)) if (!replaced.has(key)) members[key] = member;
  const out: JsonObject = {};
  for (const key of orderedKeys(members)) out[key] = members[key] ?? null;
  return out;
}

function detachedValue(walk: Walk, parsed: Exclude<LiteralReference, { form: 'local' }>): string {
  const { instance } = walk.policy.scope;
  return parsed.form === 'relative'
    ? pseudonymId(walk.keys, instance, parsed.type, parsed.id)
    : pseudonym(walk.keys, 'reference-literal', [instance, parsed.form, parsed.literal]);
}

/** Rewrites the copy `out` of the reference `source`; a rule may have removed the literal already. */
export function rewriteReference(walk: Walk, source: JsonObject, out: JsonObject | undefined): JsonObject | undefined {
  const literal = out?.reference;
  if (out === undefined || typeof literal !== 'string') return out;
  const parsed = parseLiteral(literal);
  if (parsed.form === 'local') {
    if (parsed.id === '') return out; // the container itself
    const target = localIdOf(walk, parsed.id);
    out.reference = `#${target}`;
    walk.container.local.push({ node: out, target });
    return out;
  }
  const { scope } = walk.policy;
  if (parsed.form === 'relative' && scope.downTypes.has(parsed.type)) {
    out.reference = `${parsed.type}/${parsed.id}`;
  } else if (parsed.form === 'relative' && scope.upTypes.has(parsed.type)) {
    out.reference = `${parsed.type}/${detachedValue(walk, parsed)}`;
    walk.pseudonymized++;
  } else {
    walk.detached++;
    return detachedFrom(out, detachedValue(walk, parsed), detachedType(parsed, source.type));
  }
  return out;
}

/** Detaches the local references whose target did not pass, now that it is known which did. */
export function settleLocalReferences(walk: Walk): void {
  for (const { node, target } of walk.container.local) {
    if (walk.container.present.has(target)) walk.pseudonymized++;
    else {
      // In place: the output holds this very object already.
      const members = detachedFrom(node, target, undefined);
      for (const key of Object.keys(node)) Reflect.deleteProperty(node, key);
      Object.assign(node, members);
      walk.detached++;
    }
  }
}

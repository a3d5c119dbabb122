/**
 * What becomes of a literal reference: a pseudonymous one, an unchanged one to the hub's own, a local one, or a logical
 * one (`identifier`), since a hub that enforces integrity refuses a literal whose target never comes.
 * Source: https://hl7.org/fhir/R4/references.html#logical
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { detachedSystem } from '../engine.ts';
import { hashedTokens } from '../guard/tokens.ts';
import { pseudonym, pseudonymId, pseudonymUrn } from '../pseudonym.ts';
import { r4ResourceTypes, r4Type } from '../r4/model.ts';
import { hiddenTarget, parseLiteral, parseRelative } from '../references.ts';
import type { LiteralReference } from '../references.ts';
import { entryAt, presentAddresses } from './bundle-entries.ts';
import type { BundleEntries } from './bundle-entries.ts';
import { labelBits } from './context.ts';
import type { Walk } from './context.ts';

/** The new id of a resource; also that of what a reference names, so that the two stay the same. */
export const idOf = (walk: Walk, type: string, id: string): string =>
  walk.policy.scope.downTypes.has(type) ? id : pseudonymId(walk.keys.pseudonym, walk.policy.scope.instance, type, id);

/** The new id of a contained resource: its container is part of it, so that equal local ids do not link resources. */
export const localIdOf = (walk: Walk, id: string): string =>
  pseudonym(walk.keys.pseudonym, 'contained-id', [
    walk.policy.scope.instance,
    walk.container.type,
    walk.container.id,
    id,
  ]);

/** The pseudonymous urn of a Bundle entry and of what points at it. */
export const urnOf = (walk: Walk, urn: string): string =>
  pseudonymUrn(walk.keys.pseudonym, walk.policy.scope.instance, urn.toLowerCase());

const replaced = new Set(['reference', '_reference', 'identifier', '_identifier', 'type', '_type']);

/**
 * The logical reference that takes a literal one's place, in R4's order. A business identifier that stood beside the
 * literal goes: the slot is one, and what the reference was followed by is the literal.
 */
export function detachedFrom(node: JsonObject, value: string, type: Json | undefined): JsonObject {
  const { id, extension, display, _display } = node;
  const out: JsonObject = {};
  if (id !== undefined) out.id = id;
  if (extension !== undefined) out.extension = extension;
  const stated = type ?? node.type;
  if (stated !== undefined) out.type = stated;
  out.identifier = { system: detachedSystem, value };
  if (display !== undefined) out.display = display;
  if (_display !== undefined) out._display = _display;
  // What R4 does not have stays as the walk left it.
  for (const [key, member] of Object.entries(node)) if (!(key in out) && !replaced.has(key)) out[key] = member;
  return out;
}

function detachedValue(walk: Walk, parsed: Exclude<LiteralReference, { form: 'local' }>): string {
  const { instance } = walk.policy.scope;
  return parsed.form === 'relative'
    ? pseudonymId(walk.keys.pseudonym, instance, parsed.type, parsed.id)
    : pseudonym(walk.keys.pseudonym, 'reference-literal', [instance, parsed.form, parsed.literal]);
}

const structureDefinition = 'http://hl7.org/fhir/StructureDefinition/';

/** Whether a text names a type that there is: anything else in its place could be somebody's name. */
function namesType(walk: Walk, text: Json | undefined): boolean {
  if (typeof text !== 'string') return false;
  const name = text.startsWith(structureDefinition) ? text.slice(structureDefinition.length) : text;
  const { upTypes, downTypes } = walk.policy.scope;
  return upTypes.has(name) || downTypes.has(name) || r4ResourceTypes.has(name);
}

/** A Reference whose `type` is one, or has none. */
function withSoundType(walk: Walk, out: JsonObject): JsonObject {
  if (out.type === undefined || namesType(walk, out.type)) return out;
  const { type: _type, ...others } = out;
  return others;
}

/** Rewrites the copy of a Reference, from which a rule may have removed the literal already. Never changes `copy`. */
export function rewriteReference(walk: Walk, copy: JsonObject): JsonObject {
  const out = withSoundType(walk, copy);
  const literal = out.reference;
  if (typeof literal !== 'string') return out;
  const known = walk.keys.rewritten.get(literal);
  if (known !== undefined) {
    walk.labels |= labelBits.pseudonymized;
    walk.pseudonymized++;
    return withReference(out, known);
  }
  const { scope } = walk.policy;
  const target = parseRelative(literal);
  if (target !== undefined && scope.upTypes.has(target.type) && !scope.downTypes.has(target.type)) {
    const reference = `${target.type}/${idOf(walk, target.type, target.id)}`;
    walk.labels |= labelBits.pseudonymized;
    walk.pseudonymized++;
    walk.keys.rewritten.set(literal, reference);
    return withReference(out, reference);
  }
  const parsed = parseLiteral(literal);
  if (parsed.form === 'local') return rewriteLocal(walk, out, parsed.id);
  if (parsed.form === 'relative' && scope.downTypes.has(parsed.type)) {
    return { ...out, reference: `${parsed.type}/${parsed.id}` };
  }
  walk.labels |= labelBits.pseudonymized;
  const renamed = scope.urns === 'rename' ? rewriteFullUrl(walk, literal) : undefined;
  if (renamed !== undefined) {
    walk.pseudonymized++;
    return { ...out, reference: renamed };
  }
  const type = namesType(walk, parsed.type) ? parsed.type : undefined;
  const detached = detachedFrom(out, detachedValue(walk, parsed), type);
  const linked = parsed.form === 'relative' ? undefined : linkTo(walk, out, parsed, detached);
  if (linked === undefined) walk.detached++;
  return linked ?? detached;
}

/** A Reference to an entry of a Bundle around it, which alone says what the literal means: it follows the entry's address. */
function linkTo(
  walk: Walk,
  out: JsonObject,
  parsed: Exclude<LiteralReference, { form: 'local' | 'relative' }>,
  detached: JsonObject,
): JsonObject | undefined {
  const found = entryAt(walk.entries, parsed);
  const reference = found === undefined ? undefined : rewriteEntryUrl(walk, found.entry.fullUrl);
  if (found === undefined || reference === undefined) return undefined;
  const node = { ...out, reference };
  found.bundle.links.push({ node, detached });
  return node;
}

/** Most References are nothing but their text. */
function withReference(out: JsonObject, reference: string): JsonObject {
  for (const key in out) if (key !== 'reference') return { ...out, reference };
  return { reference };
}

function rewriteLocal(walk: Walk, out: JsonObject, id: string): JsonObject {
  if (id === '') return out; // the container itself
  const target = localIdOf(walk, id);
  const node = { ...out, reference: `#${target}` };
  (walk.container.local ??= []).push({ node, target });
  return node;
}

/** Detaches the local references whose target did not pass, now that it is known which did. */
export function settleLocalReferences(walk: Walk): void {
  for (const { node, target } of walk.container.local ?? []) {
    if (walk.container.present?.has(target) === true) walk.pseudonymized++;
    else detach(walk, node, detachedFrom(node, target, undefined));
  }
}

/** Detaches the references to entries of a Bundle whose resource is not in its output. */
export function settleEntryLinks(walk: Walk, { links }: BundleEntries, bundle: JsonObject): void {
  if (links.length === 0) return;
  const present = presentAddresses(bundle);
  for (const { node, detached } of links) {
    if (present.has(node.reference)) walk.pseudonymized++;
    else detach(walk, node, detached);
  }
}

/** In place: the output holds this very object already. */
function detach(walk: Walk, node: JsonObject, members: JsonObject): void {
  for (const key of Object.keys(node)) Reflect.deleteProperty(node, key);
  Object.assign(node, members);
  walk.detached++;
}

/** Where Bundles' full addresses stand afterwards: no host of the source's, and relative references still resolve. */
const renamedBase = 'https://fhir-sluice.invalid/';

/** A Bundle entry's `fullUrl`: an address that names no resource becomes a urn. Undefined for what is no address. */
export function rewriteEntryUrl(walk: Walk, text: string): string | undefined {
  const renamed = rewriteFullUrl(walk, text);
  if (renamed !== undefined) return renamed;
  const parsed = parseLiteral(text);
  if (parsed.form !== 'absolute') return undefined;
  return pseudonymUrn(walk.keys.pseudonym, walk.policy.scope.instance, parsed.literal);
}

/** An address of a resource, as a Bundle entry's `fullUrl` or what points at one, rewritten so that the two still agree. */
export function rewriteFullUrl(walk: Walk, text: string): string | undefined {
  const parsed = parseLiteral(text);
  if (parsed.form === 'urn') return urnOf(walk, parsed.literal);
  const [, type = '', id = ''] = fullUrlTail.exec(text) ?? [];
  if (parsed.form !== 'absolute' || !namesType(walk, type)) return undefined;
  return `${renamedBase}${type}/${idOf(walk, type, id)}`;
}

const fullUrlTail = /\/([A-Z][A-Za-z0-9]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** The address of a Bundle entry's request: a type, and the pseudonym where it names a resource. Never a query. */
export function rewriteRequestUrl(walk: Walk, text: string): string | undefined {
  const [, type = '', id] = /^([A-Z][A-Za-z0-9]{0,63})(?:\/([A-Za-z0-9\-.]{1,64}))?(?:[/?].*)?$/s.exec(text) ?? [];
  if (!namesType(walk, type)) return undefined;
  return id === undefined ? type : `${type}/${idOf(walk, type, id)}`;
}

/** Types that are published and named by canonical addresses, which are no ids of a server's. */
const isPublished = (type: string): boolean => r4Type(type)?.elements.get('url')?.type === 'uri';

const withinForm =
  /(?<![A-Za-z0-9])([A-Z][A-Za-z0-9]{0,63})\/([A-Za-z0-9\-.]*[A-Za-z0-9])(?:\/_history\/[A-Za-z0-9\-.]{1,64})?/g;
const idMax = 64;
/** Of types that no stream carries, `Group/2` is rather a number of something. */
const longIdMin = 8;

/**
 * Every `Type/id` that stands within a longer text, with the pseudonym in its id's place. Only ids with a digit are
 * taken for ids: 'Patient/family education' is prose.
 */
function rewriteWithin(walk: Walk, text: string): string | undefined {
  const { scope } = walk.policy;
  const out = text.replace(withinForm, (whole, type: string, id: string) => {
    if (id.length > idMax || !/[0-9]/.test(id) || scope.downTypes.has(type) || isPublished(type)) return whole;
    const isOne = scope.upTypes.has(type) || (id.length >= longIdMin && r4ResourceTypes.has(type));
    if (!isOne) return whole;
    return `${type}/${idOf(walk, type, id)}`;
  });
  return out === text ? undefined : out;
}

/** The same, with its tokens noted for the guard: unlike a literal alone, the text around it may say anything. */
function rewriteText(walk: Walk, text: string, type: string): string | undefined {
  const out = rewriteWithin(walk, text);
  if (out !== undefined) walk.trace?.kept.push(hashedTokens(out, type === 'xhtml' ? type : 'text', walk.keys.hasher));
  return out;
}

/**
 * A kept text that names a resource outside a Reference, with the pseudonym in its id's place; undefined for every other
 * text. In addresses also with a slash, a version or a fragment around it, or as the end of an absolute one.
 */
export const rewriteHidden = (walk: Walk, text: string, type: string): string | undefined =>
  rewriteWhole(walk, text, type) ?? rewriteText(walk, text, type);

function rewriteWhole(walk: Walk, text: string, type: string): string | undefined {
  const { scope } = walk.policy;
  const target = hiddenTarget(text, type, scope);
  if (target !== undefined) return `${target.type}/${idOf(walk, target.type, target.id)}`;
  if (type !== 'url' && type !== 'uri' && type !== 'canonical') return undefined;
  const [, slash = '', inner = '', rest = ''] = /^(\/?)([^|#?]*)([|#?].*)?$/s.exec(text) ?? [];
  const wrapped = slash === '' && rest === '' ? undefined : hiddenTarget(inner, 'uri', scope);
  if (wrapped !== undefined) return `${slash}${wrapped.type}/${idOf(walk, wrapped.type, wrapped.id)}`;
  return type === 'url' && parseLiteral(inner).form === 'absolute' ? rewriteFullUrl(walk, inner) : undefined;
}

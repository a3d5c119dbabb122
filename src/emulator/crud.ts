import { randomUUID } from 'node:crypto';
import type { Json, JsonObject, Resource } from '../fhir/resource.ts';
import { idForm } from '../fhir/resource.ts';
import type { Context } from './context.ts';
import { presentJson, toFhir } from './formats.ts';
import { historyBundle } from './history.ts';
import { isObject } from './json.ts';
import { isKnownType } from './known-types.ts';
import { danglingReferences, missingTargets } from './references.ts';
import { Refusal, notFound, unknownType, unprocessable, versionMismatch } from './refusal.ts';
import { matching } from './search.ts';
import { searchBundle } from './search-bundle.ts';
import type { Target } from './target.ts';
import type { Transaction } from './transaction.ts';
import type { Stored } from './types.ts';

/** One RESTful interaction, sent alone or as an entry of a bundle. */
export interface Interaction {
  readonly target: Target;
  readonly body?: Json | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifNoneExist?: string | undefined;
  /** `later`: the bundle checks references when all its entries have run. */
  readonly references: 'check' | 'later' | 'skip';
  /** Keys that later entries of the same transaction will create, known from their urn:uuid. */
  readonly promised?: ReadonlySet<string> | undefined;
}

/** What an interaction answers: a resource's state or another document. */
export interface Result {
  readonly status: number;
  readonly stored?: Stored | undefined;
  readonly json?: string | undefined;
}

const noKeys: ReadonlySet<string> = new Set();

/**
 * Runs one interaction inside a transaction.
 * Source: Aidbox docs, pages "Create", "Update", "Delete", "Read", "History".
 */
export function interact(context: Context, tx: Transaction, interaction: Interaction): Result {
  const { target } = interaction;
  if (target.type !== '' && !isKnownType(tx, target.type)) throw unknownType(target.type);
  switch (target.operation) {
    case 'read':
      return read(tx, interaction);
    case 'vread':
      return readVersion(context, target);
    case 'search':
      return { status: 200, json: searchBundle(tx, target) };
    case 'history':
      return { status: 200, json: historyBundle(context, target) };
    case 'create':
      return create(context, tx, interaction);
    case 'update':
      return update(context, tx, interaction);
    case 'delete':
      return remove(tx, interaction);
    default:
      throw notFound(`no such route: ${target.method} ${target.uri}`);
  }
}

/** The text of a result's resource in the client's format. */
export function resultJson(result: Result, target: Target): string | undefined {
  return result.stored === undefined ? result.json : presentJson(result.stored.json, target.format);
}

function read(tx: Transaction, interaction: Interaction): Result {
  const { target } = interaction;
  const stored = current(tx, target);
  if (interaction.ifNoneMatch !== undefined && versionOf(interaction.ifNoneMatch) === String(stored.txid)) {
    return { status: 304 };
  }
  return { status: 200, stored };
}

function current(tx: Transaction, target: Target): Stored {
  const stored = tx.read(target.type, target.id);
  if (stored === undefined) throw notFound(`Resource ${target.type}/${target.id} not found`);
  if (stored.deleted) {
    throw new Refusal(410, { code: 'deleted', diagnostics: `Resource ${target.type}/${target.id} is deleted` });
  }
  return stored;
}

function readVersion(context: Context, target: Target): Result {
  const versions = context.store.versions(target.type, target.id);
  const stored = versions.find((version) => String(version.txid) === target.versionId);
  if (stored === undefined) throw notFound(`Version ${target.versionId} of ${target.type}/${target.id} not found`);
  return { status: 200, stored };
}

function create(context: Context, tx: Transaction, interaction: Interaction): Result {
  const { target } = interaction;
  const resource = bodyOf(interaction);
  if (interaction.ifNoneExist !== undefined) {
    const found = onlyMatch(tx, target.type, interaction.ifNoneExist);
    if (found !== undefined) return { status: 200, stored: found };
  }
  const id = resource.id ?? randomUUID();
  requireId(id);
  tx.guard(target.type, id);
  const previous = tx.read(target.type, id);
  if (previous !== undefined && !previous.deleted) {
    throw new Refusal(409, { code: 'duplicate', diagnostics: `Resource ${target.type}/${id} already exists` });
  }
  return { status: 201, stored: write(context, tx, interaction, { ...resource, id }) };
}

function update(context: Context, tx: Transaction, interaction: Interaction): Result {
  const { target } = interaction;
  const resource = bodyOf(interaction);
  let id = target.id;
  if (id === '') {
    if (target.query.size === 0) throw unprocessable('a conditional update needs a query');
    id = onlyMatch(tx, target.type, target.query.toString())?.id ?? resource.id ?? randomUUID();
  }
  requireId(id);
  requireMatch(tx, target.type, id, interaction.ifMatch);
  const previous = tx.read(target.type, id);
  const isNew = previous === undefined || previous.deleted;
  const next: Resource & { id: string } = { ...resource, id };
  if (!isNew && context.options.unchangedPut === 'same-version' && sameContent(previous, next)) {
    return { status: 200, stored: previous };
  }
  return { status: isNew ? 201 : 200, stored: write(context, tx, interaction, next) };
}

function remove(tx: Transaction, interaction: Interaction): Result {
  const { target } = interaction;
  let id = target.id;
  if (id === '') {
    if (target.query.size === 0) throw unprocessable('a conditional delete needs a query');
    const found = onlyMatch(tx, target.type, target.query.toString());
    if (found === undefined) return { status: 204 };
    id = found.id;
  }
  requireMatch(tx, target.type, id, interaction.ifMatch);
  const stored = tx.delete(target.type, id);
  if (stored === undefined || target.query.get('_no-content') === 'true') return { status: 204 };
  return { status: 200, stored };
}

function write(context: Context, tx: Transaction, interaction: Interaction, next: Resource & { id: string }): Stored {
  if (interaction.references === 'check' && context.options.referentialIntegrity) {
    const promised = interaction.promised ?? noKeys;
    const missing = missingTargets(tx, next, (key) => promised.has(key));
    if (missing.length > 0) throw danglingReferences(missing);
  }
  return tx.put(next);
}

/** The body as a resource in FHIR format. A missing resourceType is the URL's, as Aidbox allows. */
function bodyOf(interaction: Interaction): Resource {
  const { body, target } = interaction;
  if (!isObject(body)) throw unprocessable('the body is not a resource');
  const type = body.resourceType ?? target.type;
  if (type !== target.type) throw unprocessable(`resourceType ${JSON.stringify(type)} does not fit ${target.type}`);
  const resource = (target.format === 'aidbox' ? toFhir(body) : body) as JsonObject;
  if (resource.id !== undefined && typeof resource.id !== 'string') throw unprocessable('id is not a string');
  return { ...resource, resourceType: target.type };
}

function requireId(id: string): void {
  if (!idForm.test(id)) throw unprocessable('id does not have the form of a FHIR id');
}

/** If-Match: `"n"`, `W/"n"` or `n` is that version, `*` is any. */
function requireMatch(tx: Transaction, type: string, id: string, ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  tx.guard(type, id);
  const stored = tx.read(type, id);
  if (stored === undefined || stored.deleted) throw versionMismatch();
  if (ifMatch.trim() !== '*' && versionOf(ifMatch) !== String(stored.txid)) throw versionMismatch();
}

const versionOf = (etag: string): string => etag.trim().replace(/^(?:W\/)?"?([^"]*)"?$/, '$1');

function onlyMatch(tx: Transaction, type: string, query: string): Stored | undefined {
  const params = new URLSearchParams(query.startsWith('?') ? query.slice(1) : query);
  const found = matching(tx, type, params);
  if (found.length > 1) {
    throw new Refusal(412, { code: 'multiple-matches', diagnostics: `${String(found.length)} resources match` });
  }
  return found[0];
}

function sameContent(previous: Stored, next: JsonObject): boolean {
  const text = (resource: JsonObject): string => {
    const { meta, ...rest } = resource;
    const { versionId: _version, lastUpdated: _time, extension: _extension, ...kept } = isObject(meta) ? meta : {};
    return JSON.stringify([rest, kept], (_key, value: Json) =>
      isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
    );
  };
  return text(JSON.parse(previous.json) as JsonObject) === text(next);
}

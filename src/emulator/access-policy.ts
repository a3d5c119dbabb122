import type { Json, JsonObject } from '../fhir/resource.ts';
import { isObject, listAt, stringAt } from './json.ts';
import { matches } from './matcho.ts';
import { Refusal } from './refusal.ts';
import type { Store } from './store.ts';
import type { Target } from './target.ts';

type Policy = (clientId: string, request: JsonObject) => boolean;

/**
 * Who may do what: nobody anything, until an AccessPolicy says yes.
 * Source: Aidbox docs, page "AccessPolicy".
 */
export class AccessPolicies {
  readonly #store: Store;
  #policies: readonly Policy[] = [];
  #readAt = -1;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws 403 unless a policy lets the client do it. @param body - what is written; of a bundle's entry its resource */
  require(clientId: string, target: Target, body?: Json): void {
    const request: JsonObject = {
      client: { id: clientId },
      uri: target.uri,
      'request-method': target.method.toLowerCase(),
      params: {
        ...Object.fromEntries(target.query),
        ...(target.type === '' ? {} : { 'resource/type': target.type }),
        ...(target.id === '' ? {} : { 'resource/id': target.id }),
      },
      ...(body !== undefined && { body }),
    };
    if (this.#current().some((policy) => policy(clientId, request))) return;
    throw new Refusal(403, { code: 'forbidden', diagnostics: 'Forbidden' });
  }

  #current(): readonly Policy[] {
    const rows = this.#store.rows('AccessPolicy').length;
    if (rows !== this.#readAt) {
      this.#readAt = rows;
      this.#policies = [...this.#store.scan('AccessPolicy')].map((row) => compile(JSON.parse(row.json) as JsonObject));
    }
    return this.#policies;
  }
}

function compile(resource: JsonObject): Policy {
  const allows = compileEngine(resource);
  const links = listAt(resource, 'link').map(linkedKey);
  if (links.length === 0) return allows;
  return (clientId, request) => links.includes(`Client/${clientId}`) && allows(clientId, request);
}

function compileEngine(resource: JsonObject): Policy {
  const pattern: Json | undefined = resource.matcho;
  switch (resource.engine) {
    case 'allow':
      return () => true;
    case 'matcho':
      return (_clientId, request) => pattern !== undefined && isObject(pattern) && matches(pattern, request);
    case 'complex':
      return compileComplex(resource);
    default:
      // The other engines (sql, json-schema, allow-rpc) are not emulated and let nobody in.
      return () => false;
  }
}

function compileComplex(resource: JsonObject): Policy {
  const parts = (key: string): Policy[] => listAt(resource, key).filter(isObject).map(compileEngine);
  const all = parts('and');
  const any = parts('or');
  return (clientId, request) =>
    all.length + any.length > 0 &&
    all.every((part) => part(clientId, request)) &&
    (any.length === 0 || any.some((part) => part(clientId, request)));
}

function linkedKey(link: Json): string {
  if (!isObject(link)) return '';
  return stringAt(link, 'reference') ?? `${stringAt(link, 'resourceType') ?? ''}/${stringAt(link, 'id') ?? ''}`;
}

/**
 * What the steps ask of a server, whatever its make: a source gives changes, a target takes transactions.
 * Aidbox is one implementation (`aidbox.ts`); plain FHIR R4 servers will be the other.
 */
import type { Json, JsonObject, Resource } from './resource.ts';

/** One row of a change feed. `resource` is whatever the server sent: nothing of it is checked yet. */
export interface FeedRow {
  readonly deleted: boolean;
  readonly resource: Json;
  /** Bytes of the page that it came in: the row has no more. */
  readonly pageBytes: number;
}

/** One page of a pinned range. */
export interface FeedPage {
  readonly rows: readonly FeedRow[];
  /** Bytes of the answer. */
  readonly bytes: number;
}

export interface PageRequest {
  readonly lo: number;
  readonly hi: number;
  /** Rows a page. */
  readonly count: number;
  /** From 1. */
  readonly page: number;
  /** Ids only: for finding out which row is too large to be sent. */
  readonly idsOnly?: boolean;
}

export type CurrentState = Resource | 'too-large' | null;

/** Where changes come from. Every method throws `ServerProblem` where the server gives no usable answer. */
export interface ChangeSource {
  /** The newest version of a type; 0 where there never was one. */
  head(type: string, signal?: AbortSignal): Promise<number>;
  page(type: string, request: PageRequest, signal?: AbortSignal): Promise<FeedPage>;
  /** How many live resources of a type there are; `undefined` where the server does not say. May take long, or be forbidden. */
  count(type: string, signal?: AbortSignal): Promise<number | undefined>;
  /** The current state of some ids: `null` where it is deleted or never was, `too-large` where no answer could hold it. */
  current(type: string, ids: readonly string[], signal?: AbortSignal): Promise<Map<string, CurrentState>>;
  /**
   * Every live resource of a type, in the states of one moment, one after the other and as fast as `each` takes them. `each`
   * must ask the same server for nothing: the answer is in flight until it has taken the last.
   */
  dump(
    type: string,
    request: DumpRequest,
    each: (resource: DumpedResource) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
}

export interface DumpRequest {
  /** Of a larger resource nothing but its id is kept. */
  readonly resourceBytesMax: number;
}

/** One resource of a dump, or what was found to be its id while it went by. Nothing of it is checked yet. */
export type DumpedResource =
  | { readonly kind: 'resource'; readonly resource: Json; readonly json: string }
  | { readonly kind: 'too-large'; readonly id: string | undefined };

/** A resource with the version that `ifMatch` needs. */
export interface Versioned {
  readonly resource: JsonObject;
  readonly etag: string;
}

/** How a target took a transaction. */
export type TransactionAnswer =
  /** `versions`: what each entry's resource has become, in their order; empty where the server does not say it. */
  | { readonly kind: 'done'; readonly versions: readonly string[] }
  /** Rolled back for this reason. `missing` names targets of references that do not exist, where the server says so. */
  | { readonly kind: 'refused'; readonly status: number; readonly missing: readonly string[] };

export interface TaggedRequest {
  readonly system: string;
  readonly code: string;
  /** Ids a page. */
  readonly count: number;
  /** From 1. */
  readonly page: number;
  /** Of these ids alone. They are ids in the target: pseudonyms, or the hub's own. */
  readonly ids?: readonly string[];
}

export interface TaggedIds {
  readonly ids: readonly string[];
  /** The version of each; empty where the server does not say it. */
  readonly versions: readonly string[];
  readonly isLast: boolean;
}

/** Where batches go. */
export interface CommitTarget {
  read(type: string, id: string, signal?: AbortSignal): Promise<Versioned | undefined>;
  /** Several resources of one type by ids of our own making. */
  readMany(type: string, ids: readonly string[], signal?: AbortSignal): Promise<Map<string, Versioned>>;
  /** Ids and versions of the live resources of a type that carry a tag, in the order of ids. Nothing else is asked for. */
  taggedIds(type: string, request: TaggedRequest, signal?: AbortSignal): Promise<TaggedIds>;
  /** How many live resources of a type carry a tag; as `count`. */
  countTagged(
    type: string,
    tag: Pick<TaggedRequest, 'system' | 'code'>,
    signal?: AbortSignal,
  ): Promise<number | undefined>;
  /** Posts a transaction Bundle given as JSON text. 400, 409, 412, 413 and 422 are answers; other failures throw. */
  transaction(bundle: Buffer, signal?: AbortSignal): Promise<TransactionAnswer>;
}

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

/** Where changes come from. Every method throws `ServerProblem` where the server gives no usable answer. */
export interface ChangeSource {
  /** The newest version of a type; 0 where there never was one. */
  head(type: string, signal?: AbortSignal): Promise<number>;
  page(type: string, request: PageRequest, signal?: AbortSignal): Promise<FeedPage>;
  /** The current state of some ids: the resource, or `null` where it is deleted or never was. */
  current(type: string, ids: readonly string[], signal?: AbortSignal): Promise<Map<string, Resource | null>>;
}

/** A resource with the version that `ifMatch` needs. */
export interface Versioned {
  readonly resource: JsonObject;
  readonly etag: string;
}

/** How a target took a transaction. */
export type TransactionAnswer =
  | { readonly kind: 'done' }
  /** Rolled back for this reason. `missing` names targets of references that do not exist, where the server says so. */
  | { readonly kind: 'refused'; readonly status: number; readonly missing: readonly string[] };

/** Where batches go. */
export interface CommitTarget {
  read(type: string, id: string, signal?: AbortSignal): Promise<Versioned | undefined>;
  /** Several resources of one type by ids of our own making. */
  readMany(type: string, ids: readonly string[], signal?: AbortSignal): Promise<Map<string, Versioned>>;
  /** Posts a transaction Bundle given as JSON text. 400, 409, 412, 413 and 422 are answers; other failures throw. */
  transaction(bundle: Buffer, signal?: AbortSignal): Promise<TransactionAnswer>;
}

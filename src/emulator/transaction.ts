import type { Json, JsonObject, Resource } from '../fhir/resource.ts';
import { isObject } from './json.ts';
import type { ResolvedOptions } from './options.ts';
import type { Store } from './store.ts';
import type { Stored, Version, View } from './types.ts';

/** Writes on top of the store that nobody else sees until the commit. */
export class Transaction implements View {
  readonly atMs: number;
  readonly #store: Store;
  readonly #options: ResolvedOptions;
  readonly #overlay = new Map<string, Stored>();
  readonly #writes: Stored[] = [];
  /** The txid of each written id's committed state when the transaction first looked; 0: there was none. */
  readonly #seen = new Map<string, { type: string; id: string; txid: number; guarded: boolean }>();
  #txid: number | undefined;
  #txidUsed = false;
  #open = true;

  constructor(store: Store, options: ResolvedOptions) {
    this.#store = store;
    this.#options = options;
    this.atMs = options.nowMs();
  }

  /** The transaction's first txid; asking for it takes it. */
  get txid(): number {
    this.#txid ??= this.#store.takeTxid();
    return this.#txid;
  }

  get hasWrites(): boolean {
    return this.#writes.length > 0;
  }

  read(type: string, id: string): Stored | undefined {
    return this.#overlay.get(`${type}/${id}`) ?? this.#store.read(type, id);
  }

  *scan(type: string): Iterable<Stored> {
    for (const stored of this.#store.scan(type)) {
      if (!this.#overlay.has(`${type}/${stored.id}`)) yield stored;
    }
    for (const stored of this.#overlay.values()) if (stored.type === type && !stored.deleted) yield stored;
  }

  /** Notes that the interaction depends on the committed state of an id (If-Match, a create), whatever the isolation. */
  guard(type: string, id: string): void {
    this.#note(type, id, true);
  }

  /** Writes a state of a resource in FHIR format; the resource itself is left as it is. */
  put(resource: Resource & { id: string }): Stored {
    const type = resource.resourceType;
    const previous = this.read(type, resource.id);
    const txid = this.#takeFor(type, resource.id);
    const createdAtMs = previous === undefined || previous.deleted ? this.atMs : previous.createdAtMs;
    const meta = this.#meta(resource.meta, txid, createdAtMs);
    const { resourceType, id, ...rest } = resource;
    const json = JSON.stringify({ resourceType, id, ...rest, meta });
    return this.#write({ txid, type, id: resource.id, deleted: false, json, atMs: this.atMs, createdAtMs });
  }

  /** Deletes a live resource; undefined when there is none. */
  delete(type: string, id: string): Stored | undefined {
    const previous = this.read(type, id);
    if (previous === undefined || previous.deleted) return undefined;
    const txid = this.#takeFor(type, id);
    const last = JSON.parse(previous.json) as JsonObject;
    const json = JSON.stringify({ ...last, meta: this.#meta(last.meta, txid, previous.createdAtMs) });
    return this.#write({ txid, type, id, deleted: true, json, atMs: this.atMs, createdAtMs: previous.createdAtMs });
  }

  /** Whether another transaction has committed a written id (or, when `serializable` is off, a guarded one) in between. */
  conflicts(serializable: boolean): boolean {
    for (const { type, id, txid, guarded } of this.#seen.values()) {
      if ((serializable || guarded) && (this.#store.read(type, id)?.txid ?? 0) !== txid) return true;
    }
    return false;
  }

  /** Keys of what this transaction leaves deleted, as `Type/id`. */
  get deletedKeys(): string[] {
    return [...this.#overlay].flatMap(([key, stored]) => (stored.deleted ? [key] : []));
  }

  /** Makes all writes visible at once. */
  commit(): Version[] {
    this.#close();
    return this.#writes.map((stored) => this.#store.append(stored));
  }

  /** Forgets all writes; their txids stay taken. */
  rollback(): void {
    this.#close();
    this.#writes.length = 0;
    this.#overlay.clear();
  }

  #close(): void {
    if (!this.#open) throw new Error('the transaction has ended');
    this.#open = false;
  }

  #write(stored: Stored): Stored {
    this.#note(stored.type, stored.id, false);
    this.#writes.push(stored);
    this.#overlay.set(`${stored.type}/${stored.id}`, stored);
    return stored;
  }

  #note(type: string, id: string, guarded: boolean): void {
    const key = `${type}/${id}`;
    const seen = this.#seen.get(key);
    if (seen === undefined) this.#seen.set(key, { type, id, txid: this.#store.read(type, id)?.txid ?? 0, guarded });
    else if (guarded) seen.guarded = true;
  }

  #takeFor(type: string, id: string): number {
    if (!this.#open) throw new Error('the transaction has ended');
    if (!this.#txidUsed) {
      this.#txidUsed = true;
      return this.txid;
    }
    // (id, txid) is the key of Aidbox's history tables, so that a second version of an id cannot share the first one's.
    const shared = this.#options.txidPer === 'transaction' && !this.#overlay.has(`${type}/${id}`);
    return shared ? this.txid : this.#store.takeTxid();
  }

  #meta(given: Json | undefined, txid: number, createdAtMs: number): JsonObject {
    const meta: JsonObject = isObject(given) ? { ...given } : {};
    delete meta.createdAt;
    meta.versionId = String(txid);
    meta.lastUpdated = new Date(this.atMs).toISOString();
    const url = this.#options.createdAtUrl;
    if (url === '') return meta;
    const others = Array.isArray(meta.extension)
      ? meta.extension.filter((extension) => !isObject(extension) || extension.url !== url)
      : [];
    meta.extension = [...others, { url, valueInstant: new Date(createdAtMs).toISOString() }];
    return meta;
  }
}

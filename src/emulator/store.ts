import type { ChangeEvent, Stored, Version, View } from './types.ts';

interface TypeTable {
  /** All committed versions by txid: what `$changes` reads. */
  readonly rows: Version[];
  /** The versions of each id in the order of their commits; the last is the current state. */
  readonly byId: Map<string, Version[]>;
}

const none: readonly Version[] = [];

/** Index of the first row with a txid greater than the given one. */
export function firstAfter(rows: readonly Version[], txid: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.txid ?? Infinity) > txid) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * All committed versions, in memory. One txid sequence serves all types, as Aidbox's does, so that the versions of one
 * type have gaps.
 */
export class Store implements View {
  readonly #tables = new Map<string, TypeTable>();
  readonly #recreatedEvent: 'created' | 'updated';
  #nextTxid: number;
  #versionCount = 0;

  constructor(firstTxid = 1, recreatedEvent: 'created' | 'updated' = 'created') {
    this.#nextTxid = firstTxid;
    this.#recreatedEvent = recreatedEvent;
  }

  /** Takes the next value of the global sequence; like a database's sequence it never gives one back. */
  takeTxid(): number {
    const txid = this.#nextTxid;
    this.#nextTxid += 1;
    return txid;
  }

  /** Number of versions held. */
  get versionCount(): number {
    return this.#versionCount;
  }

  /** Names of the types that ever had a row. */
  get types(): string[] {
    return [...this.#tables.keys()];
  }

  read(type: string, id: string): Version | undefined {
    return this.#tables.get(type)?.byId.get(id)?.at(-1);
  }

  *scan(type: string): Iterable<Version> {
    for (const versions of this.#tables.get(type)?.byId.values() ?? []) {
      const current = versions.at(-1);
      if (current !== undefined && !current.deleted) yield current;
    }
  }

  /** All versions of a type by txid. */
  rows(type: string): readonly Version[] {
    return this.#tables.get(type)?.rows ?? none;
  }

  /** All versions of one id in the order of their commits. */
  versions(type: string, id: string): readonly Version[] {
    return this.#tables.get(type)?.byId.get(id) ?? none;
  }

  /** The newest committed txid of a type. */
  head(type: string): number | undefined {
    return this.#tables.get(type)?.rows.at(-1)?.txid;
  }

  /** Live resources of a type. */
  count(type: string): number {
    let count = 0;
    for (const versions of this.#tables.get(type)?.byId.values() ?? [])
      if (versions.at(-1)?.deleted === false) count += 1;
    return count;
  }

  /** Makes a written state visible; a late one takes its place by txid among the rows. */
  append(stored: Stored): Version {
    const table = this.#table(stored.type);
    const versions = table.byId.get(stored.id);
    const version: Version = { ...stored, event: this.#event(stored, versions?.at(-1)) };
    if (versions === undefined) table.byId.set(stored.id, [version]);
    else versions.push(version);
    const last = table.rows.at(-1);
    if (last === undefined || last.txid <= version.txid) table.rows.push(version);
    else table.rows.splice(firstAfter(table.rows, version.txid), 0, version);
    this.#versionCount += 1;
    return version;
  }

  /** Removes every version of an id, so that no feed shows that it ever was there: what Aidbox's `$purge` does. */
  purge(type: string, id: string): void {
    const table = this.#tables.get(type);
    const versions = table?.byId.get(id);
    if (table === undefined || versions === undefined) return;
    table.byId.delete(id);
    const kept = table.rows.filter((row) => row.id !== id);
    table.rows.splice(0, table.rows.length, ...kept);
    this.#versionCount -= versions.length;
  }

  /** Takes an id out of every feed, its state staying as it is: what raw SQL, or a bulk load without `update`, writes. */
  hide(type: string, id: string): void {
    const table = this.#tables.get(type);
    if (table === undefined) return;
    const kept = table.rows.filter((row) => row.id !== id);
    table.rows.splice(0, table.rows.length, ...kept);
  }

  /** Puts other content into an id's current state without a new version: what raw SQL does. */
  alter(type: string, id: string, change: (json: string) => string): void {
    const table = this.#tables.get(type);
    const current = table?.byId.get(id)?.pop();
    if (table === undefined || current === undefined) return;
    const altered: Version = { ...current, json: change(current.json) };
    table.byId.get(id)?.push(altered);
    const at = table.rows.indexOf(current);
    if (at !== -1) table.rows[at] = altered;
  }

  #event(stored: Stored, previous: Version | undefined): ChangeEvent {
    if (stored.deleted) return 'deleted';
    if (previous === undefined) return 'created';
    return previous.deleted ? this.#recreatedEvent : 'updated';
  }

  #table(type: string): TypeTable {
    let table = this.#tables.get(type);
    if (table === undefined) {
      table = { rows: [], byId: new Map() };
      this.#tables.set(type, table);
    }
    return table;
  }
}

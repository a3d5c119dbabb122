/**
 * A bounded memo in two generations: what is asked often stays, what is not asked for one generation goes.
 * Two maps and no list of uses: a look-up costs one or two hash look-ups, and nothing is ever evicted one by one.
 */
export class RecentMemo<V> {
  readonly #entriesPerGeneration: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(entriesPerGeneration: number) {
    this.#entriesPerGeneration = entriesPerGeneration;
  }

  get(key: string): V | undefined {
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#entriesPerGeneration) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Entries held now: never more than twice the entries of a generation. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

/** Bounded memos: what was found out of a text once need not be found out again. */

/**
 * A memo in two generations: what is asked often stays, what is not asked for one generation goes. For keys that seldom
 * follow each other, such as ids: of all else a {@link RecentMemo} is quicker.
 */
export class GenerationMemo<V> {
  readonly #entriesPerGeneration: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(entriesPerGeneration: number) {
    this.#entriesPerGeneration = entriesPerGeneration;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  /** Says whether a generation has gone with it. */
  set(key: string, value: V): boolean {
    const isFull = this.#young.size >= this.#entriesPerGeneration;
    if (isFull) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return isFull;
  }

  /** Entries held by the two generations: never more than twice the entries of one. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

/**
 * A small table by a cheap mark of the key, where one key takes another's place: the same displays and patients are asked
 * for over and over, and comparing two texts costs less than hashing one that has just been parsed.
 */
export class FrontMemo<V> {
  readonly #keys: string[];
  readonly #values: (V | undefined)[];
  readonly #mask: number;

  /** `slots`: a power of two. */
  constructor(slots: number) {
    this.#keys = new Array<string>(slots).fill('');
    this.#values = new Array<V | undefined>(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  get(key: string): V | undefined {
    const slot = markOf(key) & this.#mask;
    return this.#keys[slot] === key ? this.#values[slot] : undefined;
  }

  set(key: string, value: V): void {
    const slot = markOf(key) & this.#mask;
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  clear(): void {
    this.#keys.fill('');
    this.#values.fill(undefined);
  }
}

/** Two generations behind a table. */
export class RecentMemo<V> {
  readonly #front = new FrontMemo<V>(frontSlots);
  readonly #generations: GenerationMemo<V>;

  constructor(entriesPerGeneration: number) {
    this.#generations = new GenerationMemo<V>(entriesPerGeneration);
  }

  get(key: string): V | undefined {
    const near = this.#front.get(key);
    if (near !== undefined) return near;
    const known = this.#generations.get(key);
    if (known !== undefined) this.#front.set(key, known);
    return known;
  }

  set(key: string, value: V): void {
    // What a generation has dropped must not be held by the table.
    if (this.#generations.set(key, value)) this.#front.clear();
    this.#front.set(key, value);
  }

  /** As {@link GenerationMemo.size}. */
  get size(): number {
    return this.#generations.size;
  }
}

const frontSlots = 2048;

/**
 * Cheap, and enough to tell most texts of a batch apart: the length, and letters from its end, middle and between. The last
 * ones are those that tell ids apart; a digit of a UUID has four bits, so it takes some of them.
 */
function markOf(key: string): number {
  const { length } = key;
  if (length < 4) return length === 0 ? 0 : key.charCodeAt(length - 1);
  const end = (key.charCodeAt(length - 1) * 31 + key.charCodeAt(length - 2)) * 31 + key.charCodeAt(length - 3);
  const middle = key.charCodeAt(length >> 1) * 31 + key.charCodeAt(length - 1 - (length >> 2));
  const mark = Math.imul(end, 0x9e3779b1) ^ Math.imul(middle * 31 + key.charCodeAt(length >> 2) + length, 0x85ebca6b);
  return mark >>> 8;
}

/**
 * A bounded memo in two generations: what is asked often stays, what is not asked for one generation goes.
 * In front of its two maps stands a small table by a cheap mark of the key: the same displays and patients are asked for
 * over and over, and comparing two texts costs less than hashing one that has just been parsed.
 */
export class RecentMemo<V> {
  readonly #entriesPerGeneration: number;
  readonly #frontKeys = new Array<string>(frontSlots).fill('');
  readonly #frontValues = new Array<V | undefined>(frontSlots).fill(undefined);
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(entriesPerGeneration: number) {
    this.#entriesPerGeneration = entriesPerGeneration;
  }

  get(key: string): V | undefined {
    const slot = slotOf(key);
    if (this.#frontKeys[slot] === key) return this.#frontValues[slot];
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#frontKeys[slot] = key;
      this.#frontValues[slot] = young;
      return young;
    }
    const older = this.#old.get(key);
    if (older === undefined) return undefined;
    this.set(key, older);
    return older;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#entriesPerGeneration) {
      this.#old = this.#young;
      this.#young = new Map();
      // What a generation has dropped must not be held by the front.
      this.#frontKeys.fill('');
      this.#frontValues.fill(undefined);
    }
    this.#young.set(key, value);
    const slot = slotOf(key);
    this.#frontKeys[slot] = key;
    this.#frontValues[slot] = value;
  }

  /** Entries held by the two generations: never more than twice the entries of one. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

const frontSlots = 2048;

/** Cheap, and enough to tell most texts of a batch apart: the length, and letters from its end, middle and between. */
function slotOf(key: string): number {
  const { length } = key;
  if (length === 0) return 0;
  const last = key.charCodeAt(length - 1);
  const near = key.charCodeAt(length - 1 - (length >> 2));
  const middle = key.charCodeAt(length >> 1);
  const early = key.charCodeAt(length >> 2);
  return (length * 37 + last * 1031 + near * 101 + middle * 257 + early * 17) & (frontSlots - 1);
}

/**
 * The words that rules removed, by patient, from all of the input: hashes alone. Gathered in the main thread during the first
 * reading, then laid out in shared memory, so that every thread looks them up in the same bytes.
 */

/** Words of some patients; each list ascending and without repeats. */
export type PatientWords = readonly (readonly [patient: string, words: readonly number[]])[];

/** Ascending, each once. */
export const ascending = (words: Iterable<number>): number[] => [...new Set(words)].sort((one, other) => one - other);

/** Words as they come in. */
export class WordStore {
  readonly #byPatient = new Map<string, readonly number[]>();

  add(found: PatientWords): void {
    for (const [patient, words] of found) {
      if (words.length === 0) continue;
      const known = this.#byPatient.get(patient);
      this.#byPatient.set(patient, known === undefined ? words : union(known, words));
    }
  }

  share(): SharedWords {
    const patients = [...this.#byPatient.keys()].sort();
    const count = patients.reduce((sum, patient) => sum + (this.#byPatient.get(patient)?.length ?? 0), 0);
    const names = new SharedArrayBuffer(patients.length * nameBytes);
    const starts = new Uint32Array(new SharedArrayBuffer((patients.length + 1) * 4));
    const words = new Float64Array(new SharedArrayBuffer(count * 8));
    const view = Buffer.from(names);
    let at = 0;
    for (const [index, patient] of patients.entries()) {
      view.write(patient.slice(0, nameBytes).padEnd(nameBytes), index * nameBytes, 'latin1');
      starts[index] = at;
      words.set(this.#byPatient.get(patient) ?? [], at);
      at += this.#byPatient.get(patient)?.length ?? 0;
    }
    starts[patients.length] = at;
    this.#byPatient.clear();
    return { names, starts, words };
  }
}

/** Patients are hex; a longer name is cut, and shares words with whoever begins likewise. */
const nameBytes = 64;

/** Can be handed to threads without a copy. */
export interface SharedWords {
  readonly names: SharedArrayBuffer;
  readonly starts: Uint32Array;
  readonly words: Float64Array;
}

const rememberedMax = 512;

/** Looks words up, and remembers the patients of late: their resources mostly stand together. */
export function wordsOf({ names, starts, words }: SharedWords): (patient: string) => ReadonlySet<number> {
  const view = Buffer.from(names);
  const nameAt = (index: number): string => view.toString('latin1', index * nameBytes, (index + 1) * nameBytes);
  const find = (name: string): number | undefined => {
    let [low, high] = [0, starts.length - 2];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = nameAt(middle);
      if (found === name) return middle;
      if (found < name) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  };
  const remembered = new Map<string, ReadonlySet<number>>();
  return (patient) => {
    const known = remembered.get(patient);
    if (known !== undefined) return known;
    const index = find(patient.slice(0, nameBytes).padEnd(nameBytes));
    const found = new Set(index === undefined ? [] : words.subarray(starts[index], starts[index + 1]));
    if (remembered.size >= rememberedMax) remembered.clear();
    remembered.set(patient, found);
    return found;
  };
}

function union(one: readonly number[], other: readonly number[]): readonly number[] {
  const out: number[] = [];
  let [left, right] = [0, 0];
  for (;;) {
    const [a, b] = [one[left], other[right]];
    const next = a === undefined ? b : b === undefined ? a : Math.min(a, b);
    if (next === undefined) break;
    out.push(next);
    if (a === next) left += 1;
    if (b === next) right += 1;
  }
  return out.length === one.length ? one : out;
}

/**
 * What two policies make different of the same data, by path: leaves that one removes and the other does not, and leaves
 * that become something else. Compares the outputs of the engine itself; counts and paths, no values.
 */
import { hash } from 'node:crypto';

import type { Json } from '../../fhir/resource.ts';
import type { CompiledPolicy } from '../compiled.ts';
import { deidentify } from '../deidentify.ts';
import { maxDepthLevels, tagSystems } from '../engine.ts';
import type { DeidKeys, Deidentified, WithheldReason } from '../engine.ts';
import { labelSystem } from '../walk/labels.ts';
import { keyName, urlName } from './name.ts';

export interface PathChange {
  readonly path: string;
  /** Leaves that the old policy lets through in some form, and the new one does not. */
  readonly removed: number;
  readonly added: number;
  /** Leaves that are there under both, and differ. */
  readonly changed: number;
}

export interface ChangesResult {
  readonly resources: number;
  /** Resources whose output differs in anything. */
  readonly differing: number;
  readonly paths: readonly PathChange[];
  /** Resources that one of the two withholds and the other does not, or for another reason; `passes` for none. */
  readonly withheld: readonly { readonly before: Fate; readonly after: Fate; readonly resources: number }[];
  /** There was more than is listed. */
  readonly isCut: boolean;
}

export type Fate = WithheldReason | 'passes';

/** A resource's leaves: for each path how often each value stands there. */
type Leaves = Map<string, Map<string, number>>;

const namesMax = 20_000;
const labels = /^[A-Za-z]+\.meta\.security$/;

export class Changes {
  readonly #before: CompiledPolicy;
  readonly #after: CompiledPolicy;
  readonly #keys: DeidKeys;
  readonly #asOf: Date;
  #resources = 0;
  #differing = 0;
  #isCut = false;
  readonly #paths = new Map<string, { removed: number; added: number; changed: number }>();
  readonly #withheld = new Map<string, { before: Fate; after: Fate; resources: number }>();

  constructor(before: CompiledPolicy, after: CompiledPolicy, keys: DeidKeys, asOf: Date) {
    this.#before = before;
    this.#after = after;
    this.#keys = keys;
    this.#asOf = asOf;
  }

  add(value: unknown): void {
    this.#resources += 1;
    const before = deidentify(value, this.#before, this.#keys, this.#asOf);
    const after = deidentify(value, this.#after, this.#keys, this.#asOf);
    const [fateBefore, fateAfter] = [fateOf(before), fateOf(after)];
    if (fateBefore !== fateAfter) {
      const key = `${fateBefore} ${fateAfter}`;
      const known = this.#withheld.get(key);
      if (known !== undefined) known.resources += 1;
      else this.#withheld.set(key, { before: fateBefore, after: fateAfter, resources: 1 });
    }
    if (this.#compare(leavesOf(before), leavesOf(after)) || fateBefore !== fateAfter) this.#differing += 1;
  }

  result(): ChangesResult {
    const weight = ({ removed, added, changed }: PathChange): number => removed + added + changed;
    return {
      resources: this.#resources,
      differing: this.#differing,
      paths: [...this.#paths]
        .map(([path, counts]) => ({ path, ...counts }))
        .toSorted((one, other) => weight(other) - weight(one) || (one.path < other.path ? -1 : 1)),
      withheld: [...this.#withheld.values()].toSorted((one, other) => other.resources - one.resources),
      isCut: this.#isCut,
    };
  }

  #compare(before: Leaves, after: Leaves): boolean {
    let differ = false;
    for (const path of new Set([...before.keys(), ...after.keys()])) {
      const [gone, fresh] = surplus(before.get(path), after.get(path));
      if (gone + fresh === 0) continue;
      differ = true;
      const changed = Math.min(gone, fresh);
      this.#count(path, { removed: gone - changed, added: fresh - changed, changed });
    }
    return differ;
  }

  #count(path: string, { removed, added, changed }: Omit<PathChange, 'path'>): void {
    let counts = this.#paths.get(path);
    if (counts === undefined) {
      if (this.#paths.size >= namesMax) {
        this.#isCut = true;
        return;
      }
      this.#paths.set(path, (counts = { removed: 0, added: 0, changed: 0 }));
    }
    counts.removed += removed;
    counts.added += added;
    counts.changed += changed;
  }
}

const fateOf = (result: Deidentified): Fate => (result.kind === 'withheld' ? result.reason : 'passes');

/** How many values stand in one and not in the other, both ways. */
function surplus(
  before: ReadonlyMap<string, number> = new Map(),
  after: ReadonlyMap<string, number> = new Map(),
): [gone: number, fresh: number] {
  let [gone, fresh] = [0, 0];
  for (const value of new Set([...before.keys(), ...after.keys()])) {
    const difference = (before.get(value) ?? 0) - (after.get(value) ?? 0);
    if (difference > 0) gone += difference;
    else fresh -= difference;
  }
  return [gone, fresh];
}

function leavesOf(result: Deidentified): Leaves {
  const leaves: Leaves = new Map();
  if (result.kind === 'resource') collect(result.resource, '', leaves, 0);
  return leaves;
}

function collect(value: Json, path: string, leaves: Leaves, depth: number): void {
  if (depth > maxDepthLevels) return;
  if (Array.isArray(value)) {
    for (const member of value) collect(member, path, leaves, depth + 1);
  } else if (typeof value === 'object' && value !== null) {
    // The tag that tells policies apart always differs, and labels say what the other paths show.
    if (value.system === tagSystems.policy || (value.system === labelSystem && labels.test(path))) return;
    const own = typeof value.resourceType === 'string' ? keyName(value.resourceType) : path;
    for (const [key, member] of Object.entries(value)) {
      const isExtension = key === 'extension' || key === 'modifierExtension';
      if (!isExtension || !Array.isArray(member)) collect(member, `${own}.${keyName(key)}`, leaves, depth + 1);
      else {
        for (const one of member) {
          const url = typeof one === 'object' && one !== null && !Array.isArray(one) ? one.url : undefined;
          collect(one, `${own}.${key}('${urlName(url, own)}')`, leaves, depth + 2);
        }
      }
    }
  } else if (value !== null) {
    let values = leaves.get(path);
    if (values === undefined) leaves.set(path, (values = new Map<string, number>()));
    const text = JSON.stringify(value);
    const held = text.length > 100 ? hash('sha256', text) : text;
    values.set(held, (values.get(held) ?? 0) + 1);
  }
}

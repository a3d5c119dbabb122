/**
 * What of given data no rule names: paths, extensions, attributes and types that the policy's author has not thought of,
 * with how often they were met. Counts and names of the model, no values.
 */
import type { CompiledPolicy } from '../compiled.ts';
import { modes } from '../plan/child.ts';
import { visitLeaves } from './leaves.ts';
import type { Leaf, MetExtension } from './leaves.ts';

export interface UnnamedPath {
  readonly path: string;
  readonly leaves: number;
  /** What the default does with it. */
  readonly outcome: 'kept' | 'removed';
  /** Whether R4 has no such element. */
  readonly isUnknown: boolean;
}

export interface UnnamedExtension {
  readonly url: string;
  readonly count: number;
  readonly isModifier: boolean;
  readonly outcome: 'kept' | 'removed' | 'withheld';
  /** Elements that it stood in, at most ten. */
  readonly paths: readonly string[];
}

export interface CoverageResult {
  readonly resources: number;
  readonly leaves: number;
  /** Leaves that a rule names, or that the engine treats in one way whatever the policy says. */
  readonly named: number;
  /** What R4 has first, then attributes that it does not have; each by count. */
  readonly paths: readonly UnnamedPath[];
  readonly extensions: readonly UnnamedExtension[];
  readonly types: readonly { readonly type: string; readonly resources: number }[];
  /** There was more than is listed. */
  readonly isCut: boolean;
}

/** Names come from the data: beyond so many they are only counted. */
const namesMax = 20_000;
const pathsOfExtensionMax = 10;

/** What no rule decides on. */
const always: ReadonlySet<number> = new Set([modes.type, modes.id, modes.meta, modes.fullUrl, modes.requestUrl]);

export class Coverage {
  readonly #policy: CompiledPolicy;
  #resources = 0;
  #leaves = 0;
  #named = 0;
  #isCut = false;
  readonly #paths = new Map<string, { -readonly [key in keyof UnnamedPath]: UnnamedPath[key] }>();
  readonly #extensions = new Map<string, { extension: MetExtension; count: number; paths: Set<string> }>();
  readonly #types = new Map<string, number>();

  constructor(policy: CompiledPolicy) {
    this.#policy = policy;
  }

  add(value: unknown): void {
    this.#resources += 1;
    visitLeaves(value, this.#policy, {
      leaf: (leaf) => {
        this.#leaf(leaf);
      },
      extension: (extension) => {
        this.#extension(extension);
      },
      unknownType: (type) => {
        if (this.#hasRoom(this.#types, type)) this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
      },
    });
  }

  result(): CoverageResult {
    const byCount = <One extends { leaves: number; path: string }>(one: One, other: One): number =>
      other.leaves - one.leaves || (one.path < other.path ? -1 : 1);
    const paths = [...this.#paths.values()];
    return {
      resources: this.#resources,
      leaves: this.#leaves,
      named: this.#named,
      paths: [
        ...paths.filter(({ isUnknown }) => !isUnknown).toSorted(byCount),
        ...paths.filter(({ isUnknown }) => isUnknown).toSorted(byCount),
      ],
      extensions: [...this.#extensions.values()]
        .toSorted((one, other) => other.count - one.count || (one.extension.url < other.extension.url ? -1 : 1))
        .map(({ extension: { url, isModifier, rule }, count, paths: found }) => {
          return { url, count, isModifier, outcome: this.#extensionOutcome(rule), paths: [...found].toSorted() };
        }),
      types: [...this.#types].map(([type, resources]) => ({ type, resources })),
      isCut: this.#isCut,
    };
  }

  #leaf({ path, rule, mode, isUnknown }: Leaf): void {
    this.#leaves += 1;
    const { keep, extensionDrop } = this.#policy.fallbacks;
    if (rule < keep || always.has(mode)) {
      this.#named += 1;
      return;
    }
    // Listed once, by the extension's url.
    if (rule >= extensionDrop) return;
    const known = this.#paths.get(path);
    if (known !== undefined) known.leaves += 1;
    else if (this.#hasRoom(this.#paths, path)) {
      this.#paths.set(path, { path, leaves: 1, outcome: rule === keep ? 'kept' : 'removed', isUnknown });
    }
  }

  #extension(extension: MetExtension): void {
    if (extension.isKnown) return;
    const key = `${extension.isModifier ? 'modifier ' : ''}${extension.url}`;
    const known = this.#extensions.get(key);
    if (known === undefined) {
      if (!this.#hasRoom(this.#extensions, key)) return;
      this.#extensions.set(key, { extension, count: 1, paths: new Set([extension.path]) });
      return;
    }
    known.count += 1;
    if (known.paths.size < pathsOfExtensionMax) known.paths.add(extension.path);
  }

  #extensionOutcome(rule: number): UnnamedExtension['outcome'] {
    const { extensionWithhold, extensionKeep, keep } = this.#policy.fallbacks;
    if (rule === extensionWithhold) return 'withheld';
    return rule === extensionKeep || rule === keep ? 'kept' : 'removed';
  }

  #hasRoom(names: ReadonlyMap<string, unknown>, name: string): boolean {
    const has = names.has(name) || names.size < namesMax;
    if (!has) this.#isCut = true;
    return has;
  }
}

/**
 * How far each rule's path reaches at a node, as FHIRPath reads: one row of a table for each node, one cell for each step
 * of each rule, filled from the row of the node above. No positions, no sharing between rules, nothing clever.
 */
import type { Condition, Step } from '../path/path.ts';
import { r4Type } from '../r4/model.ts';
import { both, either, maybe, no, yes } from './json.ts';
import type { Taker, Truth } from './json.ts';

/** A node as a step sees it. */
export interface NodeShape {
  /** FHIRPath's name and the JSON key, without `_`. */
  readonly names: readonly string[];
  /** R4's type; empty where R4 has none. */
  readonly type: string;
  /** A type that it may have had in the source, where its shape no longer tells; empty where there is none. */
  readonly maybeType: string;
}

/** A rule's path, ready to be followed. */
export interface FollowedPath {
  readonly rule: number;
  /** Resource type, `DomainResource`, or undefined for every type. */
  readonly root: string | undefined;
  readonly steps: readonly Step[];
  /** Whether something may pass where the rule decides. */
  readonly passes: boolean;
  /** Whether the rule was written for what R4 does not have. */
  readonly isCustom: boolean;
  /** False for paths that stand for an expression which names no more than they do. */
  readonly isExact: boolean;
  /** True for expressions of which nobody can tell what they name: it may be any node. */
  readonly isAnywhere: boolean;
  /** Whether it leads to elements' ids on purpose. */
  readonly namesId: boolean;
}

/** One row: for each path the cells of its steps, 0 to all of them. */
export interface Progress {
  /** How surely this very node is what the steps before this cell lead to. */
  readonly reached: Uint8Array;
  /** The same for this node or one above it: where searches start. */
  readonly begun: Uint8Array;
}

interface Laid extends FollowedPath {
  readonly offset: number;
  /** For each step the numbers of its conditions. */
  readonly conditions: readonly (readonly number[])[];
}

const isSearch = (step: Step | undefined): boolean => step?.kind === 'byType' || step?.kind === 'byName';

/** The paths of one policy that may start at resources of one type. */
export class Paths {
  /** Every condition that some step has, once. */
  readonly conditions: readonly Condition[];
  readonly #paths: readonly Laid[];
  readonly #cells: number;
  /** Every name that some step has. */
  readonly #names: ReadonlySet<string>;

  constructor(type: string, paths: readonly FollowedPath[]) {
    const known = new Map<string, number>();
    const conditions: Condition[] = [];
    const numberOf = (condition: Condition): number => {
      const name = JSON.stringify([condition.path, condition.equals, condition.among !== undefined]);
      const number = known.get(name) ?? conditions.push(condition) - 1;
      known.set(name, number);
      return number;
    };
    let offset = 0;
    const laid: Laid[] = [];
    for (const path of paths.filter(({ root }) => startsAt(root, type))) {
      laid.push({ ...path, offset, conditions: path.steps.map((step) => conditionsOf(step).map(numberOf)) });
      offset += path.steps.length + 1;
    }
    this.#paths = laid;
    const steps = laid.flatMap((path) => path.steps);
    this.#names = new Set(steps.flatMap((step) => ('name' in step ? [step.name] : [])));
    this.#cells = offset;
    this.conditions = conditions;
  }

  /** Whether some rule has this name in its path. */
  names(name: string): boolean {
    return this.#names.has(name);
  }

  /** The row of a node below that of `above`; of the resource itself where there is none above. */
  row(above: Progress | undefined, node: NodeShape, truths: readonly Truth[] | undefined): Progress {
    const reached = new Uint8Array(this.#cells);
    for (const { offset, steps, conditions, isAnywhere } of this.#paths) {
      if (above === undefined) reached[offset] = yes;
      else if (isAnywhere) reached[offset] = both(maybe, (above.begun[offset] ?? no) as Truth);
      for (const [index, step] of steps.entries()) {
        let cell = both(this.#comesFrom(above, reached, offset + index, step), matches(step, node));
        for (const condition of conditions[index] ?? []) cell = both(cell, truths?.[condition] ?? maybe);
        reached[offset + index + 1] = cell;
      }
    }
    const begun =
      above === undefined ? reached.slice() : reached.map((cell, at) => Math.max(cell, above.begun[at] ?? 0));
    return { reached, begun };
  }

  /** A search starts at the node itself or anywhere above; every other step at the node right above. */
  #comesFrom(above: Progress | undefined, reached: Uint8Array, cell: number, step: Step): Truth {
    if (!isSearch(step)) return (above?.reached[cell] ?? no) as Truth;
    return Math.max(reached[cell] ?? no, above?.begun[cell] ?? no) as Truth;
  }

  /** Numbers of the conditions that some path asks of this node, given that it has come so far. */
  asked(above: Progress | undefined, node: NodeShape): readonly number[] {
    const open = this.row(above, node, undefined);
    const asked = new Set<number>();
    for (const { offset, steps, conditions } of this.#paths) {
      for (const [index] of steps.entries()) {
        if ((open.reached[offset + index + 1] ?? no) > no)
          for (const number of conditions[index] ?? []) asked.add(number);
      }
    }
    return [...asked].sort((a, b) => a - b);
  }

  /** The rules whose path ends at the node. */
  ends({ reached }: Progress): Taker[] {
    return this.#paths.flatMap(({ rule, offset, steps, isExact }): Taker[] => {
      const cell = reached[offset + steps.length] ?? no;
      return cell === no ? [] : [{ rule, isSure: cell === yes && isExact }];
    });
  }

  /** Whether the rule's path leads to elements' ids on purpose. */
  readonly namesId = (rule: number): boolean => this.#paths.some((path) => path.rule === rule && path.namesId);

  /**
   * Whether the path of some rule that lets something pass goes on below the node by a name, and not by a search through
   * everything; `url` tells nothing.
   */
  goesOn(progress: Progress): Truth {
    return this.#paths.reduce((found: Truth, path) => either(found, goesOnBy(path, progress)), no);
  }

  /**
   * The row of an extension that is known by its parts alone: no search of a rule that lets something pass goes on below it,
   * but for those that lead to a part of it.
   */
  withoutPassingSearches(progress: Progress): Progress {
    const stopped = progress.begun.slice();
    for (const path of this.#paths) {
      const { offset, steps, passes, isAnywhere } = path;
      if (!passes || leadsIntoExtensions(path) || goesOnBy(path, progress) > no) continue;
      if (isAnywhere) stopped[offset] = no;
      for (const [index, step] of steps.entries()) if (isSearch(step)) stopped[offset + index] = no;
    }
    return { reached: progress.reached, begun: stopped };
  }

  /** The row without the rules that let something pass and were not written for what R4 does not have. */
  ofCustomRules({ reached, begun }: Progress): Progress {
    const [here, above] = [reached.slice(), begun.slice()];
    for (const { offset, steps, passes, isCustom } of this.#paths) {
      if (!passes || isCustom) continue;
      here.fill(no, offset, offset + steps.length + 1);
      above.fill(no, offset, offset + steps.length + 1);
    }
    return { reached: here, begun: above };
  }
}

function goesOnBy({ offset, steps, passes, isExact }: Laid, { reached }: Progress): Truth {
  if (!passes) return no;
  let found: Truth = no;
  for (const [index, step] of steps.entries()) {
    const isNamed = step.kind === 'extension' || (step.kind === 'name' && step.name !== 'url');
    if (index > 0 && isNamed) found = either(found, (reached[offset + index] ?? no) as Truth);
  }
  return isExact ? found : both(found, maybe);
}

/** An expression that searches for extensions has them in mind wherever they stand. */
function leadsIntoExtensions({ steps: [first], isExact }: Laid): boolean {
  if (isExact || first === undefined) return false;
  if (first.kind === 'byType') return first.type === 'Extension';
  return first.kind === 'byName' && (first.name === 'extension' || first.name === 'modifierExtension');
}

const conditionsOf = (step: Step): Condition[] => [
  ...(step.where === undefined ? [] : [step.where]),
  ...(step.kind === 'extension' ? [{ path: ['url'], equals: step.url }] : []),
];

function startsAt(root: string | undefined, type: string): boolean {
  return root === undefined || root === type || (root === 'DomainResource' && r4Type(type)?.base === 'DomainResource');
}

/** Whether the node is what a step names, conditions aside. */
function matches(step: Step, { names, type, maybeType }: NodeShape): Truth {
  const isOfType = (wanted: string): Truth => (wanted === type ? yes : wanted === maybeType ? maybe : no);
  switch (step.kind) {
    case 'byType':
      return isOfType(step.type);
    case 'byName':
      return names.includes(step.name) ? yes : no;
    case 'extension':
      return names.includes('extension') ? yes : no;
    case 'name':
      if (!names.includes(step.name)) return no;
      return step.choice === undefined ? yes : isOfType(step.choice);
  }
}

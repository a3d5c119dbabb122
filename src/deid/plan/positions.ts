/**
 * How far each rule's path has been followed at a node of a resource: pure bookkeeping over the rules' steps. A position
 * is one whole number, rule and step together, so that a set of them makes a key.
 */
import type { Condition, Step } from '../path/path.ts';
import { r4Type } from '../r4/model.ts';
import { noRule, planSteps } from './rules.ts';
import type { CompiledRule } from './rules.ts';

/** More steps than any path of 500 characters has. */
const stepsMax = 256;

/** A node as steps see it. */
export interface NodeShape {
  /** FHIRPath's name of the element; empty for a resource itself. */
  readonly name: string;
  /** The JSON key, without `_`. */
  readonly key: string;
  /** Its R4 type; empty where R4 has none. */
  readonly type: string;
}

/** A rule that has come to a node if conditions on the node hold. */
export interface Pending {
  readonly conditions: readonly Condition[];
  readonly rule: number;
  readonly step: number;
}

/** What the rules say at one node. */
export interface Arrival {
  /** The first rule whose path ends here, conditions aside. */
  readonly ends: number;
  /** All rules whose path ends here, in no order. */
  readonly ended: readonly number[];
  /** Positions that wait for a node below, in ascending order. */
  readonly positions: readonly number[];
  readonly pending: readonly Pending[];
}

export const ruleAt = (position: number): number => Math.floor(position / stepsMax);
export const stepAt = (position: number): number => position % stepsMax;

/** Follows the paths of one policy. */
export class Positions {
  readonly #steps: readonly (readonly Step[] | undefined)[];
  readonly #roots: readonly (string | undefined)[];

  constructor(rules: readonly CompiledRule[], fallbackCount: number) {
    const own = rules.slice(0, rules.length - fallbackCount);
    this.#steps = own.map(planSteps);
    this.#roots = own.map(({ path }) => path.root);
  }

  /** The step that a position waits to take. */
  stepOf(position: number): Step | undefined {
    return this.#steps[ruleAt(position)]?.[stepAt(position)];
  }

  /** Whether a rule's path may start at resources of this type. */
  static startsAt(root: string | undefined, type: string): boolean {
    if (root === undefined || root === type) return true;
    return root === 'DomainResource' && r4Type(type)?.base === 'DomainResource';
  }

  /** At a resource: the rules whose paths start here. `outer`: what has come to this place from the container. */
  resource(type: string, outer: Arrival | undefined): Arrival {
    const found = new Found(this.#steps, { name: '', key: '', type });
    if (outer !== undefined) {
      for (const rule of outer.ended) found.end(rule);
      found.pending.push(...outer.pending);
    }
    for (const [rule, steps] of this.#steps.entries()) {
      if (steps !== undefined && Positions.startsAt(this.#roots[rule], type)) found.settle(rule, 0);
    }
    return found.arrival();
  }

  /** At a node below one at which `positions` wait. */
  below(positions: readonly number[], node: NodeShape): Arrival {
    const found = new Found(this.#steps, node);
    for (const position of positions) {
      const step = this.stepOf(position);
      if (step === undefined) continue;
      // A search for a type or name goes on below, whether or not it has found something here.
      if (step.kind === 'byType' || step.kind === 'byName') found.positions.add(position);
      found.take(ruleAt(position), stepAt(position));
    }
    return found.arrival();
  }

  /** The node again, now that these pending rules are known to have come to it. */
  resolve(arrival: Arrival, node: NodeShape, held: readonly Pending[]): Arrival {
    const found = new Found(this.#steps, node);
    for (const rule of arrival.ended) found.end(rule);
    for (const position of arrival.positions) found.positions.add(position);
    for (const { rule, step } of held) found.settle(rule, step);
    return found.arrival();
  }
}

/** What has been found at one node so far. */
class Found {
  readonly ended = new Set<number>();
  readonly positions = new Set<number>();
  readonly pending: Pending[] = [];
  readonly #steps: readonly (readonly Step[] | undefined)[];
  readonly #node: NodeShape;

  constructor(steps: readonly (readonly Step[] | undefined)[], node: NodeShape) {
    this.#steps = steps;
    this.#node = node;
  }

  /** A rule has followed its path up to `step` at this node. */
  settle(rule: number, step: number): void {
    const steps = this.#steps[rule] ?? [];
    if (step === steps.length) {
      this.end(rule);
      return;
    }
    this.positions.add(rule * stepsMax + step);
    const next = steps[step];
    // nodesByType and nodesByName count the node that they are asked at.
    if (next?.kind === 'byType' || next?.kind === 'byName') this.take(rule, step);
  }

  end(rule: number): void {
    this.ended.add(rule);
  }

  /** Takes the step if this node is what it names. */
  take(rule: number, step: number): void {
    const taken = this.#steps[rule]?.[step];
    if (taken === undefined || !matches(taken, this.#node)) return;
    const conditions: Condition[] = taken.where === undefined ? [] : [taken.where];
    if (taken.kind === 'extension') conditions.push({ path: ['url'], equals: taken.url });
    if (conditions.length > 0) this.pending.push({ conditions, rule, step: step + 1 });
    else this.settle(rule, step + 1);
  }

  arrival(): Arrival {
    const positions = [...this.positions].sort((a, b) => a - b);
    const ended = [...this.ended];
    return { ends: Math.min(noRule, ...ended), ended, positions, pending: this.pending };
  }
}

/** Whether a node is what a step names, conditions aside. */
export function matches(step: Step, node: NodeShape): boolean {
  switch (step.kind) {
    case 'name':
      return (
        (step.name === node.name || step.name === node.key) && (step.choice === undefined || step.choice === node.type)
      );
    case 'extension':
      return node.name === 'extension';
    case 'byType':
      return step.type === node.type;
    case 'byName':
      return step.name === node.name || step.name === node.key;
  }
}

/** A policy as the check reads it: its rules' paths, methods and dispositions. */
import type { CompiledPolicy } from '../compiled.ts';
import type { Json } from '../../fhir/resource.ts';
import { r4ResourceTypes } from '../r4/model.ts';
import { asIs, formOf } from './forms.ts';
import type { Form, Versions } from './forms.ts';
import { Paths } from './follow.ts';
import type { FollowedPath } from './follow.ts';
import { endsInId, mentionsId, widestSteps } from './general.ts';
import type { Precedence } from './takers.ts';

const removing = new Set(['redact', 'dropResource', 'default-drop', 'extension-drop', 'extension-withhold']);

export class PolicyReading implements Precedence {
  readonly policy: CompiledPolicy;
  readonly versions: Versions;
  readonly default: 'keep' | 'drop';
  readonly extensions: 'keep' | 'drop' | 'withhold';
  readonly modifierExtensions: 'keep' | 'drop' | 'withhold';
  readonly fallbacks: Precedence['fallbacks'];
  /** Whether values that pass may have been masked or removed by the leak guard. */
  readonly isGuarded: boolean;
  /** Rules by expressions of which nobody can tell what they may name. */
  readonly anywhere: ReadonlySet<number>;
  readonly #paths: readonly FollowedPath[];
  readonly #pathsByType = new Map<string, Paths>();
  /** How many places have been made of it. */
  places = 0;

  constructor(policy: CompiledPolicy, versions: Versions) {
    const { document, fallbacks, rules } = policy;
    this.policy = policy;
    this.versions = versions;
    this.default = document.default;
    this.extensions = document.extensions;
    this.modifierExtensions = document.modifierExtensions;
    this.fallbacks = fallbacks;
    this.isGuarded = document.leakGuard === 'mask';
    const anywhere = new Set<number>();
    this.anywhere = anywhere;
    this.#paths = rules.slice(0, fallbacks.keep).flatMap(({ path, rule }, index): FollowedPath[] => {
      // Answers are looked up item by item: see answers.ts.
      if (rule?.answersTo !== undefined) return [];
      const passes = this.passes(index);
      const own = { rule: index, root: path.root, passes, isCustom: this.isCustom(index) };
      if (path.kind === 'plain')
        return [{ ...own, steps: path.steps, isExact: true, isAnywhere: false, namesId: endsInId(path.steps) }];
      // What a general expression removes cannot be missed by reading less of it; what it keeps can.
      if (!passes) return [];
      const steps = widestSteps(path);
      if (steps === undefined) anywhere.add(index);
      const isAnywhere = steps === undefined;
      return [
        {
          ...own,
          steps: steps ?? [],
          isExact: false,
          isAnywhere,
          namesId: isAnywhere ? mentionsId(path) : endsInId(steps),
        },
      ];
    });
  }

  readonly passes = (rule: number): boolean => !removing.has(this.policy.rules[rule]?.method ?? 'redact');

  readonly isCustom = (rule: number): boolean => this.policy.rules[rule]?.rule?.custom === true;

  readonly changes = (rule: number): boolean => this.passes(rule) && !this.isAsIs(rule);

  /** Whether values pass as they are where the rule decides. */
  isAsIs(rule: number): boolean {
    const method = this.policy.rules[rule]?.method;
    return method === 'keep' || method === 'default-keep' || method === 'extension-keep';
  }

  /** What the rule may leave of values of a type; undefined: nothing. */
  formOf(rule: number, type: string): Form | undefined {
    if (this.isAsIs(rule)) return asIs(type);
    const own = this.policy.rules[rule]?.rule;
    if (own === undefined) return undefined;
    const plugin = own.method === 'plugin' ? this.policy.plugins.get(own.params.name) : undefined;
    return formOf(own, type, this.versions, plugin?.types ?? []);
  }

  /** The constant of a `substitute` rule. */
  constantOf(rule: number): Json | undefined {
    const own = this.policy.rules[rule]?.rule;
    return own?.method === 'substitute' ? own.params.with : undefined;
  }

  /** Whether there may be resources of this type: R4's own, and those that a rule for a custom type starts at. */
  hasType(type: string): boolean {
    if (r4ResourceTypes.has(type)) return true;
    return this.policy.rules.some(({ rule, path }) => rule?.custom === true && path.root === type);
  }

  /** The rules' paths that may start at resources of a type. */
  pathsOf(type: string): Paths {
    let paths = this.#pathsByType.get(type);
    if (paths === undefined) this.#pathsByType.set(type, (paths = new Paths(type, this.#paths)));
    return paths;
  }
}

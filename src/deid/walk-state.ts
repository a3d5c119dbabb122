/** What one walk carries along, and the ids it gives. */
import type { JsonObject } from '../fhir/resource.ts';
import type { CompiledPolicy, CompiledRule } from './compile.ts';
import type { DeidKeys } from './engine.ts';
import { pseudonym, pseudonymId } from './pseudonym.ts';

/** The resource that contains others, and whose `#x` references point among them. */
export interface Container {
  readonly type: string;
  readonly id: string;
  /** Pseudonyms of the contained resources that are in the output. */
  readonly present: Set<string>;
  /** References that were written as local ones; those whose target did not pass are detached at the end. */
  readonly local: { readonly node: JsonObject; readonly target: string }[];
}

export interface Walk {
  readonly policy: CompiledPolicy;
  readonly keys: DeidKeys;
  readonly taken: Record<number, number>;
  pseudonymized: number;
  detached: number;
  container: Container;
  answers: Map<JsonObject, number> | undefined;
}

/** What the rule of this index does. */
export const methodOf = (walk: Walk, rule: number): CompiledRule['method'] =>
  walk.policy.rules[rule]?.method ?? 'default-drop';

/** Whether a node goes when a rule of this method wins on it. */
export const removes = (method: CompiledRule['method']): boolean =>
  method === 'redact' || method === 'redact-answers' || method === 'default-drop' || method === 'drop-resource';

/** The new id of a resource; also that of what a reference names, so that the two stay the same. */
export const idOf = (walk: Walk, type: string, id: string): string =>
  walk.policy.scope.downTypes.has(type) ? id : pseudonymId(walk.keys, walk.policy.scope.instance, type, id);

/** The new id of a contained resource: its container is part of it, so that equal local ids do not link resources. */
export const localIdOf = (walk: Walk, id: string): string =>
  pseudonym(walk.keys, 'contained-id', [walk.policy.scope.instance, walk.container.type, walk.container.id, id]);

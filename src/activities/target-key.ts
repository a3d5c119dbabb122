/** What a source's resource is called in the target: `Type/pseudonym` on the way up, `Type/id` on the way down. */
import type { DeidKeys } from '../deid/engine.ts';
import { keysAt } from '../deid/keys.ts';
import { pseudonymId } from '../deid/pseudonym.ts';
import type { StreamKey } from '../state/streams.ts';
import { deidKeys } from '../threads/compiled.ts';
import type { Ruleset } from '../threads/task.ts';
import type { Parts } from './parts.ts';

/** The same object each time: what the engine remembers hangs on it. */
const keysOf = new WeakMap<Ruleset, DeidKeys>();

function pseudonymKeys(ruleset: Ruleset): DeidKeys {
  let keys = keysOf.get(ruleset);
  if (keys === undefined) keysOf.set(ruleset, (keys = keysAt(deidKeys(ruleset), ruleset.hashKeyVersion)));
  return keys;
}

/** The key in the target of the source's `type/id`. */
export function targetKey(parts: Pick<Parts, 'rulesets'>, { direction, type }: StreamKey, id: string): string {
  if (direction === 'down') return `${type}/${id}`;
  const ruleset = parts.rulesets.up;
  return `${type}/${pseudonymId(pseudonymKeys(ruleset), ruleset.scope.instance, type, id)}`;
}

import type { Context } from './context.ts';
import { presentJson } from './formats.ts';
import { timeMs } from './history.ts';
import { isKnownType } from './known-types.ts';
import { unknownType } from './refusal.ts';
import type { Target } from './target.ts';

/**
 * Every live resource of a type as NDJSON, in the state of the moment the dump began. `_since` keeps what was *created*
 * after it: updates of older resources are left out.
 * Source: Aidbox docs, page "$dump".
 */
export function* dump(context: Context, target: Target): Generator<string> {
  if (!isKnownType(context.store, target.type)) throw unknownType(target.type);
  const since = target.query.get('_since');
  const sinceMs = since === null ? -Infinity : timeMs(since, '_since');
  const format = target.query.get('fhir') === 'true' ? 'fhir' : 'aidbox';
  // A list of its own: a slow reader takes long, and others go on writing meanwhile.
  const snapshot = [...context.store.scan(target.type)];
  for (const stored of snapshot) if (stored.createdAtMs > sinceMs) yield `${presentJson(stored.json, format)}\n`;
}

/** The engine of a thread: a policy compiled, its plug-ins loaded, its keys; once for each ruleset, for every task. */
import { compilePolicy } from '../deid/compile.ts';
import type { CompiledPolicy } from '../deid/compiled.ts';
import type { DeidKeys } from '../deid/engine.ts';
import { loadPlugins } from './plugins.ts';
import type { Ruleset } from './task.ts';

export interface Engine {
  readonly policy: CompiledPolicy;
  /** The same object each time: what the engine remembers hangs on it. */
  readonly keys: DeidKeys;
}

const engines = new Map<string, Promise<Engine>>();

/** Throws where a plug-in cannot be loaded; the next task tries again. */
export function engineOf(ruleset: Ruleset): Promise<Engine> {
  const known = engines.get(ruleset.id);
  if (known !== undefined) return known;
  const engine = makeEngine(ruleset);
  // One ruleset a direction is in use at a time; an old one is of no use any more.
  if (engines.size > 8) engines.clear();
  engines.set(ruleset.id, engine);
  engine.catch(() => engines.delete(ruleset.id));
  return engine;
}

async function makeEngine(ruleset: Ruleset): Promise<Engine> {
  const plugins = await loadPlugins(ruleset.plugins);
  return { policy: compilePolicy(ruleset.policy, ruleset.scope, plugins), keys: deidKeys(ruleset) };
}

export const deidKeys = ({ pseudonymKeyVersion, pseudonymKey, olderKeys }: Ruleset): DeidKeys => ({
  pseudonymKeyVersion,
  pseudonymKey,
  olderKeys,
});

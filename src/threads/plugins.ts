/** Plug-ins of a policy: modules of the site's own whose default export is one method of de-identification. */
import type { MethodPlugin } from '../deid/engine.ts';

/** What is wrong with a module; constant, since what it threw may quote anything. */
export type PluginMistake = 'not-loadable' | 'not-a-plugin';

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

function isPlugin(value: unknown): value is MethodPlugin {
  if (typeof value !== 'object' || value === null) return false;
  const { name, version, types, apply } = value as Partial<Record<keyof MethodPlugin, unknown>>;
  return isText(name) && isText(version) && Array.isArray(types) && types.every(isText) && typeof apply === 'function';
}

/** Loads one module; a mistake comes back as a value. */
export async function loadPlugin(moduleUrl: string): Promise<MethodPlugin | PluginMistake> {
  try {
    const module = (await import(moduleUrl)) as { readonly default?: unknown };
    return isPlugin(module.default) ? module.default : 'not-a-plugin';
  } catch {
    return 'not-loadable';
  }
}

/** Loads modules that were checked when the configuration was read. Throws where one has changed since. */
export async function loadPlugins(moduleUrls: readonly string[]): Promise<MethodPlugin[]> {
  const loaded = await Promise.all(moduleUrls.map(loadPlugin));
  return loaded.map((plugin) => {
    if (typeof plugin === 'string') throw new Error(`plug-in: ${plugin}`);
    return plugin;
  });
}

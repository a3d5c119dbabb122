/** Plug-ins of a run: the modules that `policy.plugins` of a configuration names, named on the command line. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { MethodPlugin } from '../../deid/engine.ts';
import { loadPlugin } from '../../threads/plugins.ts';
import { usageExit } from '../exit.ts';

export interface RunPlugins {
  /** Their addresses, for other threads. */
  readonly modules: readonly string[];
  readonly plugins: readonly MethodPlugin[];
}

const form = 'a module with export default { name, version, types, apply }';

/** Loads them, or ends the command at the first that cannot be used. */
export async function pluginsOrExit(files: readonly string[]): Promise<RunPlugins> {
  const modules: string[] = [];
  const plugins: MethodPlugin[] = [];
  for (const file of files) {
    const module = pathToFileURL(resolve(file)).href;
    const plugin = await loadPlugin(module);
    if (plugin === 'not-loadable') usageExit(`--plugin ${file}: cannot be loaded; expected ${form}`);
    if (plugin === 'not-a-plugin') usageExit(`--plugin ${file}: no plug-in; expected ${form}`);
    if (plugins.some(({ name }) => name === plugin.name)) usageExit(`--plugin ${file}: a second plug-in of its name`);
    modules.push(module);
    plugins.push(plugin);
  }
  return { modules, plugins };
}

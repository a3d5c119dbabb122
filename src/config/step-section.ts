/** The section `steps`: modules that run between de-identification and commit. */
import { pathToFileURL } from 'node:url';

import type { Path } from './problems.ts';
import type { Section, SectionTools } from './section-tools.ts';

/** The steps, each of a module that was loaded once to see that it is one. */
export async function readSteps(
  tools: SectionTools,
  documents: Section<'steps'>,
): Promise<{ name: string; moduleUrl: string }[]> {
  const names = new Set<string>();
  const steps: { name: string; moduleUrl: string }[] = [];
  for (const [index, step] of documents.entries()) {
    const { name = '', module } = step ?? {};
    if (name !== '' && names.has(name))
      tools.mistake(['steps', index, 'name'], JSON.stringify(name), 'a name that no other step has');
    names.add(name);
    if (module === undefined) continue;
    const moduleUrl = pathToFileURL(tools.resolve(module)).href;
    if ((await tools.read(module, ['steps', index, 'module'])) !== undefined)
      await checkModule(tools, moduleUrl, ['steps', index, 'module']);
    steps.push({ name, moduleUrl });
  }
  return steps;
}

async function checkModule(tools: SectionTools, moduleUrl: string, path: Path): Promise<void> {
  try {
    const module = (await import(moduleUrl)) as { default?: unknown };
    if (typeof module.default !== 'function')
      tools.mistake(
        path,
        'a module without a default export that is a function',
        'export default (resources, context) => resources',
      );
  } catch {
    tools.mistake(path, 'a module that cannot be loaded', 'an ES module that node can import');
  }
}

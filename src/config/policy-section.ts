/** The section `policy`: the document, its plug-ins, and whether both and the pseudonym keyring fit together. */
import { pathToFileURL } from 'node:url';

import type { PolicyDocument } from '../deid/policy/document.ts';
import { readPolicy } from '../deid/policy/read.ts';
import { resolvePolicy } from '../deid/policy/resolve.ts';
import { loadPlugin } from '../threads/plugins.ts';
import type { PluginConfig } from './config.ts';
import { parseSource, type Path, pathText } from './problems.ts';
import type { ConfigDocument } from './schema.ts';
import type { SectionTools } from './section-tools.ts';
import type { Sound } from './sound.ts';

type Section = Sound<ConfigDocument['policy']>;

/** The policy and its plug-ins; what is missing stands among the mistakes. */
export interface PolicySection {
  readonly policy: PolicyDocument;
  readonly plugins: readonly PluginConfig[];
  /** The policy's own file, where it was read. */
  readonly source?: { readonly name: string; readonly lineOf: (path: Path) => number | undefined };
}

const fallback: PolicyDocument = { apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default' };

export async function readPolicySection(document: Section, tools: SectionTools): Promise<PolicySection> {
  if ('preset' in document && document.preset !== undefined) {
    return { policy: { ...fallback, extends: document.preset }, plugins: [] };
  }
  if (!('file' in document)) return { policy: fallback, plugins: [] };
  const { file, plugins: modules = {} } = document;
  const plugins = await readPlugins(modules, tools);
  const text = file === undefined ? undefined : (await tools.read(file, ['policy', 'file']))?.toString('utf8');
  if (file === undefined || text === undefined) return { policy: fallback, plugins };
  const reading = readPolicy(text);
  if (!reading.ok) {
    for (const problem of reading.problems) {
      tools.policyMistake({ ...problem, path: placeIn(file, problem.path === '' ? '(the file)' : problem.path) });
    }
    return { policy: fallback, plugins };
  }
  const parsed = parseSource(text);
  const lineOf = Array.isArray(parsed) ? (): undefined => undefined : parsed.lineOf;
  const section = { policy: reading.policy, plugins, source: { name: file, lineOf } };
  checkPluginRules(section, new Set(Object.keys(modules)), tools);
  return section;
}

const placeIn = (file: string, place: string): string => `policy.file → ${file}: ${place}`;

const pluginForm = 'export default { name, version, types, apply }';

async function readPlugins(
  modules: Readonly<Record<string, string | undefined>>,
  tools: SectionTools,
): Promise<PluginConfig[]> {
  const plugins: PluginConfig[] = [];
  for (const [name, module] of Object.entries(modules)) {
    const path = ['policy', 'plugins', name];
    if (module === undefined || (await tools.read(module, path)) === undefined) continue;
    const moduleUrl = pathToFileURL(tools.resolve(module)).href;
    const plugin = await loadPlugin(moduleUrl);
    if (plugin === 'not-loadable')
      tools.mistake(path, 'a module that cannot be loaded', 'an ES module that node can import');
    else if (plugin === 'not-a-plugin') tools.mistake(path, 'a module whose default export is no plug-in', pluginForm);
    else if (plugin.name !== name) tools.mistake(path, 'a plug-in of another name', `one whose name is ${name}`);
    else plugins.push({ name, moduleUrl });
  }
  return plugins;
}

/** Notes a mistake at a place of the policy's own file, or of the section where it is a preset's. */
function noteInPolicy(
  { source }: PolicySection,
  tools: SectionTools,
  mistake: { readonly at: Path; readonly found: string; readonly expected: string },
): void {
  const { at, found, expected } = mistake;
  if (source === undefined) {
    tools.mistake(['policy'], found, expected);
    return;
  }
  const line = source.lineOf(at);
  const path = placeIn(source.name, pathText(at));
  tools.policyMistake({ path, ...(line === undefined ? {} : { line }), found, expected });
}

/** A plug-in whose module is wrong is told once, at its own place. */
function checkPluginRules(section: PolicySection, named: ReadonlySet<string>, tools: SectionTools): void {
  for (const [index, rule] of (section.policy.rules ?? []).entries()) {
    if (rule.method !== 'plugin' || named.has(rule.params.name)) continue;
    noteInPolicy(section, tools, {
      at: ['rules', index, 'params', 'name'],
      found: 'a plug-in that is not configured',
      expected: `a name from policy.plugins${named.size === 0 ? '' : ` (${[...named].join(', ')})`}`,
    });
  }
}

/** Each version that the policy holds a purpose at has to be in the keyring: pseudonyms could not be made otherwise. */
export function checkPolicyKeys(section: PolicySection, versions: readonly number[], tools: SectionTools): void {
  for (const [purpose, version] of Object.entries(resolvePolicy(section.policy).keys)) {
    if (versions.includes(version)) continue;
    noteInPolicy(section, tools, {
      at: ['keys', purpose],
      found: `version ${String(version)}, which keys.pseudonym does not hold`,
      expected: `one of ${versions.join(', ')}, or that version's key beside the others`,
    });
  }
}

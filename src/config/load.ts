/** Reads `sluice.yaml`: its form, then its sections, each in a file of its own. Every mistake is reported, at once. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { limitDefaults, type Limits } from '../limits.ts';
import type { Config } from './config.ts';
import { readKeys } from './key-section.ts';
import { checkPolicyKeys, readPolicySection } from './policy-section.ts';
import { type ConfigMistake, ConfigProblem, mistakesOf, parseSource } from './problems.ts';
import { type ConfigDocument, configSchema, everySeconds } from './schema.ts';
import { type Draft, type Section, SectionTools } from './section-tools.ts';
import { readServers } from './server-section.ts';
import { type Sound, without } from './sound.ts';
import { readSteps } from './step-section.ts';
import { readStaging, readState } from './storage-section.ts';
import { readStreams } from './stream-section.ts';
import { readTemporal } from './temporal-section.ts';

/** What `loadConfig` works with; tests hand in an environment of their own. */
export interface LoadOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Loads and checks a configuration.
 * @param file - path of `sluice.yaml`; relative paths in it are relative to its folder
 * @throws ConfigProblem with every mistake that was found
 */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new ConfigProblem(file, [
      { path: '(the file)', found: 'nothing that can be read', expected: 'a sluice.yaml' },
    ]);
  }
  const source = parseSource(text);
  if (Array.isArray(source)) throw new ConfigProblem(file, source);
  const parsed = configSchema.safeParse(source.value);
  const wrong = parsed.success ? undefined : mistakesOf(parsed.error.issues, source, configSchema);
  const sound: Sound<ConfigDocument> = parsed.success
    ? parsed.data
    : (without(source.value, wrong?.unsound ?? []) ?? {});
  const tools = new SectionTools(source, dirname(resolve(file)), options.environment ?? process.env);
  const config = await readSections(tools, sound);
  const mistakes = [...source.mistakes, ...(wrong?.mistakes ?? []), ...tools.mistakes];
  if (mistakes.length > 0 || tools.policyMistakes.length > 0) {
    const last = Number.MAX_SAFE_INTEGER;
    const byLine = (a: ConfigMistake, b: ConfigMistake): number => (a.line ?? last) - (b.line ?? last);
    throw new ConfigProblem(file, [...mistakes.sort(byLine), ...tools.policyMistakes.sort(byLine)]);
  }
  // Without a mistake nothing is missing.
  return config as Config;
}

/** Builds what there is; what is missing stands among the mistakes already. */
async function readSections(tools: SectionTools, document: Sound<ConfigDocument>): Promise<Draft<Config>> {
  const { instance, servers, temporal, streams, reconcile, policy, steps, staging, state, keys, limits } = document;
  const rings = await readKeys(tools, keys ?? {});
  const deid = await readPolicySection(policy ?? {}, tools);
  if (rings.pseudonym !== undefined) checkPolicyKeys(deid, rings.pseudonym.versions, tools);
  return {
    instance,
    servers: await readServers(tools, servers),
    temporal: await readTemporal(tools, temporal ?? {}),
    streams: readStreams(tools, instance ?? '', streams ?? []),
    ...(reconcile?.every !== undefined && {
      reconcile: { everySeconds: everySeconds(reconcile.every), repair: reconcile.repair ?? false },
    }),
    policy: deid.policy,
    plugins: deid.plugins,
    steps: await readSteps(tools, steps ?? []),
    ...(await readStaging(tools, staging)),
    ...(await readState(tools, state)),
    keys: rings,
    limits: readLimits(tools, limits ?? {}),
  };
}

function readLimits(tools: SectionTools, document: Section<'limits'>): Limits {
  const set = Object.entries(document).filter(([, value]) => value !== undefined);
  const limits = { ...limitDefaults, ...Object.fromEntries(set) } as Limits;
  if (limits.resourceBytesMax > limits.bundleBytesMax) {
    tools.mistake(
      ['limits', 'resourceBytesMax' in document ? 'resourceBytesMax' : 'bundleBytesMax'],
      `resourceBytesMax ${String(limits.resourceBytesMax)} above bundleBytesMax ${String(limits.bundleBytesMax)}`,
      'resourceBytesMax at most bundleBytesMax: each resource has to fit into a bundle',
    );
  }
  return limits;
}

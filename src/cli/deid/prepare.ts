/** Reads what a run goes by, our own policy or another tool's configuration, or ends the command with every mistake. */
import { createHash } from 'node:crypto';

import { KeyProblem } from '../../crypto/keyring.ts';
import { readCompatConfig } from '../../deid/compat/index.ts';
import { usageExit } from '../exit.ts';
import { compileLoaded } from '../policy/compiled.ts';
import { spokenBy } from '../policy/convert.ts';
import { loadPolicy, policyText, problemsText } from '../policy/load.ts';
import { withKeys, withoutKeys } from './compat.ts';
import type { Job } from './job.ts';
import { ephemeralNote, missingVersions, runKeys } from './key.ts';
import type { RunKeys } from './key.ts';
import { pluginsOrExit } from './plugins.ts';
import type { RunFacts } from './report.ts';

export interface PolicyOptions {
  readonly policy: string;
  readonly compat?: 'ms' | 'fhir-pseudonymizer';
  readonly key?: string;
  readonly instance: string;
  readonly asOf?: Date;
  /** Files of plug-ins. */
  readonly plugin?: readonly string[];
}

export interface Prepared {
  readonly job: Job;
  readonly guard: boolean;
  readonly facts: Omit<RunFacts, 'files'>;
  /** What a person should know before it begins. */
  readonly note: string | undefined;
}

export const prepare = (options: PolicyOptions): Promise<Prepared> =>
  options.compat === undefined ? preparePolicy(options) : prepareCompat(options, options.compat);

const isoTime = ({ asOf }: PolicyOptions): string => (asOf ?? new Date()).toISOString();

async function preparePolicy(options: PolicyOptions): Promise<Prepared> {
  const { instance, policy: name } = options;
  const loaded = await loadPolicy(name);
  const { modules, plugins: given } = await pluginsOrExit(options.plugin ?? []);
  const { compiled, siteRules, plugins } = compileLoaded(loaded, instance, given);
  if (plugins.length > 0) {
    usageExit(
      `${name}: rules name plug-ins that are not here (${plugins.join(', ')}): name their modules with --plugin`,
    );
  }
  const { keys, isEphemeral } = await keysOrExit(options.key);
  const missing = missingVersions(compiled.document, keys).join(', ');
  if (missing !== '') usageExit(`${name}: keys names version ${missing}, which ${options.key ?? 'a random key'} lacks`);
  const asOf = isoTime(options);
  const key = { version: keys.pseudonymKeyVersion, ephemeral: isEphemeral };
  return {
    job: { kind: 'policy', document: loaded.document, instance, keys, asOf, plugins: modules },
    guard: compiled.document.leakGuard !== 'off',
    facts: { policyName: name, digest: compiled.digest, asOf, policy: { compiled, siteRules, instance, key } },
    note: isEphemeral ? ephemeralNote : undefined,
  };
}

async function keysOrExit(file: string | undefined): Promise<RunKeys> {
  try {
    return await runKeys(file);
  } catch (error) {
    if (error instanceof KeyProblem) return usageExit(error.message);
    throw error;
  }
}

const compatNote =
  'Runs as the other tool would: what no rule names passes, ids stay unless a rule takes them, and no leak guard looks.';

async function prepareCompat(options: PolicyOptions, asked: 'ms' | 'fhir-pseudonymizer'): Promise<Prepared> {
  const { policy: name } = options;
  if (options.key !== undefined)
    usageExit('--key is for our own policies; with --compat the keys stand in the configuration');
  if (options.plugin !== undefined) usageExit('--plugin is for our own policies: --compat has no plug-ins');
  const text = await policyText(name);
  const reading = readCompatConfig(text);
  if (!reading.ok) usageExit(problemsText(name, reading.problems));
  const config = withKeys(spokenBy(reading.config, asked, name));
  const asOf = isoTime(options);
  const digest = createHash('sha256')
    .update(JSON.stringify(withoutKeys(reading.config)))
    .digest('hex');
  return {
    job: { kind: 'compat', config, asOf },
    guard: false,
    facts: { policyName: name, digest, asOf, policy: undefined },
    note: compatNote,
  };
}

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigProblem } from '../../src/config/problems.ts';
import { generateKeyLine } from '../../src/crypto/key-text.ts';

/** A site's folder: `sluice.yaml` and whatever it names. */
export interface Site {
  readonly folder: string;
  write(name: string, text: string, mode?: number): Promise<void>;
  load(yaml: string, environment?: Record<string, string>): Promise<Config>;
  /** The message of the one problem that loading ends in. */
  refusal(yaml: string, environment?: Record<string, string>): Promise<string>;
}

export const secrets = { INSTANCE_SECRET: 'instance-secret-1', HUB_SECRET: 'hub-secret-1' };

/** A right file; `replaced` are whole top-level sections in YAML, `''` leaves one out. */
export function sluiceYaml(replaced: Record<string, string> = {}): string {
  const sections: Record<string, string> = {
    apiVersion: 'apiVersion: fhir-sluice/v1',
    instance: 'instance: north',
    servers: `servers:
  instance:
    url: http://127.0.0.1:8090
    auth: { basic: { client: sluice, secret: { env: INSTANCE_SECRET } } }
  hub:
    url: https://hub.example.org
    auth: { clientCredentials: { client: sluice-north, secret: { env: HUB_SECRET } } }`,
    temporal: 'temporal: { address: "127.0.0.1:7233" }',
    streams: `streams:
  - { direction: up, types: [Patient, Encounter], every: 30s }
  - { direction: down, types: [Organization], every: 1h }`,
    policy: 'policy: { preset: aidbox-default }',
    staging: 'staging: { folder: staging }',
    state: 'state: { file: state.sqlite }',
    keys: `keys:
  staging: { file: staging.key }
  pseudonym: { file: pseudonym.key }
  payload: { file: payload.key }`,
    ...replaced,
  };
  return `${Object.values(sections)
    .filter((section) => section !== '')
    .join('\n')}\n`;
}

/** Runs a test in a folder of its own, with three keys in it. */
export async function withSite(act: (site: Site) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-config-'));
  const site: Site = {
    folder,
    write: async (name, text, mode = 0o600) => {
      await writeFile(join(folder, name), text);
      await chmod(join(folder, name), mode);
    },
    load: async (yaml, environment = secrets) => {
      await site.write('sluice.yaml', yaml);
      return loadConfig(join(folder, 'sluice.yaml'), { environment });
    },
    refusal: async (yaml, environment) => {
      try {
        await site.load(yaml, environment);
      } catch (error) {
        if (error instanceof ConfigProblem) return error.message;
        throw error;
      }
      throw new Error('the file was taken');
    },
  };
  try {
    for (const purpose of ['staging', 'pseudonym', 'payload']) await site.write(`${purpose}.key`, generateKeyLine(1));
    await act(site);
  } finally {
    await rm(folder, { recursive: true });
  }
}

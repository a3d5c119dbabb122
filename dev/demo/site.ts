/** Writes a demo site's configuration and keys into a folder of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { generateKeyLine } from '../../src/crypto/key-text.ts';

export interface SiteInput {
  readonly folder: string;
  readonly instance: string;
  readonly instanceUrl: string;
  readonly hubUrl: string;
  readonly temporalAddress: string;
  readonly upTypes: readonly string[];
  readonly downTypes: readonly string[];
  readonly policyFile: string;
  /** Shared by the sites, so that one codec server shows them all. */
  readonly payloadKeyLine: string;
  readonly secrets: { readonly instance: string; readonly hub: string };
  readonly limits?: Readonly<Record<string, number>>;
  readonly steps?: readonly { readonly name: string; readonly module: string }[];
  readonly every?: string;
  /** Where staging and state lie; beside the configuration where it is left out. */
  readonly stores?: { readonly staging: object; readonly state: object };
}

/** Returns the path of the site's `sluice.yaml`. */
export async function writeSite(input: SiteInput): Promise<string> {
  const { folder, instance } = input;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secret = async (name: string, text: string): Promise<{ file: string }> => {
    await writeFile(join(folder, name), `${text}\n`, { mode: 0o600 });
    return { file: name };
  };
  const every = input.every ?? '10s';
  const document = {
    apiVersion: 'fhir-sluice/v1',
    instance,
    servers: {
      instance: {
        url: input.instanceUrl,
        auth: { basic: { client: 'sluice', secret: await secret('instance.secret', input.secrets.instance) } },
      },
      hub: {
        url: input.hubUrl,
        auth: { basic: { client: `sluice-${instance}`, secret: await secret('hub.secret', input.secrets.hub) } },
      },
    },
    temporal: { address: input.temporalAddress },
    streams: [
      { direction: 'up', types: [...input.upTypes], every },
      ...(input.downTypes.length === 0 ? [] : [{ direction: 'down', types: [...input.downTypes], every }]),
    ],
    policy: { file: input.policyFile },
    ...(input.steps && { steps: input.steps }),
    ...(input.stores ?? { staging: { folder: './staging' }, state: { file: './state.sqlite' } }),
    keys: {
      staging: await secret('staging.key', generateKeyLine(1)),
      pseudonym: await secret('pseudonym.key', generateKeyLine(1)),
      payload: await secret('payload.key', input.payloadKeyLine),
    },
    ...(input.limits && { limits: input.limits }),
  };
  const file = join(folder, 'sluice.yaml');
  await writeFile(file, stringify(document));
  return file;
}

import { describe, expect, it } from '@jest/globals';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

import { loadConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { generateKeyLine } from '../../src/crypto/key-text.ts';
import { limitDefaults, limitRanges } from '../../src/limits.ts';
import { makeCertificate } from '../fhir/certificate.ts';
import { withSite } from './site.ts';

/** Each setting's path with its default in the page's words: `–` where there is none and it has to be there. */
function settings(schema: z.ZodType, path = '', inUnion = false): [path: string, usual: string][] {
  if (schema instanceof z.ZodOptional) return changed(settings(schema.unwrap() as z.ZodType, path), 'none');
  if (schema instanceof z.ZodDefault)
    return changed(settings(schema.unwrap() as z.ZodType, path), textOf(schema.parse(undefined)));
  const own: [string, string][] = path === '' ? [] : [[path, inUnion ? 'none' : '–']];
  if (schema instanceof z.ZodObject)
    return [
      ...own,
      ...Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, inner]) =>
        settings(inner, path === '' ? name : `${path}.${name}`),
      ),
    ];
  if (schema instanceof z.ZodArray) return [...own, ...settings(schema.element as z.ZodType, `${path}[]`).slice(1)];
  if (schema instanceof z.ZodUnion && !isSecret(schema))
    return [
      ...own,
      ...(schema.options as z.ZodObject[]).flatMap((option) =>
        Object.entries(option.shape as Record<string, z.ZodType>).flatMap(([name, inner]) =>
          settings(inner, `${path}.${name}`, true),
        ),
      ),
    ];
  return own;
}

const isSecret = (schema: z.ZodUnion): boolean =>
  (schema.options as z.ZodObject[]).some((option) => 'env' in option.shape);

const changed = ([first, ...rest]: [string, string][], usual: string): [string, string][] => [
  [first![0], usual],
  ...rest,
];

const textOf = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** The cells of each row of the page's tables, by the setting in the first. */
async function rows(): Promise<Map<string, string[]>> {
  const text = await readFile('docs/configuration.md', 'utf8');
  const cells = [...text.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)];
  const found = new Map(cells.map((match) => [match[1]!, match[2]!.split('|').map((cell) => cell.trim())]));
  expect(found.size).toBe(cells.length);
  return found;
}

describe('docs/configuration.md', () => {
  it('has each setting of the schema with its default, and no other', async () => {
    const expected = new Map(settings(configSchema));
    for (const name of Object.keys(limitRanges)) expected.delete(`limits.${name}`);
    const page = await rows();
    const ofPage = new Map(
      [...page].filter(([path]) => !path.startsWith('limits.')).map(([path, row]) => [path, row[1]]),
    );
    // Defaults that are made while loading.
    for (const server of ['instance', 'hub'])
      expected.set(`servers.${server}.auth.clientCredentials.tokenUrl`, '`<url>/auth/token`');
    expect(Object.fromEntries(ofPage)).toEqual(Object.fromEntries(expected));
    expect(expected.size).toBeGreaterThan(50);
  });

  it('has each limit with its default, range and meaning, and no other', async () => {
    const page = await rows();
    const ofPage = [...page.keys()].filter((path) => path.startsWith('limits.'));
    expect(ofPage).toEqual(Object.keys(limitRanges).map((name) => `limits.${name}`));
    for (const [name, range] of Object.entries(limitRanges)) {
      const [, usual = '', between, about] = page.get(`limits.${name}`) ?? [];
      expect([name, usual.split(' ')[0]]).toEqual([name, `\`${range.default}\``]);
      expect([name, between]).toEqual([name, `\`${range.min}\` to \`${range.max}\``]);
      expect(about).toBe(range.about);
    }
  });
});

describe('examples/sluice.yaml', () => {
  it('loads', async () => {
    await withSite(async ({ folder, write }) => {
      for (const name of ['examples', 'examples/secrets', 'policies']) await mkdir(join(folder, name));
      await cp('examples/sluice.yaml', join(folder, 'examples/sluice.yaml'));
      await cp('policies/demo.yaml', join(folder, 'policies/demo.yaml'));
      for (const name of ['staging', 'pseudonym']) await write(`examples/secrets/${name}.key`, generateKeyLine(1));
      await write('examples/secrets/hub.secret', 'hub-secret');
      const { key, certificate } = await makeCertificate('temporal.example.org');
      await write('examples/secrets/temporal.crt', certificate);
      await write('examples/secrets/temporal.pem', key);
      const environment = { SLUICE_INSTANCE_SECRET: 'instance-secret', SLUICE_PAYLOAD_KEY: generateKeyLine(1) };
      const config = await loadConfig(join(folder, 'examples/sluice.yaml'), { environment });
      expect(config.streams).toHaveLength(9);
      expect(config.policy.name).toBe('demo');
      expect(config.stagingFolder).toBe('/var/lib/sluice/staging');
      expect(config.temporal.tls?.clientCertPair?.key.toString()).toBe(key);
      expect(config.limits).toEqual({ ...limitDefaults, longestTransactionSeconds: 300 });
    });
  });

  it('shows every section', async () => {
    const text = await readFile('examples/sluice.yaml', 'utf8');
    for (const section of Object.keys(configSchema.shape)) expect(text).toMatch(new RegExp(`^(# )?${section}:`, 'm'));
  });
});

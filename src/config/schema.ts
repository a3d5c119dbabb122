/** The shape of `sluice.yaml`. What it means is in docs/configuration.md; a test holds the two together. */
import { z } from 'zod';

import { presetNames } from '../deid/policy/document.ts';
import { typeForm } from '../fhir/resource.ts';
import { type LimitName, limitRanges } from '../limits.ts';
import { markSecret, secretForm } from './problems.ts';

const form = (about: string, pattern: RegExp): z.ZodString =>
  z.string({ error: about }).regex(pattern, { error: about });

const text = (about: string): z.ZodString => z.string({ error: about }).min(1, { error: about });

const path = text('a path');

/** Secrets never stand in the file: they come from the environment or from a file of their own. */
const secret = markSecret(
  z.union(
    [
      z.strictObject({ env: markSecret(form('the name of an environment variable', /^[A-Za-z_]\w*$/)) }),
      z.strictObject({ file: markSecret(text('the path of a file')) }),
    ],
    { error: secretForm },
  ),
);

/** Whether a host is this machine: the only place where data may travel without TLS. `127.example.org` is not. */
export const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(host);

const anAddress = 'an address such as https://aidbox.example.org';

const serverUrl = z.string({ error: anAddress }).superRefine((address, context) => {
  const complain = (message: string): void => {
    context.addIssue({ code: 'custom', message });
  };
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) complain(anAddress);
  else if (url.username !== '' || url.password !== '' || /[?#]/.test(address))
    complain('an address without credentials, query or fragment');
  else if (url.protocol === 'http:' && !isLoopback(url.hostname)) complain('https: (plain http: only on loopback)');
});

// HTTP Basic cannot carry a colon in the name (RFC 7617, 2).
const client = form('the id of a Client, without colon or space', /^[^:\s]+$/);

const auth = z.union(
  [
    z.strictObject({ basic: z.strictObject({ client, secret }) }),
    z.strictObject({ clientCredentials: z.strictObject({ client, secret, tokenUrl: serverUrl.optional() }) }),
  ],
  { error: '{ basic: { client, secret } } or { clientCredentials: { client, secret } }' },
);

const server = z.strictObject({ url: serverUrl, auth, caFile: path.optional() });

const bucket = z.strictObject({
  endpoint: serverUrl.optional(),
  region: form('a region such as eu-central-1', /^[a-z0-9-]{1,40}$/),
  // No ARN and no directory bucket (`--x-s3`): their listings have no order.
  bucket: form('the name of a bucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$(?<!--x-s3)/),
  prefix: form('names with slashes between them, such as sluice/north', /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/).optional(),
  forcePathStyle: z.boolean().default(false),
  caFile: path.optional(),
  accessKeyId: secret.optional(),
  secretAccessKey: secret.optional(),
});

const staging = z.union([z.strictObject({ folder: path }), z.strictObject({ s3: bucket })], {
  error: '{ folder: path } or { s3: { region, bucket } }',
});

const aDatabase = 'an address such as postgres://sluice@db.example.org:5432/sluice, without a password or a query';

const databaseUrl = z.string({ error: aDatabase }).superRefine((address, context) => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isDatabase =
    url !== undefined &&
    (url.protocol === 'postgres:' || url.protocol === 'postgresql:') &&
    url.hostname !== '' &&
    url.username !== '' &&
    url.password === '' &&
    /^\/[^/]+$/.test(url.pathname) &&
    !/[?#]/.test(address);
  if (!isDatabase) context.addIssue({ code: 'custom', message: aDatabase });
});

const database = z.strictObject({
  url: databaseUrl,
  password: secret,
  caFile: path.optional(),
  // A name that needs no quotes, and is none of the database's own.
  schema: form('a name of small letters, digits and underscores', /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/).default('sluice'),
});

const state = z.union([z.strictObject({ file: path }), z.strictObject({ postgres: database })], {
  error: '{ file: path } or { postgres: { url, password } }',
});

const aCadence = 'a cadence from 1s to 365d, such as 30s, 5m, 1h or 1d';
const secondsOfYear = 365 * 86_400;

const every = form(aCadence, /^[1-9]\d{0,7}[smhd]$/).refine((cadence) => everySeconds(cadence) <= secondsOfYear, {
  error: aCadence,
});

const stream = z.strictObject({
  direction: z.enum(['up', 'down'], { error: 'up or down' }),
  types: z.array(form('a resource type such as Patient', typeForm)).min(1),
  every,
});

const step = z.strictObject({
  name: form('a name of small letters, digits and dashes', /^[a-z][a-z0-9-]{0,40}$/),
  module: path,
});

/** Shares may be fractions; everything else is counted in whole units. */
function limitSchema({ default: usual, min, max }: { default: number; min: number; max: number }): z.ZodNumber {
  const fraction = !Number.isInteger(usual);
  const error = `a ${fraction ? '' : 'whole '}number from ${String(min)} to ${String(max)}`;
  const range = z.number({ error }).min(min, { error }).max(max, { error });
  return fraction ? range : range.int({ error });
}

const limits = z.strictObject(
  Object.fromEntries(
    Object.entries(limitRanges).map(([name, range]) => [name, limitSchema(range).optional()]),
  ) as Record<LimitName, z.ZodOptional<z.ZodNumber>>,
);

const pluginName = form('a name of 1 to 100 letters, digits, dots, dashes and underscores', /^[\w.-]{1,100}$/);

const aHostAndPort = 'host:port, such as temporal.example.org:7233';

export const configSchema = z.strictObject({
  apiVersion: z.literal('fhir-sluice/v1', { error: 'fhir-sluice/v1' }),
  // Short and opaque: it stands in workflow ids, cursor ids and tags, in clear.
  instance: form('a name of 1 to 20 small letters, digits and dashes', /^[a-z][a-z0-9-]{0,19}$/),
  servers: z.strictObject({ instance: server, hub: server }),
  temporal: z.strictObject({
    address: form(aHostAndPort, /^[^/\s@?#]+:\d{1,5}$/),
    namespace: text('the name of a namespace').default('default'),
    tls: z
      .strictObject({
        caFile: path.optional(),
        certFile: path.optional(),
        keyFile: path.optional(),
        serverName: text('a host name').optional(),
      })
      .optional(),
    apiKey: secret.optional(),
  }),
  streams: z.array(stream).min(1),
  reconcile: z.strictObject({ every, repair: z.boolean({ error: 'true or false' }).default(false) }).optional(),
  policy: z.union(
    [
      z.strictObject({ preset: z.enum(presetNames, { error: presetNames.join(' or ') }) }),
      z.strictObject({ file: path, plugins: z.record(pluginName, path).optional() }),
    ],
    { error: `{ preset: ${presetNames.join(' or ')} } or { file: path }` },
  ),
  steps: z.array(step).default([]),
  staging,
  state,
  keys: z.strictObject({ staging: secret, pseudonym: secret, payload: secret }),
  limits: limits.default({}),
});

export type ConfigDocument = z.infer<typeof configSchema>;
export type SecretReference = z.infer<typeof secret>;

/** Seconds of a cadence such as `5m`. */
export function everySeconds(cadence: string): number {
  const unit = { s: 1, m: 60, h: 3_600, d: 86_400 }[cadence.at(-1) ?? 's'] ?? 1;
  return Number(cadence.slice(0, -1)) * unit;
}

/** The shape of `sluice.yaml`. What it means is in docs/configuration.md; a test holds the two together. */
import { z } from 'zod';

import { typeForm } from '../fhir/resource.ts';
import { limitRanges, type LimitName } from '../limits.ts';

const name = (about: string, form: RegExp): z.ZodString => z.string({ error: about }).regex(form, { error: about });

/** Secrets never stand in the file: they come from the environment or from a file of their own. */
const secret = z.union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })], {
  error: 'a secret as { env: NAME } or { file: path }, never the secret itself',
});

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Whether an address stays on this machine: the only place where plain `http:` may carry data. */
export const isLoopback = (url: URL): boolean => loopback.has(url.hostname) || url.hostname.startsWith('127.');

const serverUrl = z.string({ error: 'an address such as https://aidbox.example.org' }).superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    context.addIssue({ code: 'custom', message: 'an address such as https://aidbox.example.org' });
  } else if (url.protocol === 'http:' && !isLoopback(url)) {
    context.addIssue({ code: 'custom', message: 'https: (plain http: only on loopback)' });
  } else if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    context.addIssue({ code: 'custom', message: 'an address without credentials, query or fragment' });
  }
});

const auth = z.union(
  [
    z.strictObject({ basic: z.strictObject({ client: z.string().min(1), secret }) }),
    z.strictObject({
      clientCredentials: z.strictObject({ client: z.string().min(1), secret, tokenUrl: serverUrl.optional() }),
    }),
  ],
  { error: '{ basic: { client, secret } } or { clientCredentials: { client, secret } }' },
);

const server = z.strictObject({ url: serverUrl, auth, caFile: z.string().min(1).optional() });

const every = z
  .string({ error: 'a cadence such as 30s, 5m, 1h or 1d' })
  .regex(/^[1-9]\d{0,5}(s|m|h|d)$/, { error: 'a cadence such as 30s, 5m, 1h or 1d' });

const stream = z.strictObject({
  direction: z.enum(['up', 'down'], { error: 'up or down' }),
  types: z.array(name('a resource type such as Patient', typeForm)).min(1),
  every,
});

const step = z.strictObject({
  name: name('a name of small letters, digits and dashes', /^[a-z][a-z0-9-]{0,40}$/),
  module: z.string().min(1),
});

const limits = z.strictObject(
  Object.fromEntries(
    Object.entries(limitRanges).map(([limit, range]) => [
      limit,
      z
        .number({ error: `a number from ${String(range.min)} to ${String(range.max)}` })
        .min(range.min, { error: `a number from ${String(range.min)} to ${String(range.max)}` })
        .max(range.max, { error: `a number from ${String(range.min)} to ${String(range.max)}` })
        .optional(),
    ]),
  ) as Record<LimitName, z.ZodOptional<z.ZodNumber>>,
);

export const configSchema = z.strictObject({
  apiVersion: z.literal('fhir-sluice/v1', { error: 'fhir-sluice/v1' }),
  // Short and opaque: it stands in workflow ids, cursor ids and tags, in clear.
  instance: name('a name of 1 to 20 small letters, digits and dashes', /^[a-z][a-z0-9-]{0,19}$/),
  servers: z.strictObject({ instance: server, hub: server }),
  temporal: z.strictObject({
    address: z.string().regex(/^[^/\s]+:\d{1,5}$/, { error: 'host:port' }),
    namespace: z.string().min(1).default('default'),
    tls: z
      .strictObject({
        caFile: z.string().optional(),
        certFile: z.string().optional(),
        keyFile: z.string().optional(),
        serverName: z.string().optional(),
      })
      .optional(),
    apiKey: secret.optional(),
  }),
  streams: z.array(stream).min(1),
  policy: z.union(
    [z.strictObject({ preset: z.enum(['aidbox-default']) }), z.strictObject({ file: z.string().min(1) })],
    {
      error: '{ preset: aidbox-default } or { file: path }',
    },
  ),
  steps: z.array(step).default([]),
  staging: z.strictObject({ folder: z.string().min(1) }),
  state: z.strictObject({ file: z.string().min(1) }),
  keys: z.strictObject({ staging: secret, pseudonym: secret, payload: secret }),
  limits: limits.default({} as z.infer<typeof limits>),
});

export type ConfigDocument = z.infer<typeof configSchema>;
export type SecretReference = z.infer<typeof secret>;
export type ServerDocument = z.infer<typeof server>;

/** Seconds of a cadence such as `5m`. */
export function everySeconds(text: string): number {
  const unit = { s: 1, m: 60, h: 3_600, d: 86_400 }[text.at(-1) ?? 's'] ?? 1;
  return Number(text.slice(0, -1)) * unit;
}

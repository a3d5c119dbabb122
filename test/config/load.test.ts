import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { loadConfig } from '../../src/config/load.ts';
import { generateKeyLine } from '../../src/crypto/key-text.ts';
import { limitDefaults } from '../../src/limits.ts';
import { secrets, sluiceYaml, withSite } from './site.ts';

describe('a right file', () => {
  it('loads, with secrets out of the environment and every default', async () => {
    await withSite(async ({ folder, load }) => {
      const config = await load(sluiceYaml());
      expect(config).toMatchObject({
        instance: 'north',
        servers: {
          instance: {
            url: 'http://127.0.0.1:8090',
            auth: { kind: 'basic', client: 'sluice', secret: secrets.INSTANCE_SECRET },
          },
          hub: {
            url: 'https://hub.example.org',
            auth: {
              kind: 'client-credentials',
              client: 'sluice-north',
              secret: secrets.HUB_SECRET,
              tokenUrl: 'https://hub.example.org/auth/token',
            },
          },
        },
        temporal: { address: '127.0.0.1:7233', namespace: 'default' },
        streams: [
          { direction: 'up', type: 'Patient', everySeconds: 30 },
          { direction: 'up', type: 'Encounter', everySeconds: 30 },
          { direction: 'down', type: 'Organization', everySeconds: 3600 },
        ],
        policy: { extends: 'aidbox-default' },
        steps: [],
        stagingFolder: join(folder, 'staging'),
        stateFile: join(folder, 'state.sqlite'),
        limits: limitDefaults,
      });
      expect(config.temporal.tls).toBeUndefined();
      expect(config.keys.staging.key(1)).toHaveLength(32);
    });
  });

  it('takes secrets and keys out of files and the environment, whatever the folder of the process', async () => {
    await withSite(async ({ load, write }) => {
      await write('hub.secret', 'from-a-file\n', 0o644);
      const servers = `servers:
  instance: { url: 'http://[::1]:8090/', auth: { basic: { client: c, secret: { file: hub.secret } } } }
  hub:
    url: https://hub.example.org/base/
    auth: { clientCredentials: { client: c, secret: { env: HUB_SECRET }, tokenUrl: 'https://idp.example.org/token' } }`;
      const keys =
        'keys: { staging: { env: STAGING_KEYS }, pseudonym: { file: pseudonym.key }, payload: { file: payload.key } }';
      const ring = `${generateKeyLine(1)}, ${generateKeyLine(2)}`;
      const config = await load(sluiceYaml({ servers, keys }), { HUB_SECRET: 'x y', STAGING_KEYS: ring });
      expect(config.servers.instance.url).toBe('http://[::1]:8090');
      expect(config.servers.instance.auth.secret).toBe('from-a-file');
      expect(config.servers.hub).toMatchObject({
        url: 'https://hub.example.org/base',
        auth: { secret: 'x y', tokenUrl: 'https://idp.example.org/token' },
      });
      expect(config.keys.staging.currentVersion).toBe(2);
    });
  });

  it('takes a policy, steps, limits and TLS for Temporal', async () => {
    await withSite(async ({ load, write, folder }) => {
      await write('policy.yaml', await readFile('policies/demo.yaml', 'utf8'));
      await write('step.mjs', 'export default (resources) => resources;');
      const more = {
        policy: 'policy: { file: policy.yaml }',
        steps: 'steps: [{ name: drop-drafts, module: step.mjs }]',
        limits: 'limits: { batchRowsMax: 100, quarantineShareMax: 0.25 }',
        temporal: 'temporal: { address: "t.example.org:7233", namespace: n, tls: {}, apiKey: { env: HUB_SECRET } }',
      };
      const config = await load(sluiceYaml(more));
      expect(config.policy).toMatchObject({ name: 'demo', default: 'keep' });
      expect(config.steps).toEqual([{ name: 'drop-drafts', moduleUrl: `file://${folder}/step.mjs` }]);
      expect(config.limits).toEqual({ ...limitDefaults, batchRowsMax: 100, quarantineShareMax: 0.25 });
      expect(config.temporal).toEqual({
        address: 't.example.org:7233',
        namespace: 'n',
        tls: {},
        apiKey: secrets.HUB_SECRET,
      });
    });
  });
});

describe('a wrong file', () => {
  it('is refused with one message that names every mistake: place, line, what was found, what is expected', async () => {
    await withSite(async (site) => {
      await site.write('step.mjs', 'export const other = 1;');
      await site.write(
        'policy.yaml',
        'apiVersion: fhir-sluice/v1\ndefault: keep\nrules:\n  - { path: Patient.name }\n',
      );
      await site.write('open.key', generateKeyLine(1), 0o644);
      await site.write('bad.key', 'v1:c2hvcnQ=');
      await site.write('empty.secret', '\n');
      const yaml = `apiVersion: fhir-sluice/v2
instance: North!
servers:
  instance:
    url: http://aidbox.example.org
    auth:
      basic: { client: 'a:b', secret: { env: ABSENT } }
    caFile: absent.pem
  hub:
    url: ftp://hub.example.org
    auth:
      clientCredentials: { secret: { file: empty.secret }, tokenUrl: 'https://u:p@idp.example.org/' }
    port: 80
temporal:
  address: 127.evil.example.org:7233
  tsl: {}
streams:
  - { direction: sideways, types: [], every: 30 }
  - { direction: up, types: [Patient, patient, ChangesInfo], every: 5m }
  - { direction: down, types: [Patient], every: 400d }
policy:
  file: policy.yaml
steps:
  - { name: one, module: step.mjs }
  - { name: one, module: absent.mjs }
staging:
keys:
  staging: { file: open.key }
  pseudonym: { file: bad.key }
  payload: { env: ABSENT_KEY }
limits:
  batchRowsMax: 0
  pageRowsMax: 10.5
  batchRows: 7
  resourceBytesMax: 10000000
`;
      const message = await site.refusal(yaml, {});
      const lines = message.split('\n').map((line) => line.trim());
      const expected = [
        'apiVersion (line 1): found "fhir-sluice/v2"; expected fhir-sluice/v1',
        'instance (line 2): found "North!"; expected a name of 1 to 20 small letters, digits and dashes',
        'servers.instance.url (line 5): found "http://aidbox.example.org"; expected https: (plain http: only on loopback)',
        'servers.instance.auth.basic.client (line 7): found "a:b"; expected the id of a Client, without colon or space',
        'servers.instance.auth.basic.secret.env (line 7): found no value in the environment variable ABSENT; expected a value',
        'servers.instance.caFile (line 8): found absent.pem, which cannot be read; expected a file that this user can read',
        'servers.hub.url (line 10): found "ftp://hub.example.org"; expected an address such as https://aidbox.example.org',
        'servers.hub.auth.clientCredentials.client (line 12): found nothing; expected the id of a Client, without colon or space',
        'servers.hub.auth.clientCredentials.secret.file (line 12): found an empty file; expected a file with the secret',
        'servers.hub.auth.clientCredentials.tokenUrl (line 12): found a text with @, ? or #; expected an address without credentials, query or fragment',
        'servers.hub.port (line 13): found an unknown setting; expected no setting but url, auth, caFile',
        'temporal.tls (line 14): found nothing; expected tls: {} or more, since the address is not on loopback',
        'temporal.tsl (line 16): found an unknown setting; expected no setting but address, namespace, tls, apiKey',
        'streams[0].direction (line 18): found "sideways"; expected up or down',
        'streams[0].types (line 18): found an empty list; expected at least one entry',
        'streams[0].every (line 18): found 30; expected a cadence from 1s to 365d, such as 30s, 5m, 1h or 1d',
        'streams[1].types[1] (line 19): found "patient"; expected a resource type such as Patient',
        'streams[1].types[2] (line 19): found ChangesInfo; expected a type of data: this one steers the service or opens a server',
        'streams[2].every (line 20): found "400d"; expected a cadence from 1s to 365d, such as 30s, 5m, 1h or 1d',
        'streams[2].types[0] (line 20): found Patient in both directions (also streams[1].types[0]); expected each type once, in one direction: one side owns it',
        'steps[0].module (line 24): found a module without a default export that is a function; expected export default (resources, context) => resources',
        'steps[1].name (line 25): found "one"; expected a name that no other step has',
        'steps[1].module (line 25): found absent.mjs, which cannot be read; expected a file that this user can read',
        'staging (line 26): found nothing; expected { folder: path } or { s3: { region, bucket } }',
        `keys.staging.file (line 28): found a key file that is not private (group or others may read ${site.folder}/open.key; run: chmod 600 ${site.folder}/open.key); expected mode 600`,
        'keys.pseudonym (line 29): found a key that has not 32 bytes (pseudonym key, line 1); expected lines of v<version>:<base64 of 32 bytes> (`sluice keygen` makes one)',
        'keys.payload.env (line 30): found no value in the environment variable ABSENT_KEY; expected a value',
        'limits.batchRowsMax (line 32): found 0; expected a whole number from 1 to 100000',
        'limits.pageRowsMax (line 33): found 10.5; expected a whole number from 1 to 10000',
        'limits.resourceBytesMax (line 35): found resourceBytesMax 10000000 above bundleBytesMax 8388608; expected resourceBytesMax at most bundleBytesMax: each resource has to fit into a bundle',
        'state: found nothing; expected { file: path } or { postgres: { url, password } }',
      ];
      for (const line of expected) expect(lines).toContain(line);
      expect(lines).toContainEqual(
        expect.stringMatching(/^limits\.batchRows \(line 34\): found an unknown setting; expected no setting but /),
      );
      expect(lines).toContainEqual(
        expect.stringMatching(/^policy\.file → policy\.yaml: rules\[0\]\.method \(line 4\): found nothing; expected /),
      );
      // Nothing is said twice, and nothing else is said.
      expect(lines).toHaveLength(1 + expected.length + 2);
      expect(lines[0]).toBe(`${site.folder}/sluice.yaml: ${lines.length - 1} mistakes, nothing was started`);
      expect(message).not.toMatch(/Invalid|undefined|\[object|received/);
    });
  });

  it.each([
    ['', /\(the file\).*: found nothing; expected a group of settings/],
    ['just words', /\(the file\) \(line 1\): found a text; expected a group of settings/],
    ['- a list', /\(the file\) \(line 1\): found a list; expected a group of settings/],
    ['a: [1\nb: 2', /\(the file\) \(line 2\): found what is not YAML \(.*\); expected one YAML document/],
    ['a: 1\n---\nb: 2', /\(the file\) \(line 2\): found what is not YAML \(multiple docs\)/],
    ['a: *nowhere', /\(the file\).*: found /],
  ])('that is no group of settings: %j', async (yaml, expected) => {
    await withSite(async ({ refusal }) => {
      expect(await refusal(yaml)).toMatch(expected);
    });
  });

  it('that repeats a setting, beside its other mistakes', async () => {
    await withSite(async ({ refusal }) => {
      const servers = sluiceYaml().replace('    url: https', '    url: https://first.example.org\n    url: https');
      const message = await refusal(`${servers}instance: South\n`);
      expect(message).toContain(
        'servers.hub.url (line 9): found this setting again (first on line 8); expected each setting once',
      );
      expect(message).toContain('instance (line 22): found this setting again (first on line 2)');
      expect(message).toContain('found "South"; expected a name of 1 to 20');
    });
  });

  it('that cannot be read', async () => {
    await expect(loadConfig('/nowhere/sluice.yaml')).rejects.toThrow(
      '/nowhere/sluice.yaml: 1 mistake, nothing was started',
    );
  });

  it.each([
    [
      'policy: {}',
      'policy (line 13): found a group of settings; expected { preset: aidbox-default or safe-harbor or limited-dataset or expert } or { file',
    ],
    ['policy: { preset: mine }', 'policy.preset (line 13): found "mine"; expected aidbox-default or safe-harbor'],
    ['policy: { preset: aidbox-default, file: x }', 'policy (line 13): found a group of settings; expected { preset'],
    [
      'policy: { file: x, also: y }',
      'policy.also (line 13): found an unknown setting; expected no setting but preset, file, plugins',
    ],
    ['policy: { file: 5 }', 'policy.file (line 13): found 5; expected a path'],
    ['policy: { file: x, plugins: { a: 5 } }', 'policy.plugins.a (line 13): found 5; expected a path'],
    ['policy: { file: x, plugins: { "a b": x } }', 'policy.plugins.(a name) (line 13): found a name of another form'],
  ])('points at the deepest place: %s', async (policy, expected) => {
    await withSite(async ({ refusal }) => {
      const message = await refusal(
        sluiceYaml({ streams: 'streams: [{ direction: up, types: [A], every: 1s }]\n', policy }),
      );
      expect(message).toContain(expected);
    });
  });

  it('that sends clear text away from this machine', async () => {
    await withSite(async ({ refusal, load }) => {
      for (const host of ['10.0.0.1', '127.0.0.1.example.org', '127.example.org', 'localhost.example.org'])
        expect(await refusal(sluiceYaml().replace('http://127.0.0.1:8090', `http://${host}`))).toContain(
          'servers.instance.url (line 5)',
        );
      for (const host of ['10.0.0.1', 'localhost.example.org', '127.1.evil.org'])
        expect(await refusal(sluiceYaml({ temporal: `temporal: { address: '${host}:7233' }` }))).toContain(
          'temporal.tls (line 10): found nothing; expected tls: {} or more, since the address is not on loopback',
        );
      for (const address of ['localhost:7233', '[::1]:7233', '127.0.0.2:1'])
        await load(sluiceYaml({ temporal: `temporal: { address: '${address}' }` }));
      expect(await refusal(sluiceYaml({ temporal: "temporal: { address: 'localhost:70000' }" }))).toContain(
        'port 70000',
      );
    });
  });

  it('whose hub is the instance', async () => {
    await withSite(async ({ refusal }) => {
      const message = await refusal(sluiceYaml().replace('https://hub.example.org', 'http://127.0.0.1:8090/'));
      expect(message).toContain(
        'servers.hub.url (line 8): found the address of servers.instance; expected another server',
      );
    });
  });

  it('with a type whose cursor would have no FHIR id', async () => {
    await withSite(async ({ refusal, load }) => {
      const streams = (type: string): string =>
        sluiceYaml({ streams: `streams: [{ direction: down, types: [${type}], every: 1d }]` });
      await load(streams('MedicinalProductUndesirableEffect'));
      expect(await refusal(streams('T'.repeat(60)))).toContain(
        'streams[0].types[0] (line 11): found a name of 60 characters; expected at most 49',
      );
    });
  });

  it('with one key for two purposes, or the same file for all', async () => {
    await withSite(async ({ refusal, write }) => {
      const line = generateKeyLine(1);
      await write('payload.key', line);
      await write('staging.key', `${line}\n${generateKeyLine(2)}`);
      const message = await refusal(sluiceYaml());
      expect(message).toContain(
        'keys.payload (line 20): found the same key twice (staging v1 and payload v1); expected a key of its own for each purpose',
      );
      expect(message).not.toContain(line.slice(3));
      expect(
        (await refusal(sluiceYaml().replaceAll('payload.key', 'pseudonym.key'))).match(/the same key twice/g),
      ).toHaveLength(1);
    });
  });

  it('with half a client certificate, or files that are no certificates', async () => {
    await withSite(async ({ refusal, write }) => {
      await write('some.pem', 'hello');
      const message = await refusal(
        sluiceYaml({
          temporal: "temporal: { address: 'localhost:7233', tls: { certFile: some.pem, caFile: some.pem } }",
        }),
      );
      expect(message).toContain(
        'temporal.tls (line 10): found one of certFile and keyFile; expected both of them or none',
      );
      expect(message).toContain(
        'temporal.tls.caFile (line 10): found a file of another kind; expected a PEM file of certificates',
      );
      expect(message).toContain('3 mistakes');
    });
  });
});

describe('a secret that stands in the file itself', () => {
  const hunter = 'hunter2-Zk9v';
  const auth = (text: string): string =>
    sluiceYaml().replace('{ basic: { client: sluice, secret: { env: INSTANCE_SECRET } } }', text);
  const keys = (text: string): string => sluiceYaml().replace('{ file: staging.key }', text);

  it.each([
    [
      'a secret',
      auth(`{ basic: { client: c, secret: ${hunter} } }`),
      'basic.secret (line 6): found a text; expected a secret as { env: NAME } or { file: path }, never the secret itself',
    ],
    ['a number', auth('{ basic: { client: c, secret: 20240817 } }'), 'basic.secret (line 6): found a number'],
    [
      'braces around',
      auth(`{ basic: { client: c, secret: { ${hunter} } } }`),
      'basic.secret (line 6): found a group of settings',
    ],
    [
      'beside env',
      auth(`{ basic: { client: c, secret: { env: A, value: ${hunter} } } }`),
      'expected a secret as { env',
    ],
    [
      'as a variable',
      auth(`{ basic: { client: c, secret: { env: ${hunter} } } }`),
      'basic.secret.env (line 6): found a text; expected the name of an environment variable',
    ],
    [
      'as a small variable',
      auth('{ basic: { client: c, secret: { env: hunter2Zk9v } } }'),
      'found no value in that environment variable',
    ],
    [
      'as a file',
      auth(`{ basic: { client: c, secret: { file: ${hunter} } } }`),
      'basic.secret.file (line 6): found a path where no file can be read',
    ],
    [
      'an unknown name',
      auth(`{ basic: { client: c, password: ${hunter}, secret: { env: INSTANCE_SECRET } } }`),
      'basic.password (line 6): found an unknown setting; expected no setting but client, secret',
    ],
    [
      'in place of a group',
      auth(`{ basic: ${hunter} }`),
      'auth.basic (line 6): found a text; expected a group of settings',
    ],
    ['in place of all', auth(`c:${hunter}`), 'auth (line 6): found a text; expected { basic: { client, secret } } or'],
    [
      'in an address',
      sluiceYaml().replace('http://127.0.0.1', `https://u:${hunter}@127.0.0.1`),
      'found a text with @, ? or #; expected an address without credentials',
    ],
    [
      'in a query',
      sluiceYaml().replace('127.0.0.1:8090', `127.0.0.1:8090/?k=${hunter}`),
      'found a text with @, ? or #',
    ],
    [
      'an API key',
      sluiceYaml({ temporal: `temporal: { address: 'localhost:1', apiKey: ${hunter} }` }),
      'temporal.apiKey (line 10): found a text; expected a secret as',
    ],
    ['a key', keys(hunter), 'keys.staging (line 18): found a text; expected a secret as'],
    [
      'a key as a file',
      keys(`{ file: '${hunter}' }`),
      'keys.staging.file (line 18): found a path where no key file can be read',
    ],
    [
      'on the wrong side of a colon',
      `${sluiceYaml()}${hunter}/+=: x\n`,
      '(a name) (line 21): found an unknown setting',
    ],
    ['in broken YAML', `${sluiceYaml()}x: [${hunter}\n`, 'found what is not YAML'],
  ])('is refused and not repeated: %s', async (_where, yaml, expected) => {
    await withSite(async ({ refusal }) => {
      const message = await refusal(yaml);
      expect(message).toContain(expected);
      expect(message).not.toMatch(/hunter2|Zk9v|20240817/);
    });
  });

  it('is not repeated out of a key, a key file or a secret file either', async () => {
    await withSite(async ({ refusal, write }) => {
      await write('staging.key', hunter);
      await write('hub.secret', `${hunter}\nsecond line`);
      const yaml = auth('{ basic: { client: c, secret: { file: hub.secret } } }');
      const message = await refusal(yaml.replace('{ file: payload.key }', '{ env: PAYLOAD }'), {
        ...secrets,
        PAYLOAD: hunter,
      });
      expect(message).toContain(
        'keys.staging (line 18): found a line that is no key (staging key, line 1); expected lines of v<version>:',
      );
      expect(message).toContain('keys.payload (line 20): found a line that is no key (payload key, line 1)');
      expect(message).toContain(
        'basic.secret.file (line 6): found a secret with line ends or other control characters',
      );
      expect(message).not.toMatch(/hunter2|Zk9v/);
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import { makeCertificate } from '../fhir/certificate.ts';
import { secrets, sluiceYaml, withSite } from './site.ts';

describe('staging in a bucket', () => {
  const s3 = (settings: string): string => sluiceYaml({ staging: `staging: { s3: { ${settings} } }` });

  it('needs a region and a bucket alone', async () => {
    await withSite(async ({ load }) => {
      const config = await load(s3('region: eu-central-1, bucket: sluice-staging'));
      expect(config.stagingFolder).toBe('');
      expect(config.stagingBucket).toEqual({ region: 'eu-central-1', bucket: 'sluice-staging', forcePathStyle: false });
    });
  });

  it('takes a server of the site’s own, its authority, a prefix and credentials', async () => {
    await withSite(async ({ load, write }) => {
      const { certificate } = await makeCertificate('minio.example.org');
      await write('minio.pem', certificate);
      await write('s3.secret', 'secret-key-1\n');
      const where = "endpoint: 'https://minio.example.org:9000', region: us-east-1, bucket: b.1, prefix: sluice/north";
      const who = 'accessKeyId: { env: HUB_SECRET }, secretAccessKey: { file: s3.secret }';
      const config = await load(s3(`${where}, ${who}, forcePathStyle: true, caFile: minio.pem`));
      expect(config.stagingBucket).toEqual({
        endpoint: 'https://minio.example.org:9000',
        region: 'us-east-1',
        bucket: 'b.1',
        prefix: 'sluice/north',
        forcePathStyle: true,
        ca: certificate,
        credentials: { accessKeyId: secrets.HUB_SECRET, secretAccessKey: 'secret-key-1' },
      });
      await load(s3("endpoint: 'http://127.0.0.1:9000', region: us-east-1, bucket: staging"));
    });
  });

  const right = 'region: r1, bucket: staging';
  it.each([
    ['bucket: staging', 's3.region (line 15): found nothing; expected a region such as eu-central-1'],
    ['region: r1, bucket: UPPER', 's3.bucket (line 15): found "UPPER"; expected the name of a bucket'],
    ['region: r1, bucket: a--use1-az4--x-s3', 's3.bucket (line 15): found "a--use1-az4--x-s3"; expected the name of'],
    [
      `${right}, endpoint: 'http://s3.example.org'`,
      's3.endpoint (line 15): found "http://s3.example.org"; expected https:',
    ],
    [`${right}, prefix: /north/`, 's3.prefix (line 15): found "/north/"; expected names with slashes between them'],
    [`${right}, prefix: a/../b`, 's3.prefix (line 15): found "a/../b"; expected names with slashes between them'],
    [`${right}, forcePathStyle: yes`, 's3.forcePathStyle (line 15): found a text; expected true or false'],
    [`${right}, caFile: absent.pem`, 's3.caFile (line 15): found absent.pem, which cannot be read'],
    [
      `${right}, accessKeyId: { env: HUB_SECRET }`,
      's3 (line 15): found one of accessKeyId and secretAccessKey; expected both',
    ],
    [`${right}, secretKey: x`, 's3.secretKey (line 15): found an unknown setting; expected no setting but endpoint'],
  ])('is refused with its place: %s', async (settings, expected) => {
    await withSite(async ({ refusal }) => {
      const message = await refusal(s3(settings));
      expect(message).toContain(`1 mistake, nothing was started\n  staging.${expected}`);
    });
  });

  it('does not repeat a secret that was written into the file', async () => {
    await withSite(async ({ refusal }) => {
      const message = await refusal(s3(`${right}, accessKeyId: AKIAHUNTER2, secretAccessKey: hunter2Zk9v`));
      expect(message).toContain('staging.s3.accessKeyId (line 15): found a text; expected a secret as { env: NAME }');
      expect(message).toContain('staging.s3.secretAccessKey (line 15): found a text; expected a secret as');
      expect(message).toContain(': 2 mistakes');
      expect(message).not.toMatch(/hunter2/i);
    });
  });

  it('is either that or a folder', async () => {
    await withSite(async ({ refusal }) => {
      const both = sluiceYaml({ staging: `staging: { folder: staging, s3: { ${right} } }` });
      expect(await refusal(both)).toContain(
        'staging (line 15): found a group of settings; expected { folder: path } or',
      );
    });
  });
});

describe('the state in a PostgreSQL', () => {
  const postgres = (settings: string): string => sluiceYaml({ state: `state: { postgres: { ${settings} } }` });
  const right = 'url: postgres://sluice@db.example.org/sluice, password: { env: HUB_SECRET }';

  it('loads, with TLS unless it is on this machine', async () => {
    await withSite(async ({ load, write }) => {
      const config = await load(postgres(right));
      expect(config.stateFile).toBe('');
      expect(config.stateDatabase).toEqual({
        url: 'postgres://sluice@db.example.org/sluice',
        password: secrets.HUB_SECRET,
        plain: false,
        schema: 'sluice',
      });
      const local = `url: 'postgresql://u@[::1]:5433/d', password: { env: HUB_SECRET }, schema: north_1`;
      expect((await load(postgres(local))).stateDatabase).toMatchObject({ plain: true, schema: 'north_1' });
      const { certificate } = await makeCertificate('db.example.org');
      await write('ca.pem', certificate);
      expect((await load(postgres(`${local}, caFile: ca.pem`))).stateDatabase).toMatchObject({
        plain: false,
        ca: certificate,
      });
    });
  });

  it.each([
    [
      'url: postgres://u@h/d',
      'password (line 16): found nothing; expected a secret as { env: NAME } or { file: path }',
    ],
    [
      right.replace('HUB_SECRET', 'ABSENT'),
      'password.env (line 16): found no value in the environment variable ABSENT',
    ],
    [
      right.replace('sluice@', 'sluice:hunter2@'),
      'url (line 16): found a text with @, ? or #; expected an address such',
    ],
    [right.replace('sluice@', ''), 'url (line 16): found'],
    [right.replace('/sluice,', ','), 'url (line 16): found'],
    [right.replace('/sluice,', '/sluice?sslmode=disable,'), 'url (line 16): found a text with @, ? or #'],
    [right.replace('postgres:', 'mysql:'), 'url (line 16): found'],
    [`${right}, schema: 'North'`, 'schema (line 16): found "North"; expected a name of small letters'],
    [`${right}, schema: pg_temp`, 'schema (line 16): found "pg_temp"; expected a name of small letters'],
    [`${right}, caFile: absent.pem`, 'caFile (line 16): found absent.pem, which cannot be read'],
    [`${right}, port: 5432`, 'port (line 16): found an unknown setting'],
  ])('is refused: %s', async (settings, expected) => {
    await withSite(async ({ refusal }) => {
      const message = await refusal(postgres(settings), secrets);
      expect(message).toContain(`1 mistake, nothing was started\n  state.postgres.${expected}`);
      expect(message).not.toContain('hunter2');
    });
  });
});

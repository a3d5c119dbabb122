import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { S3Connection, type S3BucketOptions } from '../../src/staging/s3-client.ts';

const options: S3BucketOptions = {
  region: 'eu-central-1',
  bucket: 'bucket',
  credentials: { accessKeyId: 'id-of-tests', secretAccessKey: 'secret-of-tests' },
  requestTimeoutSeconds: 1,
};

/** Where a request would go; it is held back. */
async function addressOf(changed: Partial<S3BucketOptions> = {}): Promise<string> {
  const connection = new S3Connection({ ...options, ...changed });
  let address = '';
  connection.client.middlewareStack.add(
    () => (args) => {
      const { protocol, hostname, path } = args.request as { protocol: string; hostname: string; path: string };
      address = `${protocol}//${hostname}${path}`;
      throw new Error('held back');
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  const command = new HeadBucketCommand({ Bucket: connection.bucket });
  await expect(connection.ask((call) => connection.client.send(command, call))).rejects.toMatchObject({
    code: 'staging-unavailable',
  });
  connection.close();
  return address;
}

describe('without an endpoint', () => {
  beforeEach(() => {
    process.env.AWS_ENDPOINT_URL = 'http://elsewhere.example.org';
  });
  afterEach(() => {
    delete process.env.AWS_ENDPOINT_URL;
  });

  it('requests go to Amazon with TLS, whatever the environment says', async () => {
    expect(await addressOf()).toBe('https://bucket.s3.eu-central-1.amazonaws.com/');
  });

  it('the environment changes nothing for an endpoint either', async () => {
    expect(await addressOf({ endpoint: 'https://s3.example.org:9000', forcePathStyle: true })).toBe(
      'https://s3.example.org/bucket/',
    );
  });
});

describe('names and keys', () => {
  it('differ by the prefix, and what is not below it has no name', () => {
    const below = new S3Connection({ ...options, prefix: 'sluice/north' });
    expect(below.keyOf('b/p')).toBe('sluice/north/b/p');
    expect(below.nameOf('sluice/north/b/p')).toBe('b/p');
    for (const key of ['b/p', 'sluice/northern/b/p', 'sluice/north']) expect(below.nameOf(key)).toBeUndefined();
    const whole = new S3Connection(options);
    expect([whole.keyOf('b/p'), whole.nameOf('b/p')]).toEqual(['b/p', 'b/p']);
  });
});

/** What a bucket's store does when the network or the server fails. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { openS3Store, type S3StoreOptions } from '../../src/staging/s3-store.ts';
import type { BlobStore } from '../../src/staging/staging.ts';
import { collect } from '../crypto/bytes.ts';
import { makeCertificate } from '../fhir/certificate.ts';
import { stream } from './folder.ts';
import { type Asked, etagOf, type Fault, refuse, S3Double, xml } from './s3-double.ts';

let double: S3Double;
let options: S3StoreOptions;
const stores: BlobStore[] = [];

async function open(changed: Partial<S3StoreOptions> = {}): Promise<BlobStore> {
  const store = await openS3Store({ ...options, ...changed });
  stores.push(store);
  double.log.length = 0;
  return store;
}

const problem = (code: string): object => ({ name: 'StagingProblem', code, message: code });

/** The fault for the first `count` requests that `chosen` chooses. */
function first(count: number, chosen: (asked: Asked) => boolean, fault: Fault): Fault {
  let done = 0;
  return (asked, response) => chosen(asked) && (done += 1) <= count && fault(asked, response);
}
const ofMethod =
  (method: string) =>
  (asked: Asked): boolean =>
    asked.method === method && asked.key !== '';
const cut = (_: Asked, response: ServerResponse): true => {
  response.socket?.resetAndDestroy();
  return true;
};
const count = (method: string): number => double.log.filter(ofMethod(method)).length;

beforeEach(async () => {
  double = new S3Double();
  options = await double.start();
  for (const name of ['log', 'info', 'warn', 'error'] as const) jest.spyOn(console, name);
});
afterEach(async () => {
  for (const store of stores.splice(0)) store.close();
  await double.stop();
  for (const name of ['log', 'info', 'warn', 'error'] as const) expect(console[name]).not.toHaveBeenCalled();
  jest.restoreAllMocks();
});

describe('a start', () => {
  it.each([
    ['ignores If-None-Match', () => (double.conditional = false)],
    ['does not know If-None-Match', () => (double.fault = notImplemented)],
  ])('is refused where the server %s, and leaves nothing', async (_, make) => {
    make();
    await expect(open()).rejects.toMatchObject(problem('staging-unconditional'));
    expect(double.objects.size).toBe(0);
  });

  const notImplemented: Fault = ({ headers }, response) =>
    headers['if-none-match'] !== undefined && refuse(response, 501, 'NotImplemented');

  it.each([
    [404, 'NoSuchBucket', 'staging-bucket-missing'],
    [403, 'AccessDenied', 'staging-forbidden'],
    [403, 'SignatureDoesNotMatch', 'staging-forbidden'],
    [403, 'QuotaExceeded', 'staging-full'],
    [507, 'XMinioStorageFull', 'staging-full'],
    [400, 'AuthorizationHeaderMalformed', 'staging-unavailable'],
    [301, 'PermanentRedirect', 'staging-unavailable'],
  ])('answers to %d %s with %s', async (status, code, expected) => {
    double.fault = (_, response) => refuse(response, status, code);
    await expect(open()).rejects.toMatchObject(problem(expected));
  });

  it('is refused where nobody listens', async () => {
    await double.stop();
    await expect(open()).rejects.toMatchObject(problem('staging-unavailable'));
  });

  it('trusts the authorities that it is given, and no other', async () => {
    const certificate = await makeCertificate('s3.example.org');
    const secure = new S3Double(certificate);
    try {
      const where = await secure.start();
      await expect(openS3Store(where)).rejects.toMatchObject(problem('staging-unavailable'));
      (await openS3Store({ ...where, ca: certificate.certificate })).close();
    } finally {
      await secure.stop();
    }
  });

  it('does without a list of uploads where the server keeps none', async () => {
    double.fault = ({ query }, response) => query.has('uploads') && refuse(response, 501, 'NotImplemented');
    await (await open()).put('b/p', stream(1));
  });
});

describe('a refusal', () => {
  it('of rights is told as such by every call', async () => {
    const store = await open();
    double.fault = (_, response) => refuse(response, 403, 'AccessDenied');
    const forbidden = problem('staging-forbidden');
    await expect(store.put('b/p', stream(1))).rejects.toMatchObject(forbidden);
    await expect(store.putIfAbsent('b/key', Buffer.alloc(1))).rejects.toMatchObject(forbidden);
    await expect(collect(store.get('b/p'))).rejects.toMatchObject(forbidden);
    await expect(store.has('b/p')).rejects.toMatchObject(forbidden);
    await expect(store.deleteAll('b/')).rejects.toMatchObject(forbidden);
    await expect(store.removeLeftovers(0)).rejects.toMatchObject(forbidden);
  });

  it('within a deletion by the page is one', async () => {
    const store = await open();
    await store.put('b/p', stream(1));
    const refusal = (code: string) => `<DeleteResult><Error><Key>b/p</Key><Code>${code}</Code></Error></DeleteResult>`;
    double.fault = ({ method }, response) => method === 'POST' && xml(response, 200, refusal('AccessDenied'));
    await expect(store.deleteAll('b/')).rejects.toMatchObject(problem('staging-forbidden'));
    double.fault = ({ method }, response) => method === 'POST' && xml(response, 200, refusal('InternalError'));
    await expect(store.deleteAll('b/')).rejects.toMatchObject(problem('staging-unavailable'));
  });
});

describe('SlowDown', () => {
  const slow: Fault = (_, response) => refuse(response, 503, 'SlowDown');

  it('is waited out', async () => {
    const store = await open();
    double.fault = first(2, ofMethod('PUT'), slow);
    await store.put('b/p', stream(3));
    expect(double.objects.get('b/p')).toEqual(Buffer.from([0, 1, 2]));
  });

  it('without end ends after three attempts', async () => {
    const store = await open();
    double.fault = slow;
    await expect(store.put('b/p', stream(3))).rejects.toMatchObject(problem('staging-unavailable'));
    expect(count('PUT')).toBe(3);
  });
});

describe('a write', () => {
  it('tells its length and a checksum', async () => {
    await (await open()).put('b/p', stream(3, 1000));
    expect(double.log[0]?.headers).toMatchObject({
      'content-length': '3000',
      'x-amz-checksum-crc32': expect.stringMatching(/^[A-Za-z0-9+/]{6}==$/),
    });
  });

  it('comes through a connection that is cut, and leaves nothing where it is cut again and again', async () => {
    const store = await open();
    double.fault = first(2, ofMethod('PUT'), cut);
    await store.put('b/p', stream(3));
    double.fault = cut;
    await expect(store.put('b/q', stream(3))).rejects.toMatchObject(problem('staging-unavailable'));
    expect([...double.objects.keys()]).toEqual(['b/p']);
  });

  it('whose answer is lost finds its own object and calls it somebody’s', async () => {
    const store = await open();
    double.fault = first(1, ofMethod('PUT'), (asked, response) => {
      double.objects.set(asked.key, asked.body);
      return cut(asked, response);
    });
    expect(await store.putIfAbsent('b/key', Buffer.from('mine'))).toBe(false);
    expect((await collect(store.get('b/key'))).toString()).toBe('mine');
  });

  it('that meets another at the same moment is tried again, a few times', async () => {
    const store = await open();
    const conflict: Fault = (_, response) => refuse(response, 409, 'ConditionalRequestConflict');
    double.fault = first(2, ofMethod('PUT'), conflict);
    expect(await store.putIfAbsent('b/key', Buffer.alloc(1))).toBe(true);
    double.fault = conflict;
    await expect(store.putIfAbsent('b/q', Buffer.alloc(1))).rejects.toMatchObject(problem('staging-unavailable'));
  });

  it('to a server that does not answer ends in time', async () => {
    const store = await open({ requestTimeoutSeconds: 0.2 });
    double.fault = () => true;
    await expect(store.put('b/p', stream(1))).rejects.toMatchObject(problem('staging-unavailable'));
  });

  it('ends with the store', async () => {
    const store = await open();
    double.fault = () => true;
    const writing = expect(store.put('b/p', stream(1))).rejects.toMatchObject(problem('staging-unavailable'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    store.close();
    await writing;
    await expect(store.has('b/p')).rejects.toMatchObject(problem('staging-unavailable'));
  });
});

describe('a read', () => {
  const object = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));

  /** Sends the object from where it is asked for, but breaks off after `bytes`. */
  const cutAfter =
    (bytes: number, etag = etagOf(object)): Fault =>
    ({ headers }, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
      const range = from > 0 ? { 'content-range': `bytes ${from}-${object.length - 1}/${object.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': object.length - from, etag, ...range });
      response.write(object.subarray(from, from + bytes), () => setTimeout(() => response.socket?.destroy(), 20));
      return true;
    };

  async function stored(): Promise<BlobStore> {
    const store = await open();
    double.objects.set('b/p', object);
    return store;
  }

  it.each([0, 1, 90_000])('that is cut after %d bytes goes on where it was', async (bytes) => {
    const store = await stored();
    double.fault = first(2, ofMethod('GET'), cutAfter(bytes));
    expect(Buffer.compare(await collect(store.get('b/p')), object)).toBe(0);
    expect(count('GET')).toBe(3);
  });

  it('that is cut each time fails, having told no wrong byte', async () => {
    const store = await stored();
    double.fault = cutAfter(1000);
    const read: Uint8Array[] = [];
    const reading = async (): Promise<void> => {
      for await (const chunk of store.get('b/p')) read.push(chunk);
    };
    await expect(reading()).rejects.toMatchObject(problem('staging-unavailable'));
    expect(Buffer.concat(read).equals(object.subarray(0, 3000))).toBe(true);
    expect(count('GET')).toBe(3);
  });

  it.each([
    ['was replaced meanwhile', () => double.objects.set('b/p', Buffer.alloc(200_000)), 'staging-unavailable'],
    ['was deleted meanwhile', () => double.objects.delete('b/p'), 'staging-missing'],
  ])('does not go on with an object that %s', async (_, change, code) => {
    const store = await stored();
    double.fault = first(1, ofMethod('GET'), (asked, response) => {
      change();
      return cutAfter(1000)(asked, response);
    });
    await expect(collect(store.get('b/p'))).rejects.toMatchObject(problem(code));
  });

  it('does not take the beginning for the rest from a server that knows no ranges', async () => {
    const store = await stored();
    double.fault = first(2, ofMethod('GET'), (asked, response) => cutAfter(1000)({ ...asked, headers: {} }, response));
    await expect(collect(store.get('b/p'))).rejects.toMatchObject(problem('staging-unavailable'));
  });

  it('that stalls ends in time', async () => {
    const store = await open({ requestTimeoutSeconds: 0.3 });
    double.objects.set('b/p', object);
    double.fault = ({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200, { 'content-length': object.length }).write(object.subarray(0, 10));
      return true;
    };
    await expect(collect(store.get('b/p'))).rejects.toMatchObject(problem('staging-unavailable'));
  });

  it('that is told to be nothing but a page of a proxy is an error, not an object', async () => {
    const store = await stored();
    double.fault = (_, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>MARKER');
      return true;
    };
    await expect(collect(store.get('b/p'))).rejects.toMatchObject(problem('staging-unavailable'));
    await expect(store.removeLeftovers(0)).rejects.toMatchObject(problem('staging-unavailable'));
  });
});

describe('a sweep', () => {
  it('gives uploads of killed writers up when they are old, page by page, and no other', async () => {
    const store = await open({ prefix: 'north' });
    const page = (rows: [key: string, ageSeconds: number][], more: string): string => {
      const uploads = rows.map(([key, ageSeconds]) => {
        const begun = new Date(Date.now() - ageSeconds * 1000).toISOString();
        return `<Upload><Key>${key}</Key><UploadId>id-${key}</UploadId><Initiated>${begun}</Initiated></Upload>`;
      });
      return `<ListMultipartUploadsResult>${uploads.join('')}${more}</ListMultipartUploadsResult>`;
    };
    const next =
      '<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>';
    double.fault = ({ method, query }, response) => {
      if (method === 'DELETE') return refuse(response, 404, 'NoSuchUpload');
      if (!query.has('uploads')) return false;
      const later = query.get('key-marker') === 'k' && query.get('upload-id-marker') === 'u';
      const rows: [string, number][] = later
        ? [['north/b/r', 7200]]
        : [
            ['north/b/p', 7200],
            ['north/b/q', 60],
          ];
      return xml(response, 200, page([...rows, ['other/b/p', 7200]], later ? '' : next));
    };
    expect(await store.removeLeftovers(3600)).toBe(2);
    const gone = double.log.filter(({ method }) => method === 'DELETE').map(({ query }) => query.get('uploadId'));
    expect(gone).toEqual(['id-north/b/p', 'id-north/b/r']);
  });
});

describe('a discard', () => {
  it('deletes the key before it looks for anything else', async () => {
    const store = await open();
    for (const name of ['a-part', 'key', 'part']) await store.put(`b/${name}`, stream(1));
    double.log.length = 0;
    double.fault = ({ method }, response) => method === 'GET' && refuse(response, 403, 'AccessDenied');
    await expect(store.deleteAll('b/')).rejects.toMatchObject(problem('staging-forbidden'));
    expect(double.log.map(({ method, key }) => [method, key])[0]).toEqual(['DELETE', 'b/key']);
    expect([...double.objects.keys()]).toEqual(['b/a-part', 'b/part']);
  });
});

/** Single objects of a bucket: written whole, created once, read, looked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ATTEMPTS_MAX, type S3Connection } from './s3-client.ts';
import { errorName, s3Problem, statusOf } from './s3-errors.ts';
import { StagingProblem } from './staging.ts';

/** A create that meets another writer's is tried again; that does not go on for ever. */
const CONFLICTS_MAX = 5;
const CONFLICT_WAIT_MS = 100;

/** Writes an object in one request, replacing what stood there. S3 shows all of it or nothing. */
export async function putObject(connection: S3Connection, name: string, body: Uint8Array): Promise<void> {
  const input = { ...at(connection, name), Body: body, ContentLength: body.length };
  await connection.ask((options) => connection.client.send(new PutObjectCommand(input), options));
}

/**
 * Writes an object where there is none; `false` where there is one. Also where an earlier try of the same call came through and
 * its answer was lost: then the object is ours.
 */
export async function createObject(connection: S3Connection, name: string, body: Uint8Array): Promise<boolean> {
  const input = { ...at(connection, name), Body: body, ContentLength: body.length, IfNoneMatch: '*' };
  return connection.ask(async (options) => {
    for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
      try {
        await connection.client.send(new PutObjectCommand(input), options);
        return true;
      } catch (error) {
        if (statusOf(error) === 412) return false;
        if (statusOf(error) === 501 || errorName(error) === 'NotImplemented')
          throw new StagingProblem('staging-unconditional');
        // Another create or a deletion of that key is under way at this moment.
        if (statusOf(error) !== 409) throw error;
      }
      await sleep(CONFLICT_WAIT_MS * 2 ** conflicts * Math.random(), undefined, { signal: connection.signal });
    }
    throw new StagingProblem('staging-unavailable');
  });
}

/**
 * Streams an object. Where the connection is cut, the rest of the same object is asked for: the ETag makes sure that it is
 * the same.
 */
export async function* readObject(connection: S3Connection, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  const place = { from: 0, etag: undefined as string | undefined };
  for (let tries = 1; ; tries += 1) {
    const body = await openBody(connection, name, place);
    const tooLong = setTimeout(() => body.destroy(new StagingProblem('staging-unavailable')), connection.timeoutMs);
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        place.from += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (tries >= ATTEMPTS_MAX || connection.signal.aborted) throw s3Problem(error);
    } finally {
      clearTimeout(tooLong);
      // Of whoever stops early: the connection is not left half read.
      body.destroy();
    }
  }
}

/** A HEAD's 404 does not say what is missing, so the bucket is asked for: without it nothing is known of the object. */
export async function hasObject(connection: S3Connection, name: string): Promise<boolean> {
  const found = await connection.ask(async (options) => {
    try {
      await connection.client.send(new HeadObjectCommand(at(connection, name)), options);
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  });
  if (!found) await requireBucket(connection);
  return found;
}

async function requireBucket(connection: S3Connection): Promise<void> {
  const command = new HeadBucketCommand({ Bucket: connection.bucket });
  await connection.ask((options) => connection.client.send(command, options), 'staging-bucket-missing');
}

/** The object's bytes from a place on. */
async function openBody(
  connection: S3Connection,
  name: string,
  place: { readonly from: number; etag: string | undefined },
): Promise<Readable> {
  // Nothing read yet: the whole object, whichever it is.
  const range = place.from === 0 ? {} : { Range: `bytes=${String(place.from)}-`, IfMatch: place.etag };
  const command = new GetObjectCommand({ ...at(connection, name), ...range });
  const answer = await connection.ask((options) => connection.client.send(command, options), 'staging-missing');
  const body = answer.Body as Readable | undefined;
  if (body === undefined) throw new StagingProblem('staging-unavailable');
  // A server that does not know ranges begins again, and so would the reader's bytes.
  if (place.from > 0 && answer.ContentRange?.startsWith(`bytes ${String(place.from)}-`) !== true) {
    body.destroy();
    throw new StagingProblem('staging-unavailable');
  }
  place.etag = answer.ETag;
  return body;
}

const at = (connection: S3Connection, name: string): { Bucket: string; Key: string } => ({
  Bucket: connection.bucket,
  Key: connection.keyOf(name),
});

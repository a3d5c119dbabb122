/** Many objects of a bucket: listed in the order of their keys, a page at a time, and deleted by the page. */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { CallOptions, S3Connection } from './s3-client.ts';
import { errorName, statusOf } from './s3-errors.ts';
import { StagingProblem } from './staging.ts';

/** An object as a listing shows it. */
export interface ListedObject {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

/** S3 lists and deletes so many at a time. */
const PAGE_OBJECTS = 1000;

/** Pages of the objects whose names begin with `prefix`, in the order of their names. */
export async function* listPages(
  connection: S3Connection,
  prefix: string,
): AsyncGenerator<ListedObject[], void, undefined> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: connection.bucket,
      Prefix: connection.keyOf(prefix),
      MaxKeys: PAGE_OBJECTS,
      ContinuationToken: token,
    });
    const answer = await connection.ask((options) => connection.client.send(command, options));
    yield (answer.Contents ?? []).flatMap(({ Key = '', Size = 0, LastModified = new Date() }) => {
      const name = connection.nameOf(Key);
      return name === undefined ? [] : [{ name, bytes: Size, modifiedAt: LastModified }];
    });
    token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** Deletes one object; none there is no error. */
export async function removeObject(connection: S3Connection, name: string): Promise<void> {
  const command = new DeleteObjectCommand({ Bucket: connection.bucket, Key: connection.keyOf(name) });
  await connection.ask((options) => connection.client.send(command, options));
}

/** Deletes a page of objects. S3 may delete some and refuse others: then it failed. */
export async function removeObjects(connection: S3Connection, objects: readonly ListedObject[]): Promise<void> {
  if (objects.length === 0) return;
  const command = new DeleteObjectsCommand({
    Bucket: connection.bucket,
    Delete: { Quiet: true, Objects: objects.map(({ name }) => ({ Key: connection.keyOf(name) })) },
  });
  const answer = await connection.ask((options) => connection.client.send(command, options));
  const errors = answer.Errors ?? [];
  if (errors.length === 0) return;
  const forbidden = errors.every(({ Code }) => Code === 'AccessDenied');
  throw new StagingProblem(forbidden ? 'staging-forbidden' : 'staging-unavailable');
}

/** Aborts uploads in pieces that were begun before `beforeMs` and never ended: a crashed writer's. Returns how many. */
export async function abortUploads(connection: S3Connection, beforeMs: number): Promise<number> {
  let aborted = 0;
  for await (const { key, id, begunMs } of uploads(connection)) {
    if (begunMs >= beforeMs) continue;
    await abortUpload(connection, key, id);
    aborted += 1;
  }
  return aborted;
}

/** Gives an upload in pieces up. One that is gone already is no error. */
export async function abortUpload(connection: S3Connection, key: string, id: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: connection.bucket, Key: key, UploadId: id });
  await connection.ask(async (options) => {
    try {
      await connection.client.send(command, options);
    } catch (error) {
      if (errorName(error) !== 'NoSuchUpload') throw error;
    }
  });
}

async function* uploads(
  connection: S3Connection,
): AsyncGenerator<{ key: string; id: string; begunMs: number }, void, undefined> {
  const input: ListMultipartUploadsCommandInput = { Bucket: connection.bucket, Prefix: connection.keyOf('') };
  for (;;) {
    const answer = await connection.ask((options) => listUploads(connection, input, options));
    for (const { Key = '', UploadId = '', Initiated } of answer.Uploads ?? []) {
      if (connection.nameOf(Key) !== undefined)
        yield { key: Key, id: UploadId, begunMs: Initiated?.getTime() ?? Date.now() };
    }
    if (answer.IsTruncated !== true) return;
    input.KeyMarker = answer.NextKeyMarker;
    input.UploadIdMarker = answer.NextUploadIdMarker;
  }
}

/** A server that keeps no such list has to clean up by itself. */
async function listUploads(
  { client }: S3Connection,
  input: ListMultipartUploadsCommandInput,
  options: CallOptions,
): Promise<
  Pick<ListMultipartUploadsCommandOutput, 'Uploads' | 'IsTruncated' | 'NextKeyMarker' | 'NextUploadIdMarker'>
> {
  try {
    return await client.send(new ListMultipartUploadsCommand(input), options);
  } catch (error) {
    if (statusOf(error) === 501) return {};
    throw error;
  }
}

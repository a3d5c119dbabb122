/** An object of any size into a bucket: in one request where it fits, else in pieces that become an object at the end. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { rechunk, type ByteSource } from '../crypto/rechunk.ts';
import type { Room } from './room.ts';
import type { S3Connection } from './s3-client.ts';
import { abortUpload } from './s3-listing.ts';
import { putObject } from './s3-objects.ts';
import { StagingProblem } from './staging.ts';

/** A staged part with one resource of the largest size fits, so that pieces are the exception. S3's own bound is 5 GiB. */
const PIECE_BYTES = 24 * 2 ** 20;

/** Writes the whole object or nothing. Holds one piece in memory. */
export async function uploadObject(
  connection: S3Connection,
  room: Room,
  name: string,
  chunks: ByteSource,
): Promise<{ bytes: number }> {
  let bytes = 0;
  let upload: PiecewiseUpload | undefined;
  try {
    for await (const { bytes: piece, last } of rechunk(chunks, PIECE_BYTES)) {
      await room.take(piece.length);
      bytes += piece.length;
      if (last && upload === undefined) {
        await putObject(connection, name, piece);
        break;
      }
      upload ??= await PiecewiseUpload.begin(connection, connection.keyOf(name));
      await upload.add(piece);
    }
    await upload?.complete();
  } catch (error) {
    room.giveBack(bytes);
    // What this cannot remove, the sweep does.
    await upload?.abort().catch(() => undefined);
    throw error;
  }
  room.filled(bytes);
  return { bytes };
}

class PiecewiseUpload {
  readonly #connection: S3Connection;
  readonly #place: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };
  readonly #parts: CompletedPart[] = [];

  private constructor(connection: S3Connection, place: { Bucket: string; Key: string; UploadId: string }) {
    this.#connection = connection;
    this.#place = place;
  }

  static async begin(connection: S3Connection, key: string): Promise<PiecewiseUpload> {
    const place = { Bucket: connection.bucket, Key: key };
    // The same checksum as the SDK's of a single request; the parts name theirs at the end.
    const command = new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' });
    const { UploadId } = await connection.ask((options) => connection.client.send(command, options));
    if (UploadId === undefined) throw new StagingProblem('staging-unavailable');
    return new PiecewiseUpload(connection, { ...place, UploadId });
  }

  async add(piece: Uint8Array): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    const input = { ...this.#place, PartNumber, Body: piece, ContentLength: piece.length };
    const command = new UploadPartCommand({ ...input, ChecksumAlgorithm: 'CRC32' });
    const answer = await this.#connection.ask((options) => this.#connection.client.send(command, options));
    const { ETag, ChecksumCRC32 } = answer;
    this.#parts.push({ PartNumber, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) });
  }

  async complete(): Promise<void> {
    const command = new CompleteMultipartUploadCommand({ ...this.#place, MultipartUpload: { Parts: this.#parts } });
    await this.#connection.ask((options) => this.#connection.client.send(command, options));
  }

  async abort(): Promise<void> {
    await abortUpload(this.#connection, this.#place.Key, this.#place.UploadId);
  }
}

/** What lies in a bucket of the tests' server. */
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { S3Server } from '../support/s3.ts';

/** Every key, in order. */
export async function keysIn({ client }: S3Server, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket }))
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
  return keys;
}

/** The JSON of a transaction: the fence's entries, then those of the writes. */
import { randomUUID } from 'node:crypto';

import type { Contents } from './contents.ts';
import type { EditedCopies } from './edited-copies.ts';
import { type CommitPlan, type PlannedWrite, type Sets, writeAt } from './planned.ts';

/**
 * The Bundle of some sets.
 * @param edited - knows which copies must be those that we wrote
 * @param fenceEntries - entries of the fence, as JSON; they come first
 */
export async function transactionBody(
  { plan, contents }: { readonly plan: CommitPlan; readonly contents: Contents },
  sets: Sets,
  edited: EditedCopies,
  fenceEntries: readonly string[],
): Promise<Buffer> {
  const pieces: Uint8Array[] = [Buffer.from('{"resourceType":"Bundle","type":"transaction","entry":[')];
  let separator = '';
  // First of all: whoever has lost hears that, and nothing about the data.
  for (const fenceEntry of fenceEntries) {
    pieces.push(Buffer.from(separator + fenceEntry));
    separator = ',';
  }
  for (const set of sets) {
    const writes = set.map((index) => writeAt(plan, index));
    const urns = urnsOf(writes);
    for (const write of writes) {
      pieces.push(Buffer.from(separator), ...(await entryOf(contents, write, urns, edited.versionOf(write))));
      separator = ',';
    }
  }
  pieces.push(Buffer.from(']}'));
  return Buffer.concat(pieces);
}

async function entryOf(
  contents: Contents,
  write: PlannedWrite,
  urns: ReadonlyMap<string, string>,
  version: string | undefined,
): Promise<Uint8Array[]> {
  const ifMatch = version !== undefined && { ifMatch: `W/"${version}"` };
  const request = `"request":${JSON.stringify({ method: write.method, url: write.key, ...ifMatch })}}`;
  if (write.method === 'DELETE') return [Buffer.from(`{${request}`)];
  const urn = urns.get(write.key);
  const fullUrl = urn === undefined ? '' : `"fullUrl":"${urn}",`;
  const content = withUrns(await contents.contentOf(write), urns);
  return [Buffer.from(`{${fullUrl}"resource":`), content, Buffer.from(`,${request}`)];
}

/**
 * Members of a set refer to each other, one of them to a later entry. Whether a server finds that one by `Type/id`
 * is open; by the `urn:uuid` of its `fullUrl` it has to (FHIR R4, 3.1.0.11.2).
 */
function urnsOf(writes: readonly PlannedWrite[]): ReadonlyMap<string, string> {
  if (writes.length < 2) return new Map();
  return new Map(writes.map(({ key }) => [key, `urn:uuid:${randomUUID()}`]));
}

/** The JSON with references to members of its set by their `urn:uuid`. Our own JSON, so its spelling is known. */
function withUrns(content: Uint8Array, urns: ReadonlyMap<string, string>): Uint8Array {
  if (urns.size === 0) return content;
  const text = Buffer.from(content).toString('utf8');
  return Buffer.from(
    text.replaceAll(/"reference":"([^"\\]+)"/g, (whole, key: string) => {
      const urn = urns.get(key);
      return urn === undefined ? whole : `"reference":"${urn}"`;
    }),
  );
}

/** Reading and writing a batch's forms in staging: `raw`, `clean`, `step-<n>`, each in numbered parts. */
import { randomBytes } from 'node:crypto';

import { fixedLimits } from '../limits.ts';
import type { Staging } from '../staging/staging.ts';
import type { StreamKey } from '../state/streams.ts';

/** A new batch's name: opaque, unique to this attempt, so that a lost attempt never writes into a live batch. */
export const newBatchId = (instance: string, stream: StreamKey, epoch: number): string =>
  `${instance}.${stream.direction}.${stream.type}.e${String(epoch)}.${randomBytes(8).toString('hex')}`;

const partName = (form: string, part: number): string => `${form}-${String(part).padStart(5, '0')}`;

/** One part's bytes, whole: parts are bounded by `partBytesMax` and one resource. */
export async function readPart(staging: Staging, batch: string, form: string, part: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of staging.read(batch, partName(form, part))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function writePart(
  staging: Staging,
  batch: string,
  form: string,
  part: number,
  bytes: Uint8Array,
): Promise<void> {
  await staging.write(batch, partName(form, part), [bytes]);
}

/** Writes lines as parts of bounded size. Returns how many. */
export async function writeLines(
  staging: Staging,
  batch: string,
  form: string,
  lines: Iterable<string>,
): Promise<number> {
  let part = 0;
  let open: string[] = [];
  let openBytes = 0;
  const flush = async (): Promise<void> => {
    if (open.length === 0) return;
    await writePart(staging, batch, form, part, Buffer.from(open.join('')));
    part += 1;
    open = [];
    openBytes = 0;
  };
  for (const line of lines) {
    open.push(line);
    openBytes += line.length;
    if (openBytes >= fixedLimits.partBytesMax) await flush();
  }
  await flush();
  return part;
}

const planPart = (round: number): string => `plan-${String(round)}`;

/** The plan of a commit's round, made once and kept beside the batch, so that every attempt follows the same one. */
export async function readPlan<Plan>(staging: Staging, batch: string, round: number): Promise<Plan | undefined> {
  if (!(await staging.has(batch, planPart(round)))) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of staging.read(batch, planPart(round))) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Plan;
}

export async function writePlan(staging: Staging, batch: string, round: number, plan: unknown): Promise<void> {
  await staging.write(batch, planPart(round), [Buffer.from(JSON.stringify(plan))]);
}

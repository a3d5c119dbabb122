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

/** Whether a form has such a part. */
export const hasPart = (staging: Staging, batch: string, form: string, part: number): Promise<boolean> =>
  staging.has(batch, partName(form, part));

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

const markPart = (round: number): string => `plan-${String(round)}`;
const planPart = (round: number, planner: string): string => `plan-${String(round)}-${planner}`;

/** An attempt's plan of a commit's round, beside the batch. Which attempt's is followed, the state says. */
export const readPlan = <Plan>(staging: Staging, batch: string, round: number, planner: string): Promise<Plan> =>
  readJson<Plan>(staging, batch, planPart(round, planner));

export const writePlan = (
  staging: Staging,
  batch: string,
  round: number,
  plan: { readonly planner: string },
): Promise<void> => writeJson(staging, batch, planPart(round, plan.planner), plan);

/**
 * Notes beside the batch which plan has become the commit's, for those who look for it when the state has forgotten it: once
 * it is noted as finished. Before anything of it is sent.
 */
export const markPlan = (staging: Staging, batch: string, round: number, planner: string): Promise<void> =>
  writeJson(staging, batch, markPart(round), { planner });

/** The plan that is noted beside the batch, if there is one. An older program staged the plan itself there. */
export async function readMarkedPlan<Plan extends { readonly label: string }>(
  staging: Staging,
  batch: string,
  round: number,
): Promise<Plan | undefined> {
  if (!(await staging.has(batch, markPart(round)))) return undefined;
  const mark = await readJson<Plan | { readonly planner: string }>(staging, batch, markPart(round));
  return 'label' in mark ? mark : readPlan(staging, batch, round, mark.planner);
}

async function readJson<Value>(staging: Staging, batch: string, part: string): Promise<Value> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of staging.read(batch, part)) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Value;
}

async function writeJson(staging: Staging, batch: string, part: string, value: unknown): Promise<void> {
  await staging.write(batch, part, [Buffer.from(JSON.stringify(value))]);
}

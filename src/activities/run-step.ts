/**
 * run-step: one of the configuration's extra steps, between anonymize and authorize. It sees a batch's de-identified
 * resources at once; what it returns goes through the output check like everything else.
 */
import type { Batch, StepInput } from './contract.ts';
import { guarded, heartbeat, TroubleError } from './failures.ts';
import { type Parts, policyOf } from './parts.ts';
import { readPart, writePart } from './staged.ts';

type StepRequest = StepInput & { readonly batch: Batch };

export const createRunStep = (parts: Parts): ((input: StepInput) => Promise<Batch>) =>
  guarded('run-step', parts.log, (input: StepRequest) => runStep(parts, input));

async function runStep(parts: Parts, { batch, step }: StepRequest): Promise<Batch> {
  const configured = parts.steps[step];
  // The worker was restarted with other steps: the batch has to go through those from the beginning.
  if (configured === undefined) throw new TroubleError('lost-race');
  const { direction, type } = batch.stream;
  const read: Buffer[] = [];
  for (let part = 0; part < batch.parts; part++) {
    read.push(await readPart(parts.staging, batch.id, batch.form, part));
    heartbeat({ partsRead: part + 1 });
  }
  const context = { direction, type, policy: policyOf(parts, direction) };
  const outcome = await parts.pool.runStep({ moduleUrl: configured.moduleUrl, context, lines: Buffer.concat(read) });
  const form = `step-${configured.name}`;
  await writePart(parts.staging, batch.id, form, 0, outcome.lines);
  const { resources, withheld } = outcome;
  parts.log.info('batch-stepped', { direction, type, batch: batch.id, step: configured.name, resources, withheld });
  return { ...batch, form, parts: 1, withheld: batch.withheld + withheld };
}

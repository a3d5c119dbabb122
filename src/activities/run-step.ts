/**
 * step-<name>: one of the configuration's extra steps, between anonymize and authorize. It sees a batch's de-identified
 * resources at once; what it returns goes through the output check like everything else.
 */
import type { Batch, StepActivities, StepInput } from './contract.ts';
import { stepActivityName } from '../sync/step-name.ts';
import { guarded, heartbeat } from './failures.ts';
import { type Parts, policyOf } from './parts.ts';
import { readPart, writePart } from './staged.ts';

type ConfiguredStep = Parts['steps'][number];

/** An activity for each configured step. */
export const createSteps = (parts: Parts): StepActivities =>
  Object.fromEntries(
    parts.steps.map((step) => {
      const name = stepActivityName(step.name);
      return [name, guarded(name, parts.log, (input: StepInput) => runStep(parts, step, input))];
    }),
  );

async function runStep(parts: Parts, configured: ConfiguredStep, { batch }: StepInput): Promise<Batch> {
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

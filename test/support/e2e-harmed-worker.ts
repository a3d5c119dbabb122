/**
 * Workers that come to harm at chosen places; for tests only.
 *
 *     node e2e-killable-worker.ts <bundle> <sluice.yaml>…
 *
 * Several configurations make several workers in one process. `E2E_HARM` is JSON, a list of harms:
 * - `hold`: says `reached <instance> <Type>` before or after the activity's n-th execution for a stream, and never goes
 *   on from there. Whoever reads that kills the process (SIGKILL), at that very place of each stream.
 * - `corrupt`: damages what is staged before the activity begins, and goes on.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ActivityInterceptorsFactory } from '@temporalio/worker';

import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createWorker } from '../../src/worker.ts';

export interface Harm {
  readonly instance: string;
  readonly what: 'hold' | 'corrupt';
  readonly when: 'before' | 'after';
  readonly activity: string;
  readonly type: string;
  /** Which execution, from 1. */
  readonly execution: number;
}

const [bundle = '', ...files] = process.argv.slice(2);
const harms = JSON.parse(process.env.E2E_HARM ?? '[]') as readonly Harm[];

function corrupt(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) continue;
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
  }
}

/** The type of an activity's stream, whichever of the inputs it is. */
function typeOf(input: unknown): string | undefined {
  const { stream, batch } = input as { stream?: { type: string }; batch?: { stream?: { type: string } } };
  return stream?.type ?? batch?.stream?.type;
}

function harmful({ instance, stagingFolder }: Config): ActivityInterceptorsFactory {
  const executions = new Map<Harm, number>();
  /** The harm of this execution, if any. */
  const harmOf = (activity: string, input: unknown): Harm | undefined => {
    const harm = harms.find(
      (one) => one.instance === instance && one.activity === activity && one.type === typeOf(input),
    );
    if (harm === undefined) return undefined;
    const execution = (executions.get(harm) ?? 0) + 1;
    executions.set(harm, execution);
    return execution === harm.execution ? harm : undefined;
  };
  const doHarm = async ({ what, type }: Harm, beat: () => void): Promise<void> => {
    if (what === 'corrupt') {
      corrupt(stagingFolder);
      return;
    }
    console.log(`reached ${instance} ${type}`);
    // Not given up for dead while the others are on their way to their places.
    await new Promise(() => setInterval(beat, 5_000));
  };
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const harm = harmOf(context.info.activityType, input.args[0]);
        const beat = (): void => context.heartbeat();
        if (harm?.when === 'before') await doHarm(harm, beat);
        const result: unknown = await next(input);
        if (harm?.when === 'after') await doHarm(harm, beat);
        return result;
      },
    },
  });
}

const workers = await Promise.all(
  files.map(async (file) => {
    const config = await loadConfig(file);
    return createWorker(config, { workflowBundle: { codePath: bundle }, activityInterceptors: [harmful(config)] });
  }),
);
process.once('SIGTERM', () => {
  for (const worker of workers) worker.stop();
});
await Promise.all(workers.map((worker) => worker.run()));

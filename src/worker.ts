/** A site's background service: config → parts → Temporal worker. */
import type { Client } from '@temporalio/client';
import {
  type ActivityInterceptorsFactory,
  NativeConnection,
  Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';

import { createActivities } from './activities/index.ts';
import type { StartStream } from './activities/poll-streams.ts';
import { type Assembly, assemble } from './assemble.ts';
import { type Config, taskQueueOf } from './config/config.ts';
import { sluiceDataConverter } from './crypto/data-converter.ts';
import { createLog, type Log } from './log.ts';
import { currentDeparture } from './state/departures.ts';
import { connectionOptions, temporalClient } from './temporal/connect.ts';
import { leavePorts } from './temporal/leave.ts';
import { installSdkLogger } from './temporal/sdk-logger.ts';
import { startSync } from './temporal/start-sync.ts';
import { workflowsPath } from './workflow-bundle.ts';

export interface WorkerOptions {
  readonly log?: Log;
  /** A bundle made before (`npm run bundle`); without it the workflows are bundled at start, which takes seconds. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** For tests that stop the process at chosen places. */
  readonly activityInterceptors?: ActivityInterceptorsFactory[];
}

export interface SluiceWorker {
  /** Runs until `stop` is called; rejects where the worker fails. */
  run(): Promise<void>;
  /** Stops polling; what is in flight finishes within the grace time or is given back. */
  stop(): void;
}

/** Activities in flight get so long to finish before they are told to give their batch back. */
const graceTime = '10 seconds';
/** After so long the process ends whatever happens; Temporal gives the rest to another worker. */
const forceTime = '30 seconds';

/** Creates a site's worker: it polls the site's own task queue and no other. */
export async function createWorker(config: Config, options: WorkerOptions = {}): Promise<SluiceWorker> {
  const log = options.log ?? createLog();
  installSdkLogger(log);
  const assembly = await assemble(config, log);
  const connection = await NativeConnection.connect(connectionOptions(config.temporal));
  const client = temporalClient(config, connection);
  const taskQueue = taskQueueOf(config.instance);
  const worker = await Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue,
    identity: `sluice-${config.instance}-${String(process.pid)}`,
    dataConverter: sluiceDataConverter(config.keys.payload),
    activities: createActivities(assembly.parts, starter(config, client), leavePorts(client, config.instance)),
    maxConcurrentActivityTaskExecutions: config.limits.activitiesInFlightMax,
    shutdownGraceTime: graceTime,
    shutdownForceTime: forceTime,
    ...(options.workflowBundle === undefined
      ? { workflowsPath: workflowsPath }
      : { workflowBundle: options.workflowBundle }),
    ...(options.activityInterceptors && { interceptors: { activity: options.activityInterceptors } }),
  });
  const { instance, streams } = config;
  return {
    async run() {
      log.info('worker-started', { instance, taskQueue, streams: streams.length, policy: assembly.parts.policyDigest });
      try {
        await sayIfLeft(assembly.parts);
        await worker.run();
      } finally {
        await assembly.close();
        await connection.close();
        log.info('worker-stopped', { instance });
      }
    },
    stop() {
      log.info('worker-stopping', { instance });
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

const starter =
  (config: Config, client: Client): StartStream =>
  ({ stream, askFirst }) =>
    startSync(client, { instance: config.instance, ...stream, ...(askFirst && { askFirst }) });

/** A worker of an instance that has left answers, and syncs nothing: `sluice join` ends that. */
async function sayIfLeft({ db, instance, log }: Assembly['parts']): Promise<void> {
  const departure = await currentDeparture(db);
  if (departure === undefined) return;
  const { data, leftMs, begunMs } = departure;
  const since = new Date(leftMs > 0 ? leftMs : begunMs).toISOString();
  log.warn('instance-left', { instance, data, since, comeBack: 'sluice join' });
}

/** Runs a worker until SIGTERM or SIGINT. */
export async function runWorker(config: Config, options: WorkerOptions = {}): Promise<void> {
  const worker = await createWorker(config, options);
  const stop = (): void => {
    worker.stop();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    await worker.run();
  } finally {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  }
}

/**
 * The Temporal SDK's own log, through the event catalogue: level and component only. Its messages may quote an
 * activity's error, so none of them is passed on.
 */
import { DefaultLogger, type LogEntry, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

import type { Log } from '../log.ts';

let installed = false;

/** Installs the logger once in a process, before the first worker is made. */
export function installSdkLogger(log: Log): void {
  if (installed) return;
  installed = true;
  const logger = new DefaultLogger('WARN', (entry: LogEntry) => {
    const component: unknown = entry.meta?.sdkComponent;
    log.warn('temporal-sdk', { level: entry.level, component: typeof component === 'string' ? component : 'unknown' });
  });
  // The SDK's core writes to standard output by itself, failures and all, unless it is told to hand its lines over.
  const logging = { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} };
  // Signals are handled by `runWorker`; the runtime must not do it a second time.
  Runtime.install({ logger, telemetryOptions: { logging }, shutdownSignals: [] });
}

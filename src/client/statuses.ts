/** The states of streams: seen from Temporal and the cursors, with the site's own numbers, and waited for. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

import type { DescribedStream } from '../activities/contract.ts';
import { targetName } from '../activities/parts.ts';
import { connectServer } from '../assemble.ts';
import type { Config } from '../config/config.ts';
import type { StreamKey } from '../state/streams.ts';
import { liveTotals, type StreamStatus, streamStatus } from '../temporal/status.ts';

/** States that end a wait: the stream has nothing left to do, or cannot go on by itself. */
const settledStates: ReadonlySet<StreamStatus['state']> = new Set([
  'current',
  'left',
  'denied',
  'blocked',
  'paused',
  'failed',
  'terminated',
  'idle',
]);

/** The state of each stream, with its numbers as the site has them now where a worker of it answers. */
export async function statusesOf(
  client: Client,
  config: Config,
  streams: readonly StreamKey[],
): Promise<StreamStatus[]> {
  const [statuses, live] = await Promise.all([seen(client, config, streams), liveTotals(client, config.instance)]);
  return withTotals(statuses, live);
}

/** What Temporal and the cursors say. */
const seen = (client: Client, { instance, servers, limits }: Config, streams: readonly StreamKey[]) =>
  Promise.all(
    streams.map((stream) =>
      streamStatus(client, connectServer(servers[targetName(stream.direction)], limits), instance, stream),
    ),
  );

/** How long a wait may last without a worker, and who is told of each look. */
export interface Wait {
  readonly onChange?: ((statuses: StreamStatus[]) => void) | undefined;
  readonly patienceMs: number;
}

/** Waits until each stream is caught up or cannot go on by itself. */
export async function untilSettled(
  client: Client,
  config: Config,
  streams: readonly StreamKey[],
  { onChange, patienceMs }: Wait,
): Promise<StreamStatus[]> {
  let answeredMs = Date.now();
  for (let waitMs = 300; ; waitMs = Math.min(2_000, waitMs * 1.3)) {
    const statuses = await seen(client, config, streams);
    onChange?.(statuses);
    if (!statuses.some((status) => status.state === 'unanswered')) answeredMs = Date.now();
    const patient = Date.now() - answeredMs < patienceMs;
    const settled = ({ state }: StreamStatus): boolean =>
      settledStates.has(state) || (state === 'unanswered' && !patient);
    // The states that ended the wait: a tick may have opened a stream again meanwhile.
    if (statuses.every(settled)) return withTotals(statuses, await liveTotals(client, config.instance));
    await sleep(waitMs);
  }
}

/** The numbers as the site has them now, where it said. */
const withTotals = (statuses: readonly StreamStatus[], live: readonly DescribedStream[] | undefined): StreamStatus[] =>
  statuses.map((status) => {
    const now = live?.find(({ direction, type }) => direction === status.direction && type === status.type);
    if (now === undefined) return status;
    const state = stateNow(status.state, now.left === true);
    const { totals, reconciled, resync } = now;
    return { ...status, state, totals, ...(reconciled && { reconciled }), ...(resync && { resync }) };
  });

/** An idle stream shows how its last run ended; whether the instance has left, the site knows better. */
function stateNow(seen: StreamStatus['state'], left: boolean): StreamStatus['state'] {
  if (seen === 'left') return left ? seen : 'idle';
  return left && ['current', 'denied', 'idle', 'failed', 'terminated'].includes(seen) ? 'left' : seen;
}

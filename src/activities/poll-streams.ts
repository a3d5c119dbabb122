/**
 * poll-streams: the one activity of a tick. Asks the newest version of each stream of this cadence and starts
 * `syncResourceType` for those that have something to do; one that is open already is left alone and costs nothing.
 */
import pMap from 'p-map';

import { readStream, updateStream } from '../state/streams.ts';
import { observeHead, readHeads } from '../state/window.ts';
import { tierOf } from '../sync/tiers.ts';
import { isDue, maturedHead } from '../sync/window.ts';
import type { DueStream, PollInput, PollResult, StreamKey } from './contract.ts';
import { alive, cancelSignal, failureOf, heartbeat, onSide } from './failures.ts';
import { type Parts, settleMsOf, sourceName } from './parts.ts';
import { sweepStaging } from './sweep-staging.ts';

/** Starts a stream's workflow unless it is open. */
export type StartStream = (due: DueStream) => Promise<void>;

const headsInFlight = 4;

export const createPollStreams =
  (parts: Parts, start: StartStream): ((input: PollInput) => Promise<PollResult>) =>
  async ({ everySeconds }) => {
    try {
      return await alive(() => pollStreams(parts, start, everySeconds));
    } catch (error) {
      const failure = failureOf(error, 'poll-streams');
      // What is none of ours comes from Temporal's client, and says what it has to.
      throw failure.type === 'unexpected' ? error : failure;
    }
  };

async function pollStreams(parts: Parts, start: StartStream, everySeconds: number): Promise<PollResult> {
  const streams = parts.streams
    .filter((stream) => stream.everySeconds === everySeconds)
    .map(({ direction, type }): StreamKey => ({ direction, type }));
  const troubles: Record<string, number> = {};
  let asked = 0;
  const answers = await pMap(
    streams,
    async (stream) => {
      asked += 1;
      heartbeat({ asked });
      try {
        return await dueStream(parts, stream);
      } catch (error) {
        // One bad type stops nobody else: it is started, so that its own workflow tells what is wrong.
        const code = failureOf(error, 'poll-streams').type ?? 'unexpected';
        troubles[code] = (troubles[code] ?? 0) + 1;
        return { stream, askFirst: false };
      }
    },
    { concurrency: headsInFlight },
  );
  const due = answers.filter((answer) => answer !== undefined);
  // Lower tiers first, and all of them announced before the first begins: its first load looks for the others.
  due.sort((a, b) => tierOf(a.stream.type) - tierOf(b.stream.type));
  for (const { stream } of due) await announce(parts, stream);
  let started = 0;
  for (const one of due) {
    await start(one);
    started += 1;
    heartbeat({ started });
  }
  await sweepStaging(parts);
  return { asked, due: due.length, started, troubles };
}

async function dueStream(parts: Parts, stream: StreamKey): Promise<DueStream | undefined> {
  const { direction, type } = stream;
  const server = sourceName(direction);
  const head = await onSide('source', () => parts.servers[server].head(type, cancelSignal()));
  const now = parts.now();
  const settleMs = settleMsOf(parts.limits);
  await observeHead(parts.db, server, head, now);
  const position = await readStream(parts.db, stream);
  const matured = maturedHead(await readHeads(parts.db, server, now, settleMs), now, settleMs);
  if (isDue({ ...position, windowRows: 0 }, head, matured)) return { stream, askFirst: position.denied !== '' };
  await updateStream(parts.db, stream, (at) => ({ ...at, loaded: true, currentAtMs: now }));
  return undefined;
}

/** A stream at its very beginning says that it is on its way (see `fetch/tier-gate.ts`). */
async function announce(parts: Parts, stream: StreamKey): Promise<void> {
  const position = await readStream(parts.db, stream);
  if (position.loaded || position.progressAtMs !== 0) return;
  await updateStream(parts.db, stream, (at) => ({ ...at, progressAtMs: parts.now() }));
}

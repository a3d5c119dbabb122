/**
 * poll-streams: the one activity of a tick. Asks the newest version of each stream of this cadence and starts
 * `syncResourceType` for those that have something to do; one that is open already is left alone and costs nothing.
 */
import pMap from 'p-map';

import { countDeletions } from '../state/deletions.ts';
import { hasOrderedRetries } from '../state/retries.ts';
import { readStream, updateStream } from '../state/streams.ts';
import { hasWanted } from '../state/wanted.ts';
import { leftoversDue } from '../sync/leftovers.ts';
import { tierOf } from '../sync/tiers.ts';
import type { TroubleCode } from '../sync/trouble.ts';
import { isDue } from '../sync/window.ts';
import type { DueStream, PollInput, PollResult, StreamKey } from './contract.ts';
import { alive, cancelSignal, failureOf, heartbeat, onSide, troubleCodeOf, TroubleError } from './failures.ts';
import { currentDeparture } from '../state/departures.ts';
import { noteHead } from './note-head.ts';
import { type Parts, sourceName } from './parts.ts';
import { sweepStaging } from './sweep-staging.ts';
import { watchParked } from './watch-parked.ts';

/** Starts a stream's workflow unless it is open. */
export type StartStream = (due: DueStream) => Promise<void>;

const headsInFlight = 4;

/** Troubles of a whole server: no other stream of it has to find that out again in the same tick. */
const serverIsDown: ReadonlySet<TroubleCode> = new Set(['source-unreachable', 'source-busy', 'source-crowded']);

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
  // No server is asked; the streams are not started to tell it either: whoever left knows.
  if ((await currentDeparture(parts.db)) !== undefined)
    return { asked: 0, due: 0, started: 0, troubles: { left: streams.length } };
  const troubles: Record<string, number> = {};
  let asked = 0;
  const ask = async (stream: StreamKey, down: Set<TroubleCode>): Promise<DueStream | undefined> => {
    asked += 1;
    heartbeat({ asked });
    try {
      // A server that does not answer is asked once a tick: its streams are started, and tell what is wrong.
      const [known] = down;
      if (known !== undefined) throw new TroubleError(known);
      return await dueStream(parts, stream);
    } catch (error) {
      // One bad type stops nobody else: it is started, so that its own workflow tells what is wrong.
      const code = troubleCodeOf(error);
      if (serverIsDown.has(code)) down.add(code);
      troubles[code] = (troubles[code] ?? 0) + 1;
      return { stream, askFirst: false };
    }
  };
  // Side by side: one dead server must not hold up the tick of the streams that have another.
  const bySource = Map.groupBy(streams, ({ direction }) => sourceName(direction));
  const answers = await Promise.all(
    [...bySource.values()].map((own) => {
      const down = new Set<TroubleCode>();
      return pMap(own, (stream) => ask(stream, down), { concurrency: headsInFlight });
    }),
  );
  const due = answers.flat().filter((answer) => answer !== undefined);
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
  await watchParked(parts);
  return { asked, due: due.length, started, troubles };
}

async function dueStream(parts: Parts, stream: StreamKey): Promise<DueStream | undefined> {
  const source = parts.servers[sourceName(stream.direction)];
  const head = await onSide('source', () => source.head(stream.type, cancelSignal()));
  const matured = await noteHead(parts, stream, head);
  const position = await readStream(parts.db, stream);
  const hasNews = isDue({ ...position, windowRows: 0 }, head, matured);
  if (
    hasNews ||
    leftoversDue(position) ||
    (await hasOrderedRetries(parts.db, stream)) ||
    (await hasWanted(parts.db, stream)) ||
    (await countDeletions(parts.db, stream)) > 0
  )
    return { stream, askFirst: position.denied !== '' };
  await updateStream(parts.db, stream, (at) => ({ ...at, loaded: true, currentAtMs: parts.now() }));
  return undefined;
}

/** A stream at its very beginning says that it is on its way (see `fetch/tier-gate.ts`). */
async function announce(parts: Parts, stream: StreamKey): Promise<void> {
  const position = await readStream(parts.db, stream);
  if (position.loaded || position.progressAtMs !== 0) return;
  await updateStream(parts.db, stream, (at) => ({ ...at, progressAtMs: parts.now() }));
}

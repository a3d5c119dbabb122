/** Waits for what streams answer to an order to resync: the site's state has it. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { DescribedStream, ResyncAnswer } from '../activities/contract.ts';
import type { StreamKey } from '../state/streams.ts';

/** A stream that was asked to resync, and what came of it where that is known by now. */
export interface ResyncAsked extends StreamKey {
  readonly answer?: ResyncAnswer;
}

export interface Waiting {
  readonly streams: readonly StreamKey[];
  /** What the site said before the streams were asked. */
  readonly before: readonly DescribedStream[];
  readonly patienceMs: number;
}

/** @param look - what the site says now; `undefined` where no worker answers */
export async function waitForAnswers(
  look: () => Promise<readonly DescribedStream[] | undefined>,
  { streams, before, patienceMs }: Waiting,
): Promise<ResyncAsked[]> {
  const earlier = answersOf(before);
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const now = answersOf((await look()) ?? []);
    const asked = streams.map((stream): ResyncAsked => {
      const answer = now.get(keyOf(stream));
      return answer === undefined || answer.atMs === earlier.get(keyOf(stream))?.atMs ? stream : { ...stream, answer };
    });
    if (asked.every(({ answer }) => answer !== undefined) || Date.now() > untilMs) return asked;
    await sleep(500);
  }
}

const answersOf = (described: readonly DescribedStream[]): Map<string, ResyncAnswer | undefined> =>
  new Map(described.map((stream) => [keyOf(stream), stream.resync]));

const keyOf = ({ direction, type }: StreamKey): string => `${direction} ${type}`;

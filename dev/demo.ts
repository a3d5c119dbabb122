/**
 * `npm run demo`: the whole thing on this machine, with synthetic data, until Ctrl-C. With `-- --once`: the first load and
 * a round of changes, the hub verified after each; the verdict is the last line, and the exit code says the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { Demo } from './demo/environment.ts';
import { DemoProblem } from './demo/problem.ts';
import { goOn, loadAndTell, verifyTwice } from './demo/run.ts';
import { Screen } from './demo/screen.ts';

const onceOnly = process.argv.includes('--once');
const screen = new Screen();
const demo = new Demo((line) => {
  screen.say(`· ${line}`);
});

/** npm hands on the Ctrl-C that the terminal has sent already: what follows so soon is no second one. */
const echoMs = 1_000;
let interruptedAtMs: number | undefined;
const interrupted = new Promise<'interrupted'>((resolve) => {
  const onSignal = (): void => {
    if (interruptedAtMs === undefined) {
      interruptedAtMs = Date.now();
      screen.say('stopping; once more kills at once');
      resolve('interrupted');
    } else if (Date.now() - interruptedAtMs > echoMs) {
      demo.kill();
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
});

/** What nobody awaits. Once the demo stops, such are expected: a request that waits for its next attempt has no connection. */
const thrown = new Promise<never>((_resolve, reject) => {
  process.on('uncaughtException', reject);
});

/** The verdict's line where there is one: it is printed when everything has stopped. */
interface Outcome {
  readonly code: number;
  readonly lastLine?: string;
}

const outcome = await outcomeOf();
await Promise.race([demo.stop(), sleep(30_000)]).catch((error: unknown) => {
  screen.say(`stopping: ${messageOf(error)}`);
});
screen.say(outcome.lastLine ?? 'stopped');
process.exit(outcome.code);

async function outcomeOf(): Promise<Outcome> {
  try {
    const ended = await Promise.race([work(), demo.failed, thrown, interrupted]);
    if (ended !== 'interrupted') return ended;
    return onceOnly ? { code: 130, lastLine: 'verdict: none, the demo was interrupted' } : { code: 0 };
  } catch (error) {
    screen.say(messageOf(error));
    return { code: 1, ...(onceOnly && { lastLine: 'verdict: none, the demo failed' }) };
  }
}

async function work(): Promise<Outcome> {
  const world = await demo.start();
  await loadAndTell(world, screen);
  if (!onceOnly) return goOn(world, screen);
  const failedChecks = await verifyTwice(world, screen);
  return failedChecks === 0
    ? { code: 0, lastLine: 'verdict: the hub is right: it holds what the instances hold, and names nobody' }
    : { code: 1, lastLine: `verdict: the hub is wrong: ${String(failedChecks)} checks failed` };
}

/** Problems of the surroundings as a line; a mistake of this program with its stack. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const mistake = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return mistake && !(error instanceof DemoProblem) ? (error.stack ?? error.message) : error.message;
}

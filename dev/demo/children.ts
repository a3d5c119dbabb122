/** The demo's child processes: started together, stopped together, none left behind however this process ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { DemoProblem } from './problem.ts';

/** The guard gives its program 5 s after SIGTERM. */
const stopSecondsMax = 8;
const readySecondsMax = 60;
const tailLines = 15;
const guard = fileURLToPath(new URL('../temporal-guard.ts', import.meta.url));

/** The last lines of a log, for a person. */
export function tail(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-tailLines).join('\n');
  } catch {
    return '(no log)';
  }
}

export class Children {
  readonly #running = new Set<ChildProcess>();
  readonly #onUnexpectedEnd: (problem: DemoProblem) => void;
  #stopping = false;

  /** @param onUnexpectedEnd - told when a child ends that should not have */
  constructor(onUnexpectedEnd: (problem: DemoProblem) => void) {
    this.#onUnexpectedEnd = onUnexpectedEnd;
  }

  /** Starts `node` with some arguments under the guard; its output goes to a file. */
  start(name: string, args: readonly string[], logFile: string): ChildProcess {
    if (this.#stopping) throw new DemoProblem(`${name} was not started: the demo is stopping`);
    const child = spawn(process.execPath, [guard, logFile, process.execPath, ...args], {
      // The leash; and a group of its own, so that Ctrl-C reaches the demo alone, which then stops all in order.
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#running.add(child);
    const ended = (): void => {
      if (this.#running.delete(child) && !this.#stopping)
        this.#onUnexpectedEnd(new DemoProblem(`${name} ended by itself. The end of its log:\n${tail(logFile)}`));
    };
    child.once('exit', ended);
    child.once('error', ended);
    return child;
  }

  /** Starts a program that prints `{"url": …}` when it is ready. */
  async startServer(name: string, args: readonly string[], logFile: string): Promise<string> {
    const child = this.start(name, args, logFile);
    const untilMs = Date.now() + readySecondsMax * 1_000;
    while (Date.now() < untilMs && this.#running.has(child)) {
      const url = /^\{"url":"([^"]+)"/m.exec(tail(logFile))?.[1];
      if (url !== undefined) return url;
      await sleep(50);
    }
    throw new DemoProblem(`${name} did not start. The end of its log:\n${tail(logFile)}`);
  }

  /** SIGTERM to all, SIGKILL to those that do not listen. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#running].map(async (child) => {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([exit, sleep(stopSecondsMax * 1_000, undefined, { ref: false })]);
    });
    await Promise.all(ended);
    this.kill();
  }

  /** SIGKILL to all that are left, guards and what they guard. */
  kill(): void {
    this.#stopping = true;
    for (const { pid } of this.#running) {
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
  }
}

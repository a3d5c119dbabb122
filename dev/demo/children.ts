/** The demo's child processes: started together, stopped together, none left behind however this process ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const stopSecondsMax = 15;
const readySecondsMax = 60;
const guard = fileURLToPath(new URL('../temporal-guard.ts', import.meta.url));

export class Children {
  readonly #running = new Set<ChildProcess>();
  #stopping = false;
  /** Called when a child ends that should not have. */
  onUnexpectedEnd: (name: string, logFile: string) => void = () => undefined;

  /** Starts `node` with some arguments under the guard; its output goes to a file. */
  start(name: string, args: readonly string[], logFile: string): ChildProcess {
    const child = spawn(process.execPath, [guard, logFile, process.execPath, ...args], {
      // The leash; and a group of its own, so that Ctrl-C reaches the demo alone, which then stops all in order.
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#running.add(child);
    child.once('exit', () => {
      this.#running.delete(child);
      if (!this.#stopping) this.onUnexpectedEnd(name, logFile);
    });
    return child;
  }

  /** Starts a program that prints `{"url": …}` when it is ready. */
  async startServer(name: string, args: readonly string[], logFile: string): Promise<string> {
    const child = this.start(name, args, logFile);
    const untilMs = Date.now() + readySecondsMax * 1_000;
    while (Date.now() < untilMs && child.exitCode === null) {
      const url = /^\{"url":"([^"]+)"/m.exec(await readFile(logFile, 'utf8').catch(() => ''))?.[1];
      if (url !== undefined) return url;
      await sleep(50);
    }
    throw new Error(`${name} did not start; its output is in ${logFile}`);
  }

  /** SIGTERM to all, SIGKILL to those that do not listen. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#running].map(async (child) => {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([exit, sleep(stopSecondsMax * 1_000, undefined, { ref: false })]);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    });
    await Promise.all(ended);
  }
}

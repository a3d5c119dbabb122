/** Child processes of the end-to-end tests: on a leash, their output in a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const leash = fileURLToPath(new URL('./e2e-leash.ts', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly ended: Promise<Exit>;
  readonly logFile: string;
  log(): string;
  kill(signal: NodeJS.Signals): void;
}

export class LeashedChildren {
  readonly #running = new Set<ChildProcess>();

  /** Runs `node` with these arguments; standard output and error are appended to the file. */
  start(args: readonly string[], logFile: string, env: Readonly<Record<string, string>> = {}): Child {
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, ['--import', leash, ...args], {
      stdio: ['pipe', log, log],
      // A test runner's options are not the child's.
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    });
    closeSync(log);
    this.#running.add(child);
    // Ends with its leash: an error on it says no more than that.
    child.stdin?.on('error', () => undefined);
    const ended = once(child, 'exit').then(([code, signal]): Exit => {
      this.#running.delete(child);
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
    return {
      pid: child.pid ?? 0,
      ended,
      logFile,
      log: () => readFileSync(logFile, 'utf8'),
      kill: (signal) => void child.kill(signal),
    };
  }

  /** SIGKILL to all that are left. */
  async stop(): Promise<void> {
    const exits = [...this.#running].map((child) => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      return Promise.race([exit, sleep(10_000, undefined, { ref: false })]);
    });
    await Promise.all(exits);
  }
}

/** The `sluice` command as a process of its own: what it prints, and what it ends with. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program at the root of the repository, with nothing of the tests' own settings in its environment. */
export const run = (file: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const { SLUICE_CONFIG: _config, NODE_OPTIONS: _options, ...env } = process.env;
    execFile(file, [...args], { cwd: root, env: { ...env, ...environment } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });

export const sluice = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'bin/sluice.js'), ...args]);

/** Runs the `sluice` command as a process, with something on its standard input. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Given {
  readonly input?: string | Uint8Array;
  /** Stops reading the output after its first bytes. */
  readonly readsLittle?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export function sluice(
  args: readonly string[],
  { input = '', readsLittle = false, env = {} }: Given = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin/sluice.js'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      if (readsLittle) child.stdout.destroy();
    });
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
    });
    child.stdin.end(input);
  });
}

/** A patient of synthetic data whose words stand in a note, too. */
export const patient = (id: string, family: string): Record<string, any> => ({
  resourceType: 'Patient',
  id,
  name: [{ family, given: ['Marisela'] }],
  gender: 'female',
  birthDate: '1951-03-14',
});

export const note = (id: string, patientId: string, text: string): Record<string, any> => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: `Patient/${patientId}` },
  note: [{ text }],
});

export const lines = (...values: unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');

/** Finds a policy by the name of a preset or a file, reads it, and ends the command with every mistake if it has some. */
import { readFile } from 'node:fs/promises';

import { parseSource } from '../../config/problems.ts';
import { presetNames } from '../../deid/policy/document.ts';
import type { PolicyDocument, PresetName } from '../../deid/policy/document.ts';
import { readPolicy } from '../../deid/policy/read.ts';
import type { PolicyProblem } from '../../deid/policy/read.ts';
import { presets } from '../../deid/presets/index.ts';
import { usageExit } from '../exit.ts';
import { otherKind } from './other-kind.ts';

export interface LoadedPolicy {
  /** The file or preset, as it was named. */
  readonly name: string;
  readonly document: PolicyDocument;
  readonly isPreset: boolean;
  /** Line in the file of the rule at this index of the document's own rules; undefined for presets. */
  readonly lineOfRule: (index: number) => number | undefined;
}

const isPreset = (name: string): name is PresetName => (presetNames as readonly string[]).includes(name);

/** More of them say nothing new: a file of another kind has one on each of its lines. */
const problemsShownMax = 40;

/** `text: found x; expected y`, one line a mistake. */
export function problemsText(name: string, problems: readonly PolicyProblem[]): string {
  const count = problems.length === 1 ? '1 mistake' : `${String(problems.length)} mistakes`;
  const lines = problems.slice(0, problemsShownMax).map(({ path, line, found, expected }) => {
    const where = line === undefined ? '' : ` (line ${String(line)})`;
    return `  ${path === '' ? 'the document' : path}${where}: found ${found}; expected ${expected}`;
  });
  const more = problems.length - problemsShownMax;
  if (more > 0) lines.push(`  … and ${String(more)} more`);
  return `${name}: ${count}, nothing was read\n${lines.join('\n')}`;
}

/** A preset's name goes before a file of that name; `./expert` is the file. */
export async function loadPolicy(name: string): Promise<LoadedPolicy> {
  if (isPreset(name)) return { name, document: presets[name], isPreset: true, lineOfRule: () => undefined };
  const text = await policyText(name);
  const reading = readPolicy(text);
  if (!reading.ok) usageExit(problemsText(name, reading.problems));
  const source = parseSource(text);
  const lineOfRule = (index: number): number | undefined =>
    Array.isArray(source) ? undefined : source.lineOf(['rules', index]);
  return { name, document: reading.policy, isPreset: false, lineOfRule };
}

/** More than this is no policy. */
const policyBytesMax = 16 * 2 ** 20;

export async function policyText(name: string): Promise<string> {
  const bytes = await readFile(name).catch(() => {
    const known = presetNames.join(', ');
    return usageExit(`${name}: no such file, or it may not be read; presets are ${known}`);
  });
  if (bytes.length > policyBytesMax) usageExit(`${name}: too large for a policy`);
  const kind = otherKind(bytes);
  if (kind !== undefined) usageExit(`${name}: ${kind}; a policy is one document of YAML or JSON`);
  return bytes.toString('utf8');
}

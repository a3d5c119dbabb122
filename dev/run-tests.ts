/**
 * `npm test`: types, lint, format and dependency rules, then Jest; each static check counts as one test.
 *
 * `npm test -- <args>` hands its arguments to Jest and skips the static checks: the quick loop while working.
 * The last line is `N passed, N failed` (`, N skipped` where there are any); the exit code says the same.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pMap from 'p-map';
import { addCounts, countJest, countsLine } from './test-counts.ts';
import type { Counts, JestReport } from './test-counts.ts';
import { makeTestFolder } from './test-folder.ts';

const root = join(import.meta.dirname, '..');

/** A check or a test run that hangs is a failure, not a wait for ever. */
const runMinutesMax = 45;

/** As many as Jest has workers. The longest is the first: it takes as long as the others together. */
const checksAtATime = 2;

const staticChecks: { readonly name: string; readonly script: string; readonly args: readonly string[] }[] = [
  { name: 'lint', script: 'eslint/bin/eslint.js', args: ['.', '--max-warnings', '0'] },
  { name: 'types', script: 'typescript/bin/tsc', args: ['--noEmit'] },
  { name: 'format', script: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level', 'warn', '.'] },
  {
    name: 'dependency rules',
    script: 'dependency-cruiser/bin/dependency-cruiser.mjs',
    args: ['--config', '.dependency-cruiser.cjs', 'src', 'dev', 'test', 'bench'],
  },
];

const folder = makeTestFolder(process.env.TMPDIR);

/** Who is stopped from outside stops what it started, and leaves nothing behind. */
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopped.abort();
  });
}

/**
 * Starts a package's script with this very Node. It and all programs that tests start share what Node has compiled:
 * a `sluice` then takes half the time to begin.
 */
const startNode = (args: readonly string[], output: 'inherit' | 'pipe'): ChildProcess =>
  spawn(process.execPath, args, {
    cwd: root,
    stdio: ['inherit', output, output],
    timeout: runMinutesMax * 60_000,
    signal: stopped.signal,
    env: {
      ...process.env,
      SLUICE_TEST_FOLDER: folder.path,
      TMPDIR: folder.temporary,
      NODE_COMPILE_CACHE: folder.compiled,
    },
  });

const exitCodeOf = async (child: ChildProcess): Promise<number | null> => {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
};

const inModules = (script: string): string => join(root, 'node_modules', script);

/** What it prints comes in one piece, since others run beside it. */
const runStaticCheck = async (check: (typeof staticChecks)[number]): Promise<Counts> => {
  const child = startNode([inModules(check.script), ...check.args], 'pipe');
  const [code, ...printed] = await Promise.all([
    exitCodeOf(child),
    ...[child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream))),
  ]);
  const ok = code === 0;
  process.stdout.write(`${printed.join('')}${ok ? '✓' : '✗'} ${check.name}\n`);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
};

const readReport = (file: string): JestReport | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  } catch {
    return undefined; // Jest died before it wrote one; countJest makes a failure of it
  }
};

const runJest = async (args: readonly string[]): Promise<Counts> => {
  // Warnings off: Node says of every worker that the module flag is experimental.
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const cache = `--cacheDirectory=${join(tmpdir(), 'fhir-sluice-jest')}`; // the one thing that lasts
  const jest = [inModules('jest/bin/jest.js'), cache, '--json', `--outputFile=${folder.report}`, ...args];
  const exitCode = await exitCodeOf(startNode([...node, ...jest], 'inherit'));
  return countJest(readReport(folder.report), exitCode);
};

const jestArgs = process.argv.slice(2);
try {
  const checks = jestArgs.length === 0 ? staticChecks : [];
  const checked = await pMap(checks, runStaticCheck, { concurrency: checksAtATime });
  const counts = [...checked, await runJest(jestArgs)].reduce(addCounts);
  process.exitCode = counts.failed === 0 ? 0 : 1;
  process.stdout.write(`${countsLine(counts)}\n`);
} finally {
  folder.remove();
}

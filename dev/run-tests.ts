/**
 * `npm test`: types, lint, format and dependency rules, then Jest; each static check counts as one test.
 *
 * `npm test -- <args>` hands its arguments to Jest and skips the static checks: the quick loop while working.
 * The last line is `N passed, N failed` (`, N skipped` where there are any); the exit code says the same.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCounts, countJest, countsLine } from './test-counts.ts';
import type { Counts, JestReport } from './test-counts.ts';

const root = join(import.meta.dirname, '..');

/** A check or a test run that hangs is a failure, not a wait for ever. */
const runMinutesMax = 45;

const staticChecks: { readonly name: string; readonly script: string; readonly args: readonly string[] }[] = [
  { name: 'types', script: 'typescript/bin/tsc', args: ['--noEmit'] },
  { name: 'lint', script: 'eslint/bin/eslint.js', args: ['.', '--max-warnings', '0'] },
  { name: 'format', script: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level', 'warn', '.'] },
  {
    name: 'dependency rules',
    script: 'dependency-cruiser/bin/dependency-cruiser.mjs',
    args: ['--config', '.dependency-cruiser.cjs', 'src', 'dev', 'test', 'bench'],
  },
];

/** Runs a package's script with this very Node, its output going where ours goes. */
const runNode = (args: readonly string[]): number | null =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', timeout: runMinutesMax * 60_000 }).status;

const inModules = (script: string): string => join(root, 'node_modules', script);

const runStaticCheck = (check: (typeof staticChecks)[number]): Counts => {
  const ok = runNode([inModules(check.script), ...check.args]) === 0;
  process.stdout.write(`${ok ? '✓' : '✗'} ${check.name}\n`);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
};

const readReport = (file: string): JestReport | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  } catch {
    return undefined; // Jest died before it wrote one; countJest makes a failure of it
  }
};

const runJest = (args: readonly string[]): Counts => {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-sluice-jest-'));
  const report = join(folder, 'report.json');
  try {
    // Warnings off: Node says of every worker that the module flag is experimental.
    const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const jest = [inModules('jest/bin/jest.js'), '--json', `--outputFile=${report}`, ...args];
    const exitCode = runNode([...node, ...jest]);
    return countJest(readReport(report), exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const jestArgs = process.argv.slice(2);
const checks = jestArgs.length === 0 ? staticChecks : [];
const counts = [...checks.map(runStaticCheck), runJest(jestArgs)].reduce(addCounts);
process.exitCode = counts.failed === 0 ? 0 : 1;
process.stdout.write(`${countsLine(counts)}\n`);

/** The folder in which a run of the tests keeps all of its files. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Far more than a run has at once: some 300 MB, most of it PostgreSQL's. */
const freeBytesMin = 2 * 2 ** 30;

/** Folders of one run. */
export interface TestFolder {
  /** The whole of it, for what suites share: a `SLUICE_TEST_FOLDER`. */
  readonly path: string;
  /** For temporary files: a `TMPDIR`. */
  readonly temporary: string;
  /** What Node has compiled: a `NODE_COMPILE_CACHE`. Of this run alone, since who may write there may run code. */
  readonly compiled: string;
  /** Jest's report. */
  readonly report: string;
  /** Removes all of it. */
  remove(): void;
}

/**
 * Makes the folder: in `given`, if that is set; else in memory, if there is room, since sites in tests commit and sync all
 * the time and would wait for a disk more than half of their time; else among the temporary files.
 */
export function makeTestFolder(given: string | undefined, memory = '/dev/shm'): TestFolder {
  if (given !== undefined) return foldersIn(makeFolder(given));
  if (hasRoom(memory)) {
    const folder = makeFolder(memory);
    if (runsPrograms(folder)) return foldersIn(folder);
    rmSync(folder, { recursive: true });
  }
  return foldersIn(makeFolder(tmpdir()));
}

function makeFolder(parent: string): string {
  const folder = mkdtempSync(join(parent, 'fhir-sluice-tests-'));
  chmodSync(folder, 0o711); // PostgreSQL runs as somebody else, in a folder below
  return folder;
}

function foldersIn(folder: string): TestFolder {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { mode: 0o711 });
  return {
    path: folder,
    temporary,
    compiled: join(folder, 'compiled'),
    report: join(folder, 'report.json'),
    remove: () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= freeBytesMin;
  } catch {
    return false;
  }
}

/** Containers like to mount memory so that nothing in it can be started; some tests do. */
function runsPrograms(folder: string): boolean {
  const program = join(folder, 'program');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 });
  return spawnSync(program).status === 0;
}

/** CPU profiles, to be opened in Chrome's DevTools or an editor. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import type { Contender } from './rounds.ts';

/** Shorter profiles have too few samples. */
const millisecondsMin = 2_000;

/** Runs a warm contender for some seconds and writes `<folder>/<contender>.cpuprofile`; the file's path. */
export async function profile({ name, pass }: Contender, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 }); // microseconds
    await session.post('Profiler.start');
    const end = performance.now() + millisecondsMin;
    do pass();
    while (performance.now() < end);
    const { profile: found } = await session.post('Profiler.stop');
    const file = join(folder, `${name.replace(/[^\w]+/g, '-')}.cpuprofile`);
    writeFileSync(file, JSON.stringify(found));
    return file;
  } finally {
    session.disconnect();
  }
}

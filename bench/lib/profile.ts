/** CPU profiles, to be opened in Chrome's DevTools or an editor. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/** Runs the passes of something warm once each and writes `<folder>/<name>.cpuprofile`; the file's path. */
export async function profile(name: string, passes: readonly (() => unknown)[], folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 }); // microseconds
    await session.post('Profiler.start');
    for (const pass of passes) pass();
    const { profile: found } = await session.post('Profiler.stop');
    const file = join(folder, `${name.replace(/[^\w]+/g, '-')}.cpuprofile`);
    writeFileSync(file, JSON.stringify(found));
    return file;
  } finally {
    session.disconnect();
  }
}

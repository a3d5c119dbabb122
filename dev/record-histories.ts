/**
 * Records the histories that test/replay replays: scripted scenarios on a dev server, one file each. Run after a change
 * of the workflows that is meant to break replay, and say so in the CHANGELOG: `node dev/record-histories.ts`. A new scenario alone:
 * `node dev/record-histories.ts NAME`; the older histories stay what runs of older programs left behind.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { scenarios } from '../test/replay/scenarios.ts';
import { textOf } from '../test/workflows/support/history.ts';
import { Script } from '../test/workflows/support/script.ts';
import { Stage } from '../test/workflows/support/stage.ts';

const folder = join(import.meta.dirname, '../test/replay/histories');
await mkdir(folder, { recursive: true });
const stage = await Stage.dev({ 'limit.historyCount.suggestContinueAsNew': 50 });
try {
  const only = process.argv.slice(2);
  for (const { name, options, play } of scenarios) {
    if (only.length > 0 && !only.includes(name)) continue;
    const script = new Script(options);
    const handles = await stage.site(script, (site) => play(site, script, stage), `replay-${name}`);
    for (const [index, handle] of handles.entries()) {
      const file = join(folder, `${name}${handles.length > 1 ? `-${index + 1}` : ''}.history.json`);
      await writeFile(file, textOf(await handle.fetchHistory()));
      console.log(file);
    }
  }
} finally {
  await stage.close();
}
process.exit(0);

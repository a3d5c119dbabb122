/**
 * Runs the Aidbox double as a program:
 *
 *     node src/emulator/main.ts --port 8090 --load patients.ndjson.gz --client sluice:secret --bootstrap bootstrap.json
 *
 * Prints `{"url": …}` on one line of stdout once it listens, and ends on SIGTERM or SIGINT.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { JsonObject, Resource } from '../fhir/resource.ts';
import type { Emulator, EmulatorOptions } from './emulator.ts';
import { startEmulator } from './emulator.ts';
import { isObject, listAt } from './json.ts';
import { defaultOptions } from './options.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    load: { type: 'string', multiple: true, default: [] },
    client: { type: 'string', multiple: true, default: [] },
    bootstrap: { type: 'string', multiple: true, default: [] },
    insecure: { type: 'boolean', default: false },
    option: { type: 'string', multiple: true, default: [] },
  },
});

/** `--option changesOrder=shuffled`: any option by its name, its value as JSON or else as text. */
function namedOptions(pairs: readonly string[]): EmulatorOptions {
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (at < 0 || !(name in defaultOptions)) throw new Error(`unknown option ${pair}`);
    return [name, valueOf(pair.slice(at + 1))];
  });
  return Object.fromEntries(entries) as EmulatorOptions;
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function loadNdjson(emulator: Emulator, path: string): Promise<void> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  let batch: Resource[] = [];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    batch.push(JSON.parse(line) as Resource);
    if (batch.length < 1000) continue;
    emulator.load(batch);
    batch = [];
  }
  emulator.load(batch);
}

async function bootstrap(emulator: Emulator, path: string): Promise<void> {
  const content = JSON.parse(await readFile(path, 'utf8')) as Resource[] | JsonObject;
  const resources = Array.isArray(content)
    ? content
    : listAt(content, 'entry').flatMap((entry) =>
        isObject(entry) && isObject(entry.resource) ? [entry.resource] : [],
      );
  emulator.load(resources as Resource[]);
}

const emulator = await startEmulator({
  ...namedOptions(values.option),
  port: Number(values.port),
  insecure: values.insecure,
});
for (const path of values.bootstrap) await bootstrap(emulator, path);
for (const pair of values.client) {
  const at = pair.indexOf(':');
  if (at < 1) throw new Error('--client wants id:secret');
  emulator.addClient(pair.slice(0, at), pair.slice(at + 1));
}
for (const path of values.load) await loadNdjson(emulator, path);
process.stdout.write(`${JSON.stringify({ url: emulator.url })}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void emulator.close());

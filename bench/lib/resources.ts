/** Sets of resources: NDJSON files and Bundles, packed or not, in a folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Resource } from '../../src/fhir/resource.ts';

/** The committed sample; data/README.md says what is in it. */
export const sampleFolder = join(import.meta.dirname, '../../data/synthea');

const ndjson = /\.ndjson(\.gz)?$/;
const json = /\.json(\.gz)?$/;

function textOf(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** A Bundle's resources, one a line. Their `urn:uuid:` references stay as they are. */
function linesOfBundle(text: string): string[] {
  const { entry = [] } = JSON.parse(text) as { entry?: { resource?: Resource }[] };
  return entry.flatMap(({ resource }) => (resource === undefined ? [] : [JSON.stringify(resource)]));
}

/**
 * A string that is no slice of a whole file's: one letter outside Latin-1 makes all of a file two bytes a character, which
 * would slow every line's parsing.
 */
const ownString = (line: string): string => Buffer.from(line, 'utf8').toString('utf8');

/**
 * The resources of a folder as JSON lines, in the order of the files' names. Where it has NDJSON, Bundles beside that are
 * the same resources again and are left out.
 */
export function readLines(folder: string): string[] {
  const files = readdirSync(folder).toSorted();
  const lines = files.filter((file) => ndjson.test(file)).flatMap((file) => textOf(join(folder, file)).split('\n'));
  const bundles = lines.length > 0 ? [] : files.filter((file) => json.test(file));
  const found = [
    ...lines.filter((line) => line !== ''),
    ...bundles.flatMap((file) => linesOfBundle(textOf(join(folder, file)))),
  ];
  if (found.length === 0) throw new Error(`no NDJSON and no Bundle in ${folder}`);
  return found.map(ownString);
}

export const parseAll = (lines: readonly string[]): Resource[] => lines.map((line) => JSON.parse(line) as Resource);

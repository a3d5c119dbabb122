/** Input of any form: told apart by its beginning, cut into records, bounded, and mistakes without a word of data. */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { readParts } from '../../../src/cli/deid/input.ts';
import { indentOf, reindented } from '../../../src/cli/deid/layout.ts';
import { mistakeText } from '../../../src/cli/deid/mistakes.ts';
import type { InputMistake } from '../../../src/cli/deid/mistakes.ts';
import { valuesOf } from '../../../src/cli/deid/records.ts';
import { bytesTotal, openSources } from '../../../src/cli/deid/source.ts';
import type { Source } from '../../../src/cli/deid/source.ts';

const bounds = { recordBytesMax: 2000, blockBytes: 100, chunkBytes: 100 };

const sourceOf = (bytes: Uint8Array | string, name = 'some file', chunkBytes = 7): Source => ({
  name,
  read: async function* () {
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; at += chunkBytes) yield all.subarray(at, at + chunkBytes);
  },
  close: async () => undefined,
});

interface Seen {
  readonly values: unknown[];
  readonly mistakes: string[];
  readonly forms: string[];
}

async function see(...sources: Source[]): Promise<Seen> {
  const seen: Seen = { values: [], mistakes: [], forms: [] };
  const watched = async function* (): ReturnType<typeof readParts> {
    for await (const part of readParts(sources, { bounds })) {
      if (!seen.forms.includes(part.kind)) seen.forms.push(part.kind);
      yield part;
    }
  };
  const onMistake = (mistake: InputMistake): void => {
    seen.mistakes.push(`${mistake.line === undefined ? '' : String(mistake.line)} ${mistake.code}`.trim());
  };
  for await (const value of valuesOf(watched(), onMistake)) seen.values.push(value);
  return seen;
}

const patient = (id: number): { resourceType: string; id: string } => ({ resourceType: 'Patient', id: String(id) });
const line = (id: number): string => `${JSON.stringify(patient(id))}\n`;

describe('the form of input', () => {
  it.each([
    ['a resource over several lines', JSON.stringify(patient(1), null, 2), ['document']],
    ['a resource on one line', JSON.stringify(patient(1)), ['document']],
    ['a resource on one line with blank lines behind it', `${line(1)}\n \r\n`, ['document']],
    ['a resource behind a byte order mark', `\uFEFF${line(1)}`, ['document']],
    ['a Bundle with an entry a line', `{"id":"1","resourceType":"Patient","entry":[\n{"a":1}\n]}`, ['document']],
    ['NDJSON', line(1) + line(2), ['lines']],
    ['NDJSON without a last line end', line(1) + line(2).trimEnd(), ['lines']],
    ['NDJSON with other line ends and blank lines', `\n${line(1).trimEnd()}\r\n\r\n${line(2)}`, ['lines']],
    ['NDJSON behind a byte order mark', `\uFEFF${line(1)}${line(2)}`, ['lines']],
    ['gzip of NDJSON', gzipSync(line(1) + line(2)), ['lines']],
    ['two gzips in one', Buffer.concat([gzipSync(line(1)), gzipSync(line(2))]), ['lines']],
    ['gzip of a resource', gzipSync(JSON.stringify(patient(1), null, 2)), ['document']],
  ])('%s is seen as such', async (_what, bytes, forms) => {
    const seen = await see(sourceOf(bytes));
    expect(seen).toMatchObject({ mistakes: [], forms });
    expect(seen.values).toMatchObject(forms[0] === 'lines' ? [patient(1), patient(2)] : [patient(1)]);
  });

  it('nothing, or white space alone, is no record and no mistake', async () => {
    for (const bytes of ['', ' \n\n', '\uFEFF']) {
      expect(await see(sourceOf(bytes))).toMatchObject({ values: [], mistakes: [] });
    }
  });

  it('a name that says NDJSON is believed, and one line is a line', async () => {
    expect(await see(sourceOf(line(1), 'one.ndjson.gz'))).toMatchObject({ values: [patient(1)], forms: ['lines'] });
    const broken = await see(sourceOf('{\n "resourceType": "Patient"\n}\n', 'one.ndjson'));
    expect(broken).toMatchObject({ values: [], mistakes: ['1 not-json', '2 not-json', '3 not-json'] });
  });

  it('is the same however the bytes arrive', async () => {
    const text = `${line(1)}broken\n${line(2)}\n${line(3)}`;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 120 }), async (size) => {
        const seen = await see(sourceOf(text, 'some file', size));
        expect(seen.values).toEqual([patient(1), patient(2), patient(3)]);
        expect(seen.mistakes).toEqual(['2 not-json']);
      }),
    );
  });
});

describe('a mistake in the input', () => {
  it('on a line names the line; the others pass', async () => {
    const text = `{"resourceType":"Patient","id":\n${line(2)}${line(3)}not json\n{} {}\n\n${line(7)}`;
    const seen = await see(sourceOf(text));
    expect(seen.values).toEqual([patient(2), patient(3), patient(7)]);
    expect(seen.mistakes).toEqual(['1 not-json', '4 not-json', '5 not-json']);
  });

  it('that is not UTF-8 does not pass as something else', async () => {
    const bytes = Buffer.concat([Buffer.from(line(1)), Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from(line(3))]);
    expect(await see(sourceOf(bytes))).toMatchObject({
      values: [patient(1), patient(3)],
      mistakes: ['2 not-utf8'],
    });
  });

  it('of length is found as the line arrives, and the lines around it pass', async () => {
    const long = `{"resourceType":"Patient","text":"${'x'.repeat(3000)}"}\n`;
    const seen = await see(sourceOf(line(1) + long + line(3) + long.trimEnd()));
    expect(seen.values).toEqual([patient(1), patient(3)]);
    expect(seen.mistakes).toEqual(['2 record-too-large', '4 record-too-large']);
    expect(await see(sourceOf(long))).toMatchObject({ values: [], mistakes: [expect.stringContaining('too-large')] });
    const pretty = JSON.stringify({ ...patient(1), entry: Array(600).fill(1) }, null, 2);
    expect(await see(sourceOf(pretty))).toMatchObject({ values: [], mistakes: ['record-too-large'] });
  });

  it('in gzip: what was whole before passes, the source is reported, the next one is read', async () => {
    const lines = Array.from({ length: 5000 }, (_, id) => `{"resourceType":"Patient","id":"${String(id * 7919)}"}\n`);
    const cut = gzipSync(lines.join('')).subarray(0, -1000);
    const seen = await see(sourceOf(cut, 'cut.gz', 512), sourceOf(line(1) + line(2), 'good'));
    expect(seen.mistakes).toEqual(['gzip-broken']);
    expect(seen.values.slice(-2)).toEqual([patient(1), patient(2)]);
    expect(seen.values.length).toBeGreaterThan(100);
  });

  it('is told without a word of the data', () => {
    expect(mistakeText({ file: 'a.ndjson', line: 3, code: 'not-json' })).toBe(
      'a.ndjson:3: not one JSON value (not-json)',
    );
  });
});

describe('sources', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-input-test-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const stdin = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(line(1) + line(2));
  };

  it('are files in the order given, and standard input as - or where there is none; sizes are known', async () => {
    const file = join(folder, 'a.ndjson');
    await writeFile(file, line(8) + line(9));
    const sources = await openSources([file, '-'], { twice: true, stdin: stdin() });
    expect(sources.map(({ name }) => name)).toEqual([file, 'standard input']);
    expect(bytesTotal(sources)).toBe(2 * (line(8) + line(9)).length);
    for (let turn = 0; turn < 2; turn++) {
      expect((await see(...sources)).values).toEqual([patient(8), patient(9), patient(1), patient(2)]);
    }
    const [alone] = await openSources([], { twice: false, stdin: stdin() });
    expect((await see(alone!)).values).toEqual([patient(1), patient(2)]);
    expect(bytesTotal([alone!])).toBeUndefined();
  });

  it('that are not there, or a folder, are refused before anything is read', async () => {
    await expect(openSources([join(folder, 'none')], { twice: true })).rejects.toThrow('no such file');
    await expect(openSources([folder], { twice: true })).rejects.toThrow('a folder');
    await expect(openSources(['-', '-'], { twice: true })).rejects.toThrow('once');
  });

  it('that changed between the two readings are refused the second time', async () => {
    const file = join(folder, 'changing.ndjson');
    await writeFile(file, line(1));
    const sources = await openSources([file], { twice: true });
    expect((await see(...sources)).mistakes).toEqual([]);
    await writeFile(file, line(2));
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    expect(await see(...sources)).toMatchObject({ values: [], mistakes: ['file-changed'] });
  });
});

describe('the layout of a document', () => {
  it.each([
    ['on one line', undefined],
    ['of two spaces', 2],
    ['of four spaces', 4],
    ['of tabs', '\t'],
  ])('%s is kept, and every digit with it', (_what, indent) => {
    const value = { ...patient(1), name: [{ family: 'a "quoted\\\\", [b]' }, {}], none: [], some: [1, null, true] };
    const text = JSON.stringify(value, null, indent);
    expect(reindented(JSON.stringify(value), indentOf(Buffer.from(text)))).toBe(text);
    expect(reindented('{"value":1.50}', '  ')).toBe('{\n  "value": 1.50\n}');
  });
});

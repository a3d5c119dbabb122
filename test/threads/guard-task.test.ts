import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { listsMeet, mergedLists } from '../../src/crypto/hash-list.ts';
import type { PolicyDocument } from '../../src/deid/policy/document.ts';
import { readPolicy } from '../../src/deid/policy/read.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { anonymizeLines } from '../../src/threads/anonymize-task.ts';
import { guardLines } from '../../src/threads/guard-task.ts';
import { lineRanges, markIn, parseLine, putFrame, putLine } from '../../src/threads/lines.ts';
import { decodeMark, encodeMark, type Mark, unknownMark } from '../../src/threads/marks.ts';
import type { Ruleset, WordLists } from '../../src/threads/task.ts';

function policyOf(more: object = {}): PolicyDocument {
  const rules = [{ path: 'Patient.name', method: 'redact' }];
  const reading = readPolicy({ apiVersion: 'fhir-sluice/v1', default: 'keep', rules, ...more });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.policy;
}

const rulesetOf = (policy: PolicyDocument): Ruleset => ({
  id: JSON.stringify(policy),
  direction: 'up',
  policy,
  plugins: [],
  guards: true,
  scope: {
    instance: 'north',
    upTypes: new Set(['Patient', 'Observation', 'Bundle']),
    downTypes: new Set(),
    urns: 'detach',
  },
  pseudonymKeyVersion: 1,
  pseudonymKey: new Uint8Array(32).fill(7),
  olderKeys: new Map(),
  hashKeyVersion: 1,
});

const ruleset = rulesetOf(policyOf());

async function clean(type: string, ...resources: object[]): Promise<{ lines: Uint8Array; removed: WordLists }> {
  const lines = Buffer.from(resources.map((one) => putLine(JSON.stringify(one))).join(''));
  return anonymizeLines({ kind: 'anonymize', ruleset, type, asOf: '2026-01-01T00:00:00Z', lines });
}

const named = (id: string, ...family: string[]): object => ({
  resourceType: 'Patient',
  id,
  name: family.map((one) => ({ family: one })),
});

const observation = (id: string, patientId: string, text: string): object => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'Weight' },
  subject: { reference: `Patient/${patientId}` },
  note: [{ text }],
});

interface Read {
  readonly resource: Resource;
  readonly mark: Mark;
}

function read(bytes: Uint8Array): Read[] {
  return [...lineRanges(bytes)].map(({ start, end }) => {
    const line = parseLine(bytes, start, end);
    if (line.kind !== 'put') throw new Error('no put');
    return { resource: line.resource, mark: decodeMark(markIn(bytes, putFrame(bytes, start, end)!)!) };
  });
}

const guard = (lines: Uint8Array, words: WordLists, rules = ruleset): ReturnType<typeof guardLines> =>
  guardLines({ kind: 'guard', ruleset: rules, lines, words });

const meets = (mark: Mark, words: WordLists): boolean =>
  mark.some(({ patient, kept }) => kept !== 'unknown' && listsMeet(kept, [words.get(patient) ?? new Uint8Array()]));

describe('the guard in a thread', () => {
  it('masks what meets its patient, leaves the rest as it was, and tells which', async () => {
    const { removed } = await clean('Patient', named('p', 'Zephyrine'), named('q', 'Quill'));
    const { lines } = await clean(
      'Observation',
      observation('a', 'p', 'Zephyrine is well'),
      observation('b', 'p', 'Quill is well'),
      observation('c', 'q', 'Quill is well'),
    );
    const guarded = await guard(lines, removed);
    expect(guarded.outcomes).toEqual(['masked', 'same', 'masked']);
    const notes = read(guarded.lines).map(({ resource }) => JSON.stringify(resource.note));
    expect(notes[0]).not.toContain('Zephyrine');
    expect(notes[1]).toContain('Quill is well');
    expect(notes[2]).not.toContain('Quill');
    // The same words bring none of them here again.
    for (const { mark } of read(guarded.lines)) expect(meets(mark, removed)).toBe(false);
  });

  it('passes nothing that meets where the policy withholds', async () => {
    const withholding = rulesetOf(policyOf({ leakGuard: 'withhold' }));
    const { removed } = await clean('Patient', named('p', 'Zephyrine'));
    const { lines } = await clean('Observation', observation('a', 'p', 'Zephyrine'), observation('b', 'p', 'fine'));
    const guarded = await guard(lines, removed, withholding);
    expect(guarded.outcomes).toEqual(['withheld', 'same']);
    expect(read(guarded.lines)).toMatchObject([{ resource: { note: [{ text: 'fine' }] } }]);
  });

  it('goes by each resource of a Bundle on its own, those without a name by all that are like them', async () => {
    const { removed } = await clean('Patient', named('p', 'Zephyrine'), named('q', 'Quill'));
    const { id: _p, ...ofP } = observation('', 'p', 'Zephyrine, Quill') as { id: string };
    const { id: _q, ...ofQ } = observation('', 'q', 'Zephyrine, Quill') as { id: string };
    const entries = [observation('a', 'p', 'Zephyrine, Quill'), observation('b', 'q', 'Zephyrine, Quill'), ofP, ofQ];
    const bundle = {
      resourceType: 'Bundle',
      id: 'x',
      type: 'collection',
      entry: entries.map((resource) => ({ resource })),
    };
    const { lines } = await clean('Bundle', bundle);
    const guarded = await guard(lines, removed);
    const [one] = read(guarded.lines);
    const notes = (one!.resource.entry as unknown as { resource: { note: { text: string }[] } }[]).map(
      ({ resource }) => resource.note[0]!.text,
    );
    expect(notes[0]).toMatch(/^\S+, Quill$/);
    expect(notes[1]).toMatch(/^Zephyrine, \S+$/);
    expect(notes.slice(2).join(' ')).not.toMatch(/Zephyrine|Quill/);
    expect(meets(one!.mark, removed)).toBe(false);
  });

  it('masks the words of each patient whom a resource names, and says them of each no longer', async () => {
    const { removed } = await clean('Patient', named('p', 'Zephyrine'), named('q', 'Quill'), named('r', 'Oberlander'));
    const focus = ['q', 'r'].map((id) => ({ reference: `Patient/${id}` }));
    const { lines } = await clean('Observation', {
      ...observation('a', 'p', 'Zephyrine, Quill saw Thistlewood'),
      focus,
    });
    const guarded = await guard(lines, removed);
    expect(guarded.outcomes).toEqual(['masked']);
    const [one] = read(guarded.lines);
    expect(JSON.stringify(one!.resource.note)).toContain('saw Thistlewood');
    expect(JSON.stringify(one!.resource.note)).not.toMatch(/Zephyrine|Quill/);
    expect(one!.mark).toHaveLength(3);
    expect(meets(one!.mark, removed)).toBe(false);
    // What is left is told of all of them at once.
    expect(new Set(one!.mark.map(({ kept }) => kept)).size).toBe(1);
    const again = await guard(guarded.lines, (await clean('Patient', named('r', 'Thistlewood'))).removed);
    expect(JSON.stringify(read(again.lines)[0]!.resource.note)).not.toContain('Thistlewood');
  });

  it('masks the same whether words come together or one after the other, also where what was kept is unknown', async () => {
    const pool = ['Zephyrine', 'Quillfeather', 'Marguerite', 'Oberlander', 'Thistlewood'];
    const some = fc.subarray(pool);
    await fc.assert(
      fc.asyncProperty(
        some,
        some,
        fc.array(fc.constantFrom(...pool, 'well', 'today,'), { maxLength: 8 }),
        fc.boolean(),
        async (first, second, said, unknown) => {
          const wordsOf = async (family: string[]): Promise<WordLists> =>
            family.length === 0
              ? new Map<string, Uint8Array>()
              : (await clean('Patient', named('p', ...family))).removed;
          const [one, two] = [await wordsOf(first), await wordsOf(second)];
          const both = new Map<string, Uint8Array>();
          for (const [patient, words] of [...one, ...two]) {
            both.set(patient, mergedLists([both.get(patient) ?? new Uint8Array(), words]));
          }
          let { lines } = await clean('Observation', observation('o', 'p', said.join(' ')));
          if (unknown) {
            const [{ resource, mark }] = read(lines) as [Read];
            lines = Buffer.from(putLine(JSON.stringify(resource), encodeMark(unknownMark(mark))));
          }
          const together = read((await guard(lines, both)).lines)[0]!;
          // As the pipeline does: the second time only where the mark meets.
          let step = (await guard(lines, one)).lines;
          if (meets(read(step)[0]!.mark, two)) step = (await guard(step, two)).lines;
          const apart = read(step)[0]!;
          for (const name of [...first, ...second]) expect(JSON.stringify(apart.resource)).not.toContain(name);
          for (const name of [...first, ...second]) expect(JSON.stringify(together.resource)).not.toContain(name);
          for (const name of said) {
            if (first.includes(name) || second.includes(name)) continue;
            expect(JSON.stringify(apart.resource)).toContain(name);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses a line without a mark', async () => {
    const lines = Buffer.from(putLine(JSON.stringify(observation('a', 'p', 'x'))));
    await expect(guard(lines, new Map())).rejects.toThrow('without a mark');
  });
});

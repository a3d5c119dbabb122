/** The benchmarks' own arithmetic: what is wrong here would be wrong in every figure. Measures nothing itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { renumbered } from '../../bench/deid/editions.ts';
import { heapAfterPasses } from '../../bench/lib/memory.ts';
import { readLines } from '../../bench/lib/resources.ts';
import { race, Race, spread } from '../../bench/lib/rounds.ts';
import { short, table } from '../../bench/lib/table.ts';

describe('rounds', () => {
  it('have a median, a least and a greatest figure', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  it('are compared one by one: a slow round of both is no difference', () => {
    const rates = new Race(
      new Map([
        ['a', [100, 10, 100]],
        ['b', [50, 5, 50]],
      ]),
    );
    expect(rates.ratio('b', 'a')).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
    expect(() => rates.rate('c')).toThrow('c');
  });

  it('run the contenders in turn, forth and back', () => {
    const order: string[] = [];
    const contender = (name: string) => ({ name, pass: () => order.push(name) });
    const prepare = (round: number) => order.push(String(round));
    race([contender('a'), contender('b')], { rounds: 2, resources: 1, millisecondsMin: 0, prepare });
    expect(order.join('')).toBe('0ab1ba2ab3ba4ab'); // three warm-ups first
  });
});

describe('editions', () => {
  it('have other ids and the same references to them', () => {
    const id = '7d0b9e39-7a49-3981-50c1-c0542d034565';
    const [patient, observation] = renumbered(
      [`{"id":"${id}"}`, `{"reference":"Patient/${id}","valueString":"7d0b9e39"}`],
      2,
    );
    const { id: other } = JSON.parse(patient!) as { id: string };
    expect(other).not.toBe(id);
    expect(other).toMatch(/^[0-9a-f]{8}-7a49-3981-50c1-c0542d034565$/);
    expect(observation).toBe(`{"reference":"Patient/${other}","valueString":"7d0b9e39"}`);
  });
});

describe('memory', () => {
  it('sees what a pass holds on to', () => {
    const held: unknown[] = [];
    const hold = heapAfterPasses(() => held.push(Array.from({ length: 100_000 }, () => ({}))), 2);
    expect(hold).toHaveLength(3);
    expect(hold[2]! - hold[1]!).toBeGreaterThan(1_000_000);
  });
});

describe('sets', () => {
  it('are read from NDJSON, or from Bundles where there is none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fhir-sluice-bench-'));
    try {
      expect(() => readLines(folder)).toThrow('no NDJSON');
      const bundle = { resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Patient', id: 'ü' } }, {}] };
      writeFileSync(join(folder, 'b.json'), JSON.stringify(bundle, null, 2));
      expect(readLines(folder)).toEqual(['{"resourceType":"Patient","id":"ü"}']);
      writeFileSync(join(folder, 'a.ndjson'), '{"id":"a"}\n\n{"id":"b"}\n');
      expect(readLines(folder)).toEqual(['{"id":"a"}', '{"id":"b"}']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('tables', () => {
  it('align figures to the right and cut them to three digits', () => {
    expect(
      table(
        ['what', 'rate'],
        [
          ['a', '1'],
          ['bcdef', '1,000'],
        ],
      ),
    ).toBe('what    rate\n-----  -----\na          1\nbcdef  1,000\n');
    expect([0.54321, 12.345, 12_345.6].map(short)).toEqual(['0.543', '12.3', '12,346']);
  });
});

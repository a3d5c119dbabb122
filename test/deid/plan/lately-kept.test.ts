/** Texts remembered at one place: only what passed there under the same key, and never more than a few. */
import { describe, expect, it } from '@jest/globals';
import type { KeptTokens } from '../../../src/deid/guard/tokens.ts';
import { LatelyKept } from '../../../src/deid/plan/lately-kept.ts';
import { dropping, keep, observation, run } from '../support.ts';

const hasher = (): number => 1;
const other = (): number => 2;
const tokensWith = (hash: number): KeptTokens => ({ hashes: [hash], bits: [hash], idMarks: [], mayHoldId: false });

describe('a place', () => {
  it('knows the texts that passed there, with their tokens', () => {
    const lately = new LatelyKept();
    expect(lately.tokensOf('mg', hasher)).toBeUndefined();
    lately.note('mg', hasher, tokensWith(7));
    expect(lately.tokensOf('mg', hasher)).toEqual(tokensWith(7));
    expect(lately.tokensOf('kg', hasher)).toBeUndefined();
  });

  it('forgets all of them under another key', () => {
    const lately = new LatelyKept();
    lately.note('mg', hasher, tokensWith(7));
    expect(lately.tokensOf('mg', other)).toBeUndefined();
    lately.note('kg', other, tokensWith(8));
    expect(lately.tokensOf('mg', other)).toBeUndefined();
    expect(lately.tokensOf('mg', hasher)).toBeUndefined();
  });

  it('tells texts with the same mark apart, and holds an empty one', () => {
    const lately = new LatelyKept();
    const texts = Array.from({ length: 500 }, (_, at) => `text ${String(at)}`);
    for (const [at, text] of ['', ...texts].entries()) {
      lately.note(text, hasher, tokensWith(at));
      expect(lately.tokensOf(text, hasher)).toEqual(tokensWith(at));
    }
    const left = texts.filter((text) => lately.tokensOf(text, hasher) !== undefined);
    expect(left.length).toBeLessThanOrEqual(128);
    for (const text of left) expect(lately.tokensOf(text, hasher)).toEqual(tokensWith(texts.indexOf(text) + 1));
  });
});

it('an empty text is as little a date after a good one as before', () => {
  const policy = dropping([keep('Observation.effective')]);
  const dated = (effectiveDateTime: string): unknown => {
    const result = run(observation({ effectiveDateTime }), policy);
    return result.kind === 'resource' ? result.resource.effectiveDateTime : result;
  };
  expect([dated(''), dated('2020-01-02'), dated('')]).toEqual([undefined, '2020-01-02', undefined]);
});

it('a text that passed before leaves the same tokens the second time, and a text that names a resource never passes', () => {
  const policy = dropping([keep('Observation.code'), keep('Observation.valueString')]);
  const source = observation({ code: { text: 'Walking distance of Smith' }, valueString: 'Patient/abc' });
  const [first, second] = [run(source, policy), run(source, policy)];
  if (first.kind !== 'resource' || second.kind !== 'resource') throw new Error('withheld');
  expect(second.resource).toEqual(first.resource);
  expect(second.traces.map(({ kept }) => kept)).toEqual(first.traces.map(({ kept }) => kept));
  expect(first.traces.flatMap(({ kept }) => kept).length).toBeGreaterThan(0);
  expect(JSON.stringify(second.resource)).not.toContain('Patient/abc');
});

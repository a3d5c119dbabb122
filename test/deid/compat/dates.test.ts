import { describe, expect, it } from '@jest/globals';
import { anonymizeCompat } from '../../../src/deid/compat/index.ts';
import { codeOf, engineOf, jsonConfig, labelsOf, run } from './support.ts';

const rules = ['date', 'dateTime', 'instant'].map((type) => ({ path: `nodesByType('${type}')`, method: 'dateshift' }));
const byDays = (dateShiftFixedOffsetInDays: number) => ({ dateShiftFixedOffsetInDays });

/** The shift as Microsoft's manual has it, worked out here by other means. */
const daysOf = (text: string): number =>
  Number([...Buffer.from(text)].reduce((sum, byte) => (sum * 131n + BigInt(byte)) % 101n, 0n)) - 50;

const dayAfter = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

describe('dateShift', () => {
  it('goes by the id of the outermost resource and the key', () => {
    const patient = { resourceType: 'Patient', id: 'p1', birthDate: '2000-03-01' };
    expect(run(rules, patient).birthDate).toBe(dayAfter('2000-03-01', daysOf('p1d')));
    const bundle = { resourceType: 'Bundle', id: 'b1', type: 'collection', entry: [{ resource: patient }] };
    expect(run(rules, bundle).entry[0].resource.birthDate).toBe(dayAfter('2000-03-01', daysOf('b1d')));
    expect(run(rules, { resourceType: 'Patient', birthDate: '2000-03-01' }).birthDate).toBe(
      dayAfter('2000-03-01', daysOf('d')),
    );
  });

  it('goes by what an earlier rule has made of the id', () => {
    const patient = { resourceType: 'Patient', id: 'p1', birthDate: '2000-03-01' };
    const hash = { path: 'Resource.id', method: 'cryptoHash' };
    const { id, birthDate } = run([hash, ...rules], patient);
    expect(birthDate).toBe(dayAfter('2000-03-01', daysOf(`${id as string}d`)));
    expect(run([...rules, hash], patient).birthDate).toBe(dayAfter('2000-03-01', daysOf('p1d')));
  });

  it.each([
    ['file', '/data/in/a.json', 'a.json'],
    ['folder', '/data/in/', 'in'],
    ['folder', 'C:\\data\\in\\', 'in'],
    ['FILE', 'a.json', 'a.json'],
    ['resource', '/data/in/a.json', 'p1'],
    ['file', '', 'p1'],
  ])('by scope %s of %s goes by %s', (dateShiftScope, inputName, prefix) => {
    const patient = { resourceType: 'Patient', id: 'p1', birthDate: '2000-03-01' };
    const shifted = run(rules, patient, { dateShiftScope }, { inputName });
    expect(shifted.birthDate).toBe(dayAfter('2000-03-01', daysOf(`${prefix}d`)));
  });

  it.each([
    ['2015-02-27', 2, '2015-03-01'],
    ['2015-02-07T13:28:17Z', 1, '2015-02-08T00:00:00Z'],
    ['2015-02-07T13:28:17.239-05:00', -7, '2015-01-31T00:00:00.000-05:00'],
    ['2015-02-07T13:28:17', 1, '2015-02-08'], // no zone: the time is none of R4's
    ['2015-02-07T13:28Z', 1, '2015-02-08'],
    ['2015-02-07Z', 1, '2015-02-08'],
    ['2015-02', 1, undefined],
    ['2015', 1, undefined],
    ['1900-01-01', 1, undefined],
    ['1936-06-15', 1, undefined],
    ['1936-06-16', 1, '1936-06-17'],
  ])('makes of %s with %s days: %s', (value, days, expected) => {
    const observation = { resourceType: 'Observation', status: 'final', effectiveDateTime: value };
    const shifted = run(rules, observation, byDays(days));
    expect(shifted.effectiveDateTime).toBe(expected);
    expect(labelsOf(shifted)).toEqual([expected === undefined ? 'REDACTED' : 'PERTURBED']);
  });

  it('keeps the year of what it cannot shift, where partial dates are on', () => {
    const observation = { resourceType: 'Observation', effectivePeriod: { start: '2015-02', end: '1900' } };
    expect(run(rules, observation, { enablePartialDatesForRedact: true }).effectivePeriod).toEqual({ start: '2015' });
  });

  it('shifts dates in extensions of primitives, and nothing that is no date', () => {
    const patient = {
      resourceType: 'Patient',
      _gender: { extension: [{ url: 'u', valueDate: '2000-01-01' }] },
      multipleBirthInteger: 2,
    };
    const shifted = run([{ path: 'Patient', method: 'dateShift' }], patient, byDays(1));
    expect(shifted).toMatchObject({
      _gender: { extension: [{ url: 'u', valueDate: '2000-01-02' }] },
      multipleBirthInteger: 2,
    });
  });

  it('throws where a shift leaves the years that there are', () => {
    const patient = { resourceType: 'Patient', birthDate: '9999-12-31' };
    expect(codeOf(() => run(rules, patient, byDays(1)))).toBe('date-out-of-range');
  });

  it('draws a key where the configuration has none, another for each engine', () => {
    const shifts = Array.from({ length: 40 }, () => {
      const engine = engineOf(jsonConfig(rules, { dateShiftKey: '' }), { random: undefined as never });
      return JSON.stringify(anonymizeCompat(engine, { resourceType: 'Patient', birthDate: '2000-03-01' }));
    });
    expect(new Set(shifts).size).toBeGreaterThan(1);
  });
});

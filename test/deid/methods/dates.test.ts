/** dateShift and dateTruncate, on dates that exist and on texts that only look like them. */
import { describe, expect, it } from '@jest/globals';
import { readDate, shifted, yearsBetween } from '../../../src/deid/methods/dates.ts';
import { bundleOf, keys, observation, output, patient, policyOf, reasonOf, rest, rule } from '../support.ts';

const shifting = policyOf(['date', 'dateTime', 'instant'].map((type) => rule(`nodesByType('${type}')`, 'dateShift')));
const truncating = (to?: string, ageYearsMax?: number): ReturnType<typeof policyOf> =>
  policyOf(
    ['date', 'dateTime', 'instant'].map((type) =>
      rule(`nodesByType('${type}')`, 'dateTruncate', { ...(to && { to }), ...(ageYearsMax && { ageYearsMax }) }),
    ),
  );
const dayOf = (text: string): number => Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 86_400_000;
const birthShift = (id: string, birthDate = '1980-05-05', policy = shifting, by = keys): number =>
  dayOf(rest(patient({ id, birthDate }), policy, undefined, by).birthDate) - dayOf(birthDate);

describe('readDate', () => {
  it.each([
    '2020',
    '2020-02',
    '2020-02-29',
    '2000-02-29',
    '2020-01-01T00:00Z',
    '2020-01-01T10:11:12',
    '2020-01-01T10:11:12.123456+14:00',
    '0001-01-01',
    '9999-12-31',
    '2020-12-31T23:59:60Z',
  ])('%s is one', (text) => {
    const [, year = '', month, day] = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?/.exec(text) ?? [];
    const numberOf = (digits: string | undefined): number | undefined =>
      digits === undefined ? undefined : Number(digits);
    expect(readDate(text)).toEqual({
      year: Number(year),
      month: numberOf(month),
      day: numberOf(day),
      time: text.slice(10),
    });
  });

  it.each([
    '',
    '20',
    '2020-13',
    '2020-00',
    '2020-02-30',
    '2019-02-29',
    '1900-02-29',
    '2020-01-00',
    '2020-1-1',
    '0000-01-01',
    '02020-01-01',
    '2020-01-01 10:00',
    '2020-01-01T10',
    '2020-01-01T10:11:12+1:00',
    'NaN',
    '2020-01-01\n',
    ' 2020',
    '２０２０-01-01',
    '2020-01-01T10:11:12ZZ',
    '2020-W01',
  ])('%j is none', (text) => {
    expect(readDate(text)).toBeUndefined();
  });
});

describe('shifted', () => {
  it.each([
    ['2020-02-28', 1, '2020-02-29'],
    ['2020-02-28', 2, '2020-03-01'],
    ['2019-02-28', 1, '2019-03-01'],
    ['2000-02-29', 366, '2001-03-01'],
    ['1900-02-28', 1, '1900-03-01'],
    ['2020-12-31', 1, '2021-01-01'],
    ['2020-03-31', -31, '2020-02-29'],
    ['0001-01-01', 30, '0001-01-31'],
    ['0099-12-31', 1, '0100-01-01'],
    ['2020-03-29T02:30:00+01:00', 1, '2020-03-30T02:30:00+01:00'],
    ['2020-01-01T00:30:00-11:00', -1, '2019-12-31T00:30:00-11:00'],
    ['0001-01-01', -1, undefined],
    ['9999-12-31', 1, undefined],
  ])('%s by %i days is %s', (text, days, expected) => {
    expect(shifted(readDate(text)!, days)).toBe(expected);
  });
});

describe('yearsBetween', () => {
  it.each([
    ['1936-01-01', '2026-01-01T00:00:00Z', 90],
    ['1936-01-02', '2026-01-01T23:59:59Z', 89],
    ['1936-02-29', '2026-02-28T12:00:00Z', 89],
    ['1936-02-29', '2026-03-01T00:00:00Z', 90],
    ['1936', '2026-01-01T00:00:00Z', 90],
    ['1936-02', '2026-01-31T00:00:00Z', 89],
    ['2030-01-01', '2026-01-01T00:00:00Z', -4],
  ])('from %s to %s are %i', (text, at, years) => {
    expect(yearsBetween(readDate(text)!, new Date(at))).toBe(years);
  });
});

describe('dateShift', () => {
  it('moves all dates of one patient alike, in every resource and packaging', () => {
    const days = birthShift('p1');
    const on = '2020-02-29';
    const references = ['Patient/p1', 'Patient/p1/_history/3', 'https://h/fhir/Patient/p1', 'urn:uuid:p1'];
    for (const reference of references) {
      const one = observation({
        subject: { reference },
        effectiveDateTime: on,
        issued: `${on}T10:00:00Z`,
        contained: [patient({ id: 'c', birthDate: on })],
      });
      const packed = {
        alone: rest(one, shifting),
        bundled: rest(bundleOf({ resource: patient({ birthDate: on }) }, { resource: one }), shifting).entry[1]
          .resource,
      };
      for (const [name, { effectiveDateTime, issued, contained }] of Object.entries<any>(packed)) {
        const moved = [effectiveDateTime, issued, contained[0].birthDate].map(
          (text: string) => dayOf(text) - dayOf(on),
        );
        expect([reference, name, moved]).toEqual([reference, name, [days, days, days]]);
      }
    }
  });

  it.each(['0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', '0C3151BD-1CBF-4D64-B04D-CD9187A4C6E0'])(
    'moves a transaction’s patient and observations alike: urn:uuid:%s, with and without an id',
    (uuid) => {
      for (const id of [{}, { id: uuid }]) {
        const { entry } = rest(
          bundleOf(
            { fullUrl: `urn:uuid:${uuid}`, resource: { resourceType: 'Patient', ...id, birthDate: '2000-01-01' } },
            { resource: observation({ subject: { reference: `urn:uuid:${uuid}` }, effectiveDateTime: '2000-01-01' }) },
          ),
          shifting,
        );
        expect(entry[1].resource.effectiveDateTime).toBe(entry[0].resource.birthDate);
      }
    },
  );

  it('moves other patients, instances and keys otherwise, within the bound and never by nothing', () => {
    const many = Array.from({ length: 300 }, (_, index) => birthShift(`p${String(index)}`));
    expect(many.every((days) => days !== 0 && Math.abs(days) <= 50)).toBe(true);
    expect(new Set(many).size).toBeGreaterThan(80);
    const rules = [rule('Patient.birthDate', 'dateShift', { daysMax: 1 })];
    expect(
      new Set(Array.from({ length: 30 }, (_, index) => birthShift(`p${String(index)}`, '1980-05-05', policyOf(rules)))),
    ).toEqual(new Set([1, -1]));
    const ids = Array.from({ length: 20 }, (_, index) => `p${String(index)}`);
    const south = policyOf([rule('Patient.birthDate', 'dateShift')], { scope: { instance: 'south' } });
    const other = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(8) };
    expect(ids.map((id) => birthShift(id, '1980-05-05', south))).not.toEqual(ids.map((id) => birthShift(id)));
    expect(ids.map((id) => birthShift(id, '1980-05-05', shifting, other))).not.toEqual(ids.map((id) => birthShift(id)));
  });

  it('removes partial dates, and texts that are none', () => {
    for (const birthDate of ['1980', '1980-05', '1980-02-30', 'May 1980', '', 'NaN', '9999-12-31T', '1980-05-05T']) {
      expect([birthDate, rest(patient({ birthDate, active: true }), shifting)]).toEqual([birthDate, { active: true }]);
    }
  });

  it('keeps the time and zone, and takes along what stands beside the date', () => {
    const moved = rest(
      observation({ effectiveDateTime: '2020-01-01T10:11:12.345+05:30', _effectiveDateTime: { id: 'x' } }),
      shifting,
    );
    expect(moved).toEqual({ effectiveDateTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT10:11:12\.345\+05:30$/) });
  });

  it('makes midnight of every time where the policy says so', () => {
    const zero = policyOf([rule("nodesByType('dateTime')", 'dateShift', { timeOfDay: 'zero' })]);
    const timeOf = (text: string): unknown =>
      rest(observation({ effectiveDateTime: text }), zero).effectiveDateTime.slice(10);
    expect(timeOf('2020-01-01T10:11:12.345+05:30')).toBe('T00:00:00.000+05:30');
    expect(timeOf('2020-01-01T10:11:12Z')).toBe('T00:00:00Z');
    expect(timeOf('2020-01-01')).toBe('');
  });

  it('removes dates older than ageYearsMax at the as-of time', () => {
    const policy = policyOf([rule('Patient.birthDate', 'dateShift', { ageYearsMax: 89 })]);
    expect(rest(patient({ birthDate: '1936-01-01' }), policy)).toEqual({});
    expect(rest(patient({ birthDate: '1936-01-02' }), policy)).toHaveProperty('birthDate');
    expect(rest(patient({ birthDate: '1936-01-02' }), policy, new Date('2026-01-02T00:00:00Z'))).toEqual({});
  });
});

describe('dateTruncate', () => {
  it.each([
    ['year', '2020', '2020'],
    [undefined, '2020', '2020-03-04'],
    ['month', '2020-03', '2020-03-04'],
    ['month', '2020', '2020'],
    ['day', '2020-03-04', '2020-03-04T23:00:00-05:00'],
    ['day', '2020-03', '2020-03'],
  ])('to %s gives %s of %s', (to, expected, text) => {
    expect(rest(observation({ effectiveDateTime: text }), truncating(to))).toEqual({ effectiveDateTime: expected });
  });

  it('removes an instant that may not be partial, and leaves its day otherwise', () => {
    const issued = '2020-03-04T23:00:00-05:00';
    expect(rest(observation({ issued, valueInteger: 1 }), truncating('year'))).toEqual({ valueInteger: 1 });
    expect(rest(observation({ issued }), truncating('day'))).toEqual({ issued: '2020-03-04T00:00:00Z' });
  });

  it('removes an age of 90 and leaves one of 89, whatever is known of the day', () => {
    const year = (birthDate: string): unknown => rest(patient({ birthDate }), truncating('year', 89)).birthDate;
    expect([year('1936-01-01'), year('1936-01'), year('1936'), year('1890-05-05')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([year('1936-01-02'), year('1936-02'), year('1937')]).toEqual(['1936', '1936', '1937']);
  });

  it('removes what is no date', () => {
    for (const birthDate of ['1980-02-30', 'in 1980', ''])
      expect(rest(patient({ birthDate }), truncating('day'))).toEqual({});
  });
});

describe('a time that is none', () => {
  it('lets no age over the limit pass', () => {
    const old = patient({ birthDate: '1900-01-01', active: true });
    for (const method of ['dateShift', 'dateTruncate']) {
      const policy = policyOf([rule('Patient.birthDate', method, { ageYearsMax: 89 })]);
      let left: unknown;
      try {
        left = output(old, policy, new Date(Number.NaN)).birthDate;
      } catch {
        // To refuse is as good.
      }
      expect([method, left]).toEqual([method, undefined]);
    }
  });
});

it('dates under `keep` pass as they are, and texts that are none go', () => {
  const policy = policyOf([]);
  for (const birthDate of ['1980', '1980-05', '2020-02-29'])
    expect(rest(patient({ birthDate }), policy)).toEqual({ birthDate });
  for (const birthDate of ['1980-02-30', 'John', 'NaN']) expect(rest(patient({ birthDate }), policy)).toEqual({});
  expect(reasonOf(patient({ birthDate: 19_800_101 }), policy)).toBe('wrong-json-type');
});

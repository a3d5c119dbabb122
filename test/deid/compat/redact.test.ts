import { describe, expect, it } from '@jest/globals';
import { codeOf, labelsOf, run, withoutMeta } from './support.ts';

const partial = {
  enablePartialAgesForRedact: true,
  enablePartialDatesForRedact: true,
  enablePartialZipCodesForRedact: true,
  restrictedZipCodeTabulationAreas: ['036', '059'],
};
const all = [{ path: 'Resource', method: 'redact' }];

describe('redact', () => {
  it('goes down to the leaves, and removes what is left empty', () => {
    const patient = {
      resourceType: 'Patient',
      id: 'p',
      active: true,
      name: [{ family: 'F', _family: { extension: [{ url: 'u', valueString: 's' }] } }],
      contact: [{ address: { city: 'C' } }],
    };
    const redacted = run(
      [
        { path: 'Patient.name', method: 'redact' },
        { path: 'Patient.contact', method: 'redact' },
      ],
      patient,
    );
    expect(withoutMeta(redacted)).toEqual({ resourceType: 'Patient', id: 'p', active: true });
    expect(labelsOf(redacted)).toEqual(['REDACTED']);
  });

  it('leaves of a resource its type and the label', () => {
    const redacted = run(all, { resourceType: 'Patient', id: 'p', gender: 'male', meta: { source: 's' } });
    expect(Object.keys(redacted)).toEqual(['resourceType', 'meta']);
    expect(Object.keys(redacted.meta)).toEqual(['security']);
  });

  it('says nothing where there was nothing to remove', () => {
    expect(run(all, { resourceType: 'Patient' })).toEqual({ resourceType: 'Patient' });
    expect(run([{ path: 'Patient.name', method: 'redact' }], { resourceType: 'Patient', id: 'x' })).toEqual({
      resourceType: 'Patient',
      id: 'x',
    });
  });

  it.each([
    ['birthDate', '1980-03-04', '1980'],
    ['birthDate', '1980', '1980'],
    ['birthDate', '1936-06-16', '1936'], // 89 until tomorrow
    ['birthDate', '1936-06-15', undefined], // 90 today
    ['birthDate', '1935', undefined],
    ['deceasedDateTime', '2001-02-03T04:05:06Z', '2001'],
  ])('keeps of the partial date %s %s: %s', (key, value, left) => {
    expect(run(all, { resourceType: 'Patient', [key]: value }, partial)[key]).toBe(left);
  });

  it('removes dates altogether where nothing else is said', () => {
    expect(withoutMeta(run(all, { resourceType: 'Patient', birthDate: '1980-03-04' }))).toEqual({
      resourceType: 'Patient',
    });
  });

  it.each([
    [89, 89],
    [90, undefined],
  ])('keeps of the age %s: %s', (value, left) => {
    const condition = { resourceType: 'Condition', onsetAge: { value, unit: 'a' } };
    expect(run([{ path: "nodesByType('Age')", method: 'redact' }], condition, partial).onsetAge?.value).toBe(left);
  });

  it('throws on an age with a fraction, as Microsoft does', () => {
    const condition = { resourceType: 'Condition', onsetAge: { value: 45.5 } };
    expect(codeOf(() => run(all, condition, partial))).toBe('age-not-whole');
    expect(withoutMeta(run(all, condition))).toEqual({ resourceType: 'Condition' });
  });

  it.each([
    ['98052', '98000'],
    ['03601-1234', '00000-0000'],
    ['05', '05'],
    ['SW1A 2AA', 'SW1A 0AA'],
  ])('makes of the postal code %s: %s', (code, left) => {
    const redacted = run(all, { resourceType: 'Patient', address: [{ postalCode: code }] }, partial);
    expect(redacted.address[0].postalCode).toBe(left);
    expect(labelsOf(redacted)).toEqual(['ABSTRED']);
  });

  it('finds a method in any letter case', () => {
    expect(
      run([{ path: 'Patient.gender', method: 'REDACT' }], { resourceType: 'Patient', gender: 'male' }).gender,
    ).toBeUndefined();
  });
});

describe('the first rule to have a node', () => {
  const patient = { resourceType: 'Patient', name: [{ family: 'F', use: 'usual' }], birthDate: '2000-01-01' };

  it('is the only one, even when it did nothing', () => {
    const kept = run(
      [
        { path: 'Patient.name.use', method: 'keep' },
        { path: 'Patient.name', method: 'redact' },
      ],
      patient,
    );
    expect(kept.name).toEqual([{ use: 'usual' }]);
    const none = run([{ path: 'Patient.gender | Patient.birthDate', method: 'perturb', span: 1 }, ...all], patient);
    expect(none.birthDate).toBe('2000-01-01');
  });

  it('has all below it', () => {
    expect(run([{ path: 'Patient', method: 'keep' }, ...all], patient)).toEqual(patient);
  });

  it('leaves the resources inside to their own rules', () => {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ fullUrl: 'urn:x', resource: patient }] };
    const kept = run([{ path: 'Bundle', method: 'keep' }, ...all], bundle);
    expect(kept.entry[0].fullUrl).toBe('urn:x');
    expect(withoutMeta(kept.entry[0].resource)).toEqual({ resourceType: 'Patient' });
  });

  it('may be one for the container, which reaches in by its path', () => {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient }] };
    const rules = [
      { path: 'Bundle.entry.resource.name', method: 'keep' },
      { path: 'Patient', method: 'redact' },
    ];
    expect(run(rules, bundle).entry[0].resource.name).toEqual(patient.name);
  });
});

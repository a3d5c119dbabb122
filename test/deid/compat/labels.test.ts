import { describe, expect, it } from '@jest/globals';
import { codeOf, labelsOf, run } from './support.ts';

const hash = { path: 'Resource.id', method: 'cryptoHash' };
const system = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';

describe('security labels', () => {
  it('come in one order, whatever that of the rules', () => {
    const patient = {
      resourceType: 'Patient',
      id: 'p',
      multipleBirthInteger: 3,
      gender: 'male',
      language: 'en-US',
      name: [{ family: 'F', given: ['G'] }],
      address: [{ postalCode: '98052' }],
    };
    const rules = [
      { path: 'Patient.language', method: 'generalize', cases: { true: "'en'" } },
      { path: 'Patient.gender', method: 'substitute', replaceWith: 'other' },
      { path: 'Patient.multipleBirth', method: 'perturb', span: 1 },
      { path: 'Patient.name.given', method: 'encrypt' },
      hash,
      { path: 'Patient.address', method: 'redact' },
      { path: 'Patient.name.family', method: 'redact' },
    ];
    const labelled = run(rules, patient, { enablePartialZipCodesForRedact: true });
    expect(labelsOf(labelled)).toEqual([
      'REDACTED',
      'ABSTRED',
      'CRYTOHASH',
      'MASKED',
      'PERTURBED',
      'SUBSTITUTED',
      'GENERALIZED',
    ]);
    expect(labelled.meta.security[2]).toEqual({ system, code: 'CRYTOHASH', display: 'cryptographic hash function' });
    expect(labelled.meta.security[4]).toEqual({
      code: 'PERTURBED',
      display: 'exact value is replaced with another exact value',
    });
  });

  it('stand beside those that were there, and not twice', () => {
    const meta = { profile: ['http://x.org/p'], security: [{ code: 'crytohash' }, { system: 's', code: 'R' }] };
    expect(run([hash], { resourceType: 'Patient', id: 'p', meta }).meta).toEqual(meta);
    expect(labelsOf(run([hash], { resourceType: 'Patient', id: 'p', meta: { security: [{ code: 'R' }] } }))).toEqual([
      'R',
      'CRYTOHASH',
    ]);
  });

  it('come after a meta that was redacted', () => {
    const redacted = run([{ path: 'Patient.meta', method: 'redact' }], {
      resourceType: 'Patient',
      meta: { security: [{ code: 'R' }], source: 's' },
    });
    expect(redacted.meta).toEqual({ security: [{ system, code: 'REDACTED', display: 'redacted' }] });
  });

  it('of what is inside are also those of what is around it, contained resources having none of their own', () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [
        { resource: { resourceType: 'Patient', contained: [{ resourceType: 'Organization', id: 'o' }] } },
        { resource: { resourceType: 'Patient', gender: 'male' } },
        { response: { status: '200', outcome: { resourceType: 'OperationOutcome', id: 'x' } } },
      ],
    };
    const labelled = run([hash], bundle);
    expect(labelsOf(labelled)).toEqual(['CRYTOHASH']);
    expect(labelsOf(labelled.entry[0].resource)).toEqual(['CRYTOHASH']);
    expect(labelled.entry[0].resource.contained[0].meta).toBeUndefined();
    expect(labelled.entry[1].resource.meta).toBeUndefined();
    expect(labelsOf(labelled.entry[2].response.outcome)).toEqual(['CRYTOHASH']);
  });

  it('are given in Bundles in Bundles and in Parameters', () => {
    const parameters = {
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'a',
          resource: {
            resourceType: 'Bundle',
            type: 'batch',
            entry: [{ resource: { resourceType: 'Patient', id: 'p' } }],
          },
        },
        { name: 'b', part: [{ name: 'c', valueString: 'v' }] },
      ],
    };
    const labelled = run([hash], parameters);
    const bundle = labelled.parameter[0].resource;
    for (const resource of [labelled, bundle, bundle.entry[0].resource])
      expect(labelsOf(resource)).toEqual(['CRYTOHASH']);
    expect(labelled.parameter[1]).toEqual(parameters.parameter[1]);
  });

  it('write lastUpdated anew, since meta goes through classes on the way', () => {
    const patient = { resourceType: 'Patient', id: 'p', meta: { lastUpdated: '2015-02-07T13:28:17.230Z' } };
    expect(run([hash], patient).meta.lastUpdated).toBe('2015-02-07T13:28:17.23+00:00');
    expect(run([], patient).meta.lastUpdated).toBe('2015-02-07T13:28:17.230Z');
    const shifted = run([{ path: "nodesByType('instant')", method: 'dateShift' }], patient, {
      dateShiftFixedOffsetInDays: 1,
    });
    expect(shifted.meta.lastUpdated).toBe('2015-02-08T00:00:00+00:00');
  });

  it('cannot be given where a rule made nonsense of meta', () => {
    const patient = { resourceType: 'Patient', meta: { lastUpdated: '2015-02-07T13:28:17Z' } };
    expect(codeOf(() => run([{ path: 'Patient.meta.lastUpdated', method: 'cryptoHash' }], patient))).toBe(
      'meta-invalid',
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { toAidbox, toFhir } from '../../src/emulator/formats.ts';
import { bundle, patient, withEmulator } from './calls.ts';

const pairs = [
  [
    { subject: { reference: 'Patient/1', display: 'x' } },
    { subject: { resourceType: 'Patient', id: '1', display: 'x' } },
  ],
  [{ subject: { reference: 'https://e.example/Patient/1' } }, { subject: { uri: 'https://e.example/Patient/1' } }],
  [{ subject: { reference: '#c' } }, { subject: { localRef: 'c' } }],
  [{ subject: { identifier: { value: '1' } } }, { subject: { identifier: { value: '1' } } }],
  [{ valueQuantity: { value: 1, unit: 'g' } }, { value: { Quantity: { value: 1, unit: 'g' } } }],
  [{ valueDateTime: '2026' }, { value: { dateTime: '2026' } }],
  [
    { extension: [{ url: 'u', valueReference: { reference: 'A/1' } }] },
    { extension: [{ url: 'u', value: { Reference: { resourceType: 'A', id: '1' } } }] },
  ],
  [
    { deceasedBoolean: false, multipleBirthInteger: 2 },
    { deceased: { boolean: false }, multipleBirth: { integer: 2 } },
  ],
  [
    { medicationReference: { reference: 'Medication/m' } },
    { medication: { Reference: { resourceType: 'Medication', id: 'm' } } },
  ],
  [
    { valueSet: 'v', item: [{ linkId: '1' }], content: [{ attachment: { url: 'u' } }] },
    { valueSet: 'v', item: [{ linkId: '1' }], content: [{ attachment: { url: 'u' } }] },
  ],
  [{ contained: [{ resourceType: 'Patient', id: 'c' }] }, { contained: [{ resourceType: 'Patient', id: 'c' }] }],
] as const;

describe('the two formats', () => {
  it.each(pairs.map(([fhir, aidbox]) => ({ fhir, aidbox })))('turn into each other: $fhir', ({ fhir, aidbox }) => {
    expect(toAidbox(fhir as never)).toEqual(aidbox);
    expect(toFhir(aidbox as never)).toEqual(fhir);
  });

  it('are one resource: written at the root in one, read under /fhir in the other', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.put(patient('a'));
      const native = {
        resourceType: 'Observation',
        subject: { resourceType: 'Patient', id: 'a' },
        value: { string: 'x' },
      };
      expect((await call('PUT', '/Observation/o', native)).json).toMatchObject(native);
      const fhir = { subject: { reference: 'Patient/a' }, valueString: 'x' };
      expect((await call('GET', '/fhir/Observation/o')).json).toMatchObject(fhir);
      const byBundle = await call('POST', '/', bundle('transaction', ['PUT', '/Observation/p', native]));
      expect(byBundle.json.entry[0].resource).toMatchObject(native);
      expect(emulator.read('Observation', 'p')).toMatchObject(fhir);
      const dangling = { ...native, subject: { resourceType: 'Patient', id: 'none' } };
      expect((await call('PUT', '/Observation/q', dangling)).status).toBe(422);
    });
  });
});

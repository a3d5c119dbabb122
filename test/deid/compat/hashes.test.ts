import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decryptText } from '../../../src/deid/compat/index.ts';
import { labelsOf, run, withoutMeta } from './support.ts';

const hmac = (text: string): string => createHmac('sha256', 'k').update(text).digest('hex');
const uuid = '04121321-4af5-424c-a0e1-ed3aab1c349d';

describe('cryptoHash', () => {
  it.each([
    ['Patient/123', `Patient/${hmac('123')}`],
    ['Patient/123/_history/4', `Patient/${hmac('123')}/_history/4`],
    ['https://x.org:8080/fhir/Patient/123', `https://x.org:8080/fhir/Patient/${hmac('123')}`],
    ['http://a-b.org/fhir/Patient/123', hmac('http://a-b.org/fhir/Patient/123')], // no hyphen in its form of a host
    [`urn:uuid:${uuid}`, `urn:uuid:${hmac(uuid)}`],
    ['urn:oid:1.2.3', `urn:oid:${hmac('1.2.3')}`],
    ['#p1', `#${hmac('p1')}`],
    ['#', '#'],
    ['NoType/123', hmac('NoType/123')],
    ['Patient?identifier=s|1', hmac('Patient?identifier=s|1')],
    ['Patient/a_b', hmac('Patient/a_b')],
  ])('hashes of the reference %s the id', (reference, expected) => {
    const observation = { resourceType: 'Observation', subject: { reference } };
    const hashed = run([{ path: "nodesByType('Reference').reference", method: 'cryptoHash' }], observation);
    expect(hashed.subject.reference).toBe(expected);
  });

  it('hashes of everything else the text that .NET makes of it', () => {
    const patient = {
      resourceType: 'Patient',
      id: '123',
      active: true,
      multipleBirthInteger: 2,
      birthDate: '2000-01-01',
      managingOrganization: { identifier: { value: 'Ä' } },
    };
    const hashed = run([{ path: 'Patient', method: 'cryptoHash' }], patient);
    expect(withoutMeta(hashed)).toEqual({
      resourceType: 'Patient',
      id: hmac('123'),
      active: hmac('True'),
      multipleBirthInteger: hmac('2'),
      birthDate: hmac('2000-01-01'),
      managingOrganization: { identifier: { value: hmac('Ä') } },
    });
  });

  it('of an id and of a reference to it are the same, contained or not', () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [
        { resource: { resourceType: 'Patient', id: 'p' } },
        {
          resource: {
            resourceType: 'Observation',
            contained: [{ resourceType: 'Device', id: 'd' }],
            subject: { reference: 'Patient/p' },
            device: { reference: '#d' },
          },
        },
      ],
    };
    const rules = [
      { path: 'Resource.id', method: 'cryptoHash' },
      { path: "nodesByType('Reference').reference", method: 'cryptoHash' },
    ];
    const [{ resource: patient }, { resource: observation }] = run(rules, bundle).entry;
    expect(observation.subject.reference).toBe(`Patient/${patient.id as string}`);
    expect(observation.device.reference).toBe(`#${observation.contained[0].id as string}`);
  });
});

describe('encrypt', () => {
  const key = Buffer.from('0123456789abcdef');
  const rules = [{ path: 'Patient.name', method: 'encrypt' }];
  const patient = { resourceType: 'Patient', name: [{ family: 'Ärger', given: ['A', 'A'] }] };

  it('is AES-CBC with the vector in front, and can be read again', () => {
    const encrypted = run(rules, patient);
    expect(labelsOf(encrypted)).toEqual(['MASKED']);
    const bytes = Buffer.from(encrypted.name[0].family, 'base64');
    expect([...bytes.subarray(0, 16)]).toEqual(Array.from({ length: 16 }, () => 0));
    expect(decryptText(encrypted.name[0].family, key, 'base64')).toBe('Ärger');
  });

  it('takes another vector each time', () => {
    const [{ given }] = run(rules, patient, {}, { random: undefined as never }).name;
    expect(given[0]).not.toBe(given[1]);
    expect(given.map((text: string) => decryptText(text, key, 'base64'))).toEqual(['A', 'A']);
  });

  it('draws a key of its own where there is none', () => {
    expect(run(rules, patient, { encryptKey: '' }).name[0].family).not.toBe(run(rules, patient).name[0].family);
  });
});

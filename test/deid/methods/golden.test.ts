/**
 * Bytes that are published: whoever changes one of these changes what stands at every hub. They were computed once; another
 * machine, version of Node or order of work has to give the same.
 */
import { describe, expect, it } from '@jest/globals';
import { deidentify } from '../../../src/deid/deidentify.ts';
import { macOf } from '../../../src/deid/keys.ts';
import type { SubkeyPurpose } from '../../../src/deid/keys.ts';
import { decrypt } from '../../../src/deid/methods/hashes.ts';
import { pseudonymUrn } from '../../../src/deid/pseudonym.ts';
import { policyOf, rule } from '../support.ts';

const keys = { pseudonymKeyVersion: 3, pseudonymKey: Uint8Array.from({ length: 32 }, (_, index) => index) };
const at = new Date('2026-01-01T00:00:00Z');
const scope = { instance: 'site-a', urns: 'rename' } as const;

describe('subkeys', () => {
  it.each<[SubkeyPurpose, string]>([
    ['resource-id', 'd7c050a7b55895e2'],
    ['contained-id', '789b469e293f90ef'],
    ['reference-literal', '1d86a26f48a78aa1'],
    ['urn', 'c6d74349736f6869'],
    ['value', 'b497f85d2682a926'],
    ['crypto-hash', '65907ec33517c855'],
    ['date-shift', 'a6c5fc9a2550ed7c'],
    ['perturb', 'e038f2d5d4ba619d'],
    ['encrypt', '70b918c0e5918b13'],
    ['encrypt-nonce', 'dd2bb0419676b9c9'],
    ['guard-word', '3005aa4d589caf11'],
    ['guard-patient', '5b02a34ee0903d56'],
  ])('of %s', (purpose, expected) => {
    expect(macOf(keys, purpose, ['a', 'b']).toString('hex').slice(0, 16)).toBe(expected);
  });

  it('of text without UTF-8, and of a urn', () => {
    expect(macOf(keys, 'value', ['\ud800', '']).toString('hex').slice(0, 16)).toBe('dea50469de038d81');
    expect(pseudonymUrn(keys, 'site-a', 'urn:uuid:x')).toBe('urn:uuid:9c2687a0-898a-8b88-805d-3bcff85d2e09');
  });
});

describe('one patient under every keyed method', () => {
  const policy = policyOf(
    [
      rule('Patient.birthDate', 'dateShift', { daysMax: 50 }),
      rule('Patient.identifier.value', 'cryptoHash'),
      rule('Patient.name.family', 'pseudonymize', { domain: 'family' }),
      rule('Patient.name.given', 'encrypt', { deterministic: true, domain: 'given' }),
      rule('Patient.name.text', 'encrypt'),
      rule('Patient.multipleBirthInteger', 'perturb', { span: 1000 }),
      rule('Patient.telecom.value', 'mask'),
      rule('Patient.address.postalCode', 'generalize', { zip3: 'census-2010' }),
      rule('Patient.deceasedDateTime', 'dateTruncate', { to: 'month' }),
      rule('Patient.address.city', 'substitute', { with: 'X' }),
    ],
    { scope, labels: false },
  );
  const result = deidentify(
    {
      resourceType: 'Patient',
      id: 'pt-1',
      identifier: [{ system: 'http://s', value: 'MRN-1' }],
      name: [{ text: 'Ann B', family: 'B', given: ['Ann', 'Q'] }],
      telecom: [{ value: 'call +1 555 123-4567 or a@b.org' }],
      birthDate: '1980-02-29',
      multipleBirthInteger: 5000,
      deceasedDateTime: '2020-05-06T07:08:09+02:00',
      address: [{ postalCode: '02139-1234', city: 'C' }],
      managingOrganization: { reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0' },
      generalPractitioner: [{ reference: 'http://h/Practitioner/1' }, { reference: '#c' }],
      contained: [{ resourceType: 'Practitioner', id: 'c' }],
    },
    policy,
    keys,
    at,
  );
  if (result.kind !== 'resource') throw new Error(result.reason);
  const { meta, ...members } = result.resource;

  it('has these bytes', () => {
    expect(JSON.stringify(members)).toBe(
      JSON.stringify({
        resourceType: 'Patient',
        id: 'p3-vtgv6axufdteseib7lcsjae4cbnqqkpx',
        contained: [{ resourceType: 'Practitioner', id: 'p3-3hlbiaxgkqszafk22tqzyikfjlqe6iq2' }],
        identifier: [{ system: 'http://s', value: 'd13cd35dbc4609446180651cb0ca881edee1bc682b0224c8002c552e28dd8c6a' }],
        name: [
          {
            text: 'e3-d-13zqNQuxaW2TV7n48oL5QPn-KRaTflKyaHmJ-hO0S-',
            family: 'p3-itwzux4fxdix2ptc2pqp2woegxuslh3l',
            given: ['e3-f_middhEoQCkcdziRDoI2dLaKOQ6hvSoEN-VDjjPpw', 'e3-flx57R823Foo59EtVjXozXpPNF4rWoP4ySVLRFI'],
          },
        ],
        telecom: [{ value: 'call [phone] or [email]' }],
        birthDate: '1980-01-28',
        deceasedDateTime: '2020-05',
        address: [{ city: 'X', postalCode: '021' }],
        multipleBirthInteger: 4864,
        generalPractitioner: [
          { reference: 'https://fhir-sluice.invalid/Practitioner/p3-fou2rcxrsnzltlumiootkttrscinehuk' },
          { reference: '#p3-3hlbiaxgkqszafk22tqzyikfjlqe6iq2' },
        ],
        managingOrganization: { reference: 'urn:uuid:c96df0bc-4989-8483-91b5-0b5286133dd0' },
      }),
    );
  });

  it('is tagged with this digest', () => {
    expect(meta).toEqual({
      tag: [
        { system: 'urn:fhir-sluice:origin', code: 'site-a' },
        { system: 'urn:fhir-sluice:policy', code: 'ddf1b414cad90136e0c42056ad04c38ea36187b358c0d0e035f32b11e786712b' },
        { system: 'urn:fhir-sluice:key', code: 'pseudonym/3' },
      ],
    });
  });

  it('comes back where the key is held', () => {
    expect(decrypt(keys, 'site-a', 'e3-d-13zqNQuxaW2TV7n48oL5QPn-KRaTflKyaHmJ-hO0S-')).toBe('Ann B');
    expect(decrypt(keys, 'site-a', 'e3-flx57R823Foo59EtVjXozXpPNF4rWoP4ySVLRFI')).toBe('Q');
  });

  it('leaves this trace', () => {
    expect(result.traces.map(({ patient, resource }) => [patient, resource])).toEqual([
      ['fa67cda8856ef37ce5e132f9d1be74cb', 'Patient/p3-vtgv6axufdteseib7lcsjae4cbnqqkpx'],
    ]);
  });
});

import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { anonymizeCompat, decryptText } from '../../../src/deid/compat/index.ts';
import { configOf, engineOf, labelsOf, withoutMeta } from './support.ts';

const header = `fhirVersion: R4
parameters:
  cryptoHashKey: k
  encryptKey: 0123456789abcdef
`;
const run = (rules: string, resource: object, head = header): any => {
  const result = anonymizeCompat(engineOf(`${head}fhirPathRules:\n${rules}`), resource);
  return result.kind === 'resource' ? result.resource : result;
};
const hmac = (text: string, key: string | Buffer = 'k'): string => createHmac('sha256', key).update(text).digest('hex');

describe('a YAML configuration of fhir-pseudonymizer', () => {
  it('reads every scalar as a text, postal areas with a zero in front included', () => {
    const config = configOf(`${header}  restrictedZipCodeTabulationAreas: [036, "059"]
  enablePartialDatesForRedact: true
fhirPathRules:
  - path: Patient.gender
    method: substitute
    replaceWith: 0123
`);
    expect(config).toMatchObject({
      dialect: 'fhir-pseudonymizer',
      parameters: { restrictedZipCodeTabulationAreas: ['036', '059'], enablePartialDatesForRedact: true },
      rules: [{ method: 'substitute', replaceWith: '0123' }],
    });
  });

  it('cuts hashes to truncateToMaxLength', () => {
    const rules = '  - { path: Resource.id, method: cryptoHash, truncateToMaxLength: 32 }';
    expect(run(rules, { resourceType: 'Patient', id: '123' }).id).toBe(hmac('123').slice(0, 32));
  });

  it('hashes references in uris, and conditional ones', () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { fullUrl: 'http://x.org/Patient/1', request: { method: 'PUT', url: 'Patient?identifier=http://x.org/a|5' } },
      ],
    };
    const [entry] = run('  - { path: Bundle.entry, method: cryptoHash }', bundle).entry;
    expect(entry.fullUrl).toBe(`http://x.org/Patient/${hmac('1')}`);
    expect(entry.request.url).toBe(`Patient?identifier=http://x.org/a|${hmac('5')}`);
  });

  it('writes ciphertext as upper-case hex', () => {
    const { id } = run('  - { path: Patient.id, method: encrypt }', { resourceType: 'Patient', id: '123' });
    expect(id).toMatch(/^[0-9A-F]{64}$/);
    expect(decryptText(id, Buffer.from('0123456789abcdef'), 'hex')).toBe('123');
  });

  it('derives its keys from a context', () => {
    const head = `${header}  keyDerivationContext: project-a\n`;
    const derive = (key: string, purpose: string): Buffer =>
      Buffer.from(hkdfSync('sha256', key, 'FhirPseudonymizer.KeyDerivation.v1', `project-a:${purpose}`, 32));
    const rules = '  - { path: Patient.id, method: cryptoHash }\n  - { path: Patient.gender, method: encrypt }';
    const { id, gender } = run(rules, { resourceType: 'Patient', id: '123', gender: 'male' }, head);
    expect(id).toBe(hmac('123', derive('k', 'cryptoHash').toString('hex')));
    expect(decryptText(gender, derive('0123456789abcdef', 'encrypt'), 'hex')).toBe('male');
  });

  it('removes nodes with the resources in them', () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [
        { resource: { resourceType: 'Patient', id: 'p' } },
        { resource: { resourceType: 'Group', id: 'g' } },
        { resource: { resourceType: 'Patient', id: 'q' } },
      ],
    };
    const removed = run('  - { path: Bundle.entry.where(resource is Patient), method: remove }', bundle);
    expect(removed.entry).toEqual([{ resource: { resourceType: 'Group', id: 'g' } }]);
    expect(labelsOf(removed)).toEqual(['REDACTED']);
  });

  it('passes over what is no primitive in generalize', () => {
    const rules = `  - path: Patient.name
    method: generalize
    cases: { "$this = 'F'": "'X'" }
    otherValues: keep`;
    expect(run(rules, { resourceType: 'Patient', name: [{ family: 'F', text: 'T' }] }).name).toEqual([
      { family: 'X', text: 'T' },
    ]);
  });

  it('knows nodesBy… only as the function: the resource itself is among what it finds, a resource in it is not', () => {
    const patient = { resourceType: 'Patient', id: 'p', contained: [{ resourceType: 'Patient', id: 'q' }] };
    const redacted = run("  - { path: nodesByType('Patient').id, method: redact }", patient);
    expect(withoutMeta(redacted)).toEqual({ resourceType: 'Patient', contained: [{ resourceType: 'Patient' }] });
  });
});

describe('pseudonymize', () => {
  const patient = {
    resourceType: 'Patient',
    id: '123',
    identifier: [{ value: '5' }],
    link: [{ other: { reference: 'http://x.org/fhir/Patient/123' } }],
  };

  it('gives a value one pseudonym in a domain, and another in another', () => {
    const inDomain = (domain: string): string =>
      run(`  - { path: "nodesByType('Identifier').value", method: pseudonymize, ${domain} }`, patient).identifier[0]
        .value;
    expect(inDomain('domain: A')).toMatch(/^[0-9a-f]{64}$/);
    expect(inDomain('domain: A')).toBe(inDomain('namespace: A'));
    expect(inDomain('domain: A')).not.toBe(inDomain('domain: B'));
    expect(inDomain('domain: BA')).toBe(inDomain('domain: A, domain-prefix: B'));
  });

  it('takes for ids and references their type, so that they still meet', () => {
    const rules =
      '  - { path: Resource.id, method: pseudonymize }\n  - { path: "nodesByType(\'Reference\').reference", method: pseudonymize }';
    const pseudonymized = run(rules, patient);
    expect(pseudonymized.link[0].other.reference).toBe(`http://x.org/fhir/Patient/${pseudonymized.id as string}`);
    expect(labelsOf(pseudonymized)).toEqual(['PSEUDED']);
    const group = run(rules, { resourceType: 'Group', id: '123' });
    expect(group.id).not.toBe(pseudonymized.id);
  });
});

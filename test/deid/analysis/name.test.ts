/** Names of a report: what R4 and the data call things, without what may be a value. */
import { describe, expect, it } from '@jest/globals';

import { keyName, urlName } from '../../../src/deid/analysis/name.ts';

describe('the url of an extension', () => {
  it.each([
    'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race',
    'http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.name',
    'https://north.example.org:8443/2024/eye-colour',
  ])('is shown as it is: %s', (url) => {
    expect(urlName(url, 'Patient')).toBe(url);
  });

  it.each([
    ['http://x.org/nick?mail=ann%40x.org', 'http://x.org/nick'],
    ['http://x.org/nick#ann', 'http://x.org/nick'],
    ['http://x.org/ann@x.org/nick', 'http://x.org/…/nick'],
    ['http://x.org/ann%40x.org/nick', 'http://x.org/…/nick'],
    ['http://ann:secret@x.org/nick', 'http://ann:…/nick'],
    ['http://x.org/p/123456/nick', 'http://x.org/p/…/nick'],
    ['http://x.org/p/555-123-4567/nick', 'http://x.org/p/…/nick'],
    ['http://x.org/born/1951-03-14', 'http://x.org/born/…'],
    ['urn:uuid:5e6b0a51-8c4b-4f2a-9d0e-0d3c2f1b4a77', 'urn:uuid:…'],
    ['urn:oid:2.16.840.1.113883.4.3.25', 'urn:oid:…'],
    ['Ann Quillfeather', '(no address)'],
    [7, '(no address)'],
  ])('is shown without what may be a value: %s', (url, shown) => {
    expect(urlName(url, 'Patient')).toBe(shown);
  });

  it('may be a word within another extension, and no number', () => {
    expect(urlName('ombCategory', "Patient.extension('http://x.org')")).toBe('ombCategory');
    expect(urlName('mrn123456', "Patient.extension('http://x.org')")).toBe('(no address)');
  });
});

it('an attribute is shown by its name, unless that looks like a value', () => {
  expect(['nickName', '_birthDate', 'valueBase64Binary'].map(keyName)).toEqual([
    'nickName',
    '_birthDate',
    'valueBase64Binary',
  ]);
  expect(['Ann Q', 'mrn123456', 'a@b.c'].map(keyName)).toEqual(['(a name)', '(a name)', '(a name)']);
});

/** The scan for leaks finds what it is for, however it is written. */
import { describe, expect, it } from '@jest/globals';
import type { Resource } from '../../../src/fhir/resource.ts';
import { dateForms, needlesOf } from './needles.ts';
import { Scanner } from './scan.ts';

describe('the scan', () => {
  const patient: Resource = {
    resourceType: 'Patient',
    id: 'patient-4711',
    name: [{ family: "O'Quillfeather", given: ['Li'] }],
    identifier: [{ value: 'MRN-N-7704121' }],
    telecom: [{ value: '(617) 555-0143' }, { value: 'li.o@mail.example.org' }],
    address: [{ line: ['48 Lanternfish Row'], city: 'Brookline', postalCode: '02446' }],
    birthDate: '1951-03-04',
  };
  const scanner = new Scanner(needlesOf([patient]));
  const kinds = (text: string): string[] => [...new Set(scanner.scan({ note: text }).map(({ kind }) => kind))];

  it.each([
    ['name', 'seen by Dr. O&#39;Quillfeather'],
    ['name', 'LI came alone'],
    ['identifier', 'mrn n 7704121'],
    ['contact', 'call 617.555.0143'],
    ['contact', 'tel:6175550143'],
    ['contact', 'to LI.O@mail.example.org'],
    ['address', 'at 48, Lanternfish Row'],
    ['address', 'of Brookline.'],
    ['address', 'MA 02446-1200'],
    ['id', 'Patient/patient-4711'],
    ...dateForms('1951-03-04').map((form) => ['date', `born ${form}.`]),
  ])('finds a planted %s: %s', (kind, text) => {
    expect(kinds(text)).toContain(kind);
  });

  it('finds what stands in a key or in base64, and nothing in ordinary text', () => {
    expect(scanner.scan({ Brookline: 1 })).toHaveLength(1);
    expect(scanner.scan({ data: Buffer.from('for Li').toString('base64') })).toHaveLength(1);
    expect(kinds('Alive; list of lithium, 1951, 617, quill feather')).toEqual([]);
  });
});

/** The form of codes: R4's own, whatever the policy says. */
import { describe, expect, it } from '@jest/globals';
import { observation, policyOf } from '../support.ts';
import { plant, staged, verdictOn } from './support.ts';

const policy = policyOf([]);
const source = observation({ status: 'final', language: 'en', code: { coding: [{ code: 'x' }] } });
const planted = (path: string, value: unknown): string => verdictOn(plant(staged(source, policy), path, value), policy);

describe('a code', () => {
  it.each([
    ['status', 'Zbigniew Kowalczyk born 1950-03-04 (555) 123-4567'],
    ['status', 'x'.repeat(81)],
    ['language', 'Zbigniew Kowalczyk'],
    ['status', ' final'],
    ['code.coding.0.code', 'x '],
    ['code.coding.0.code', 'x  y'],
    ['code.coding.0.code', 'x\ny'],
    ['code.coding.0.code', 'x'.repeat(501)],
  ])('is refused at %s: %j', (path, value) => {
    expect(planted(path, value)).toBe('value-form');
  });

  it.each([
    ['status', 'entered-in-error'],
    ['language', 'en-US'],
    ['code.coding.0.code', '371883000 | Outpatient procedure | : 1=2'],
    ['code.coding.0.code', 'mm[Hg]'],
  ])('may be at %s: %j', (path, value) => {
    expect(planted(path, value)).toBe('ok');
  });

  it('may be a media type with a parameter', () => {
    const photo = { contentType: 'text/plain; charset=utf-8' };
    const patient = { resourceType: 'Patient', id: 'p1', photo: [photo] };
    expect(verdictOn(staged(patient, policy), policy)).toBe('ok');
  });
});

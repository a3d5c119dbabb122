/** The first rule of the list to take a leaf decides, whatever comes after it. */
import { describe, expect, it } from '@jest/globals';
import { pseudonymForm } from '../../../src/deid/pseudonym.ts';
import { bundleOf, dropping, keep, observation, patient, policyOf, reasonOf, redact, rest, rule } from '../support.ts';

const home = patient({
  name: [{ family: 'F', given: ['G'] }],
  address: [{ state: 'MA', city: 'Boston', line: ['1 Row'] }],
});
const addressUnder = (...rules: object[]): unknown => rest(home, policyOf(rules)).address;

describe('precedence', () => {
  it('is the list’s, between an element and what holds it', () => {
    expect(addressUnder(keep('Patient.address.state'), redact('Patient.address'))).toEqual([{ state: 'MA' }]);
    expect(addressUnder(redact('Patient.address.city'), keep('Patient.address'))).toEqual([
      { line: ['1 Row'], state: 'MA' },
    ]);
  });

  it('is the list’s, between paths, types and names', () => {
    expect(addressUnder(keep("nodesByName('state')"), redact('Patient.address'))).toEqual([{ state: 'MA' }]);
    expect(addressUnder(keep("nodesByType('Address').state"), redact("nodesByName('address')"))).toEqual([
      { state: 'MA' },
    ]);
    expect(addressUnder(redact("nodesByType('string')"), keep("nodesByType('Address')"))).toBeUndefined();
    expect(addressUnder(keep("nodesByType('Address')"), redact("nodesByType('string')"))).toEqual(home.address);
  });

  it('puts a site’s rules before its preset’s', () => {
    const policy = policyOf([keep('Patient.address.state')], { extends: 'aidbox-default' });
    expect(rest(home, policy)).toEqual({ address: [{ state: 'MA' }] });
  });

  it('holds for conditions: a rule whose condition is not met takes nothing', () => {
    const named = patient({ name: [{ use: 'official', family: 'A' }, { use: 'usual', family: 'B' }, { family: 'C' }] });
    const under = (...rules: object[]): unknown => rest(named, policyOf(rules)).name;
    const official = "Patient.name.where(use = 'official')";
    expect(under(keep(official), redact('Patient.name'))).toEqual([{ use: 'official', family: 'A' }]);
    expect(under(redact(official), keep('Patient.name'))).toEqual([{ use: 'usual', family: 'B' }, { family: 'C' }]);
    expect(under(redact(`${official}.family`), keep('Patient.name'))).toEqual([
      { use: 'official' },
      { use: 'usual', family: 'B' },
      { family: 'C' },
    ]);
  });

  it('gives each leaf of a complex element the method that won, and removes those it does not work on', () => {
    const period = { start: '2020-01-02', end: '2020-02-02' };
    const source = patient({ name: [{ family: 'F', period }], address: [{ city: 'C', period }] });
    const result = rest(
      source,
      policyOf([
        rule('Patient.address', 'dateShift'),
        rule('Patient.name.period', 'dateTruncate'),
        rule('Patient.name', 'pseudonymize'),
      ]),
    );
    expect(result).toEqual({
      name: [{ family: expect.stringMatching(pseudonymForm), period: { start: '2020', end: '2020' } }],
      address: [{ period: { start: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), end: expect.anything() } }],
    });
  });
});

describe('Element.id', () => {
  const source = patient({ name: [{ id: 'n1', family: 'F' }], birthDate: '1990-01-02', _birthDate: { id: 'b1' } });

  it('passes by its own rule or by default: keep, never with its parent', () => {
    expect(rest(source, dropping([keep('Patient.name'), keep('Patient.birthDate')]))).toEqual({
      name: [{ family: 'F' }],
      birthDate: '1990-01-02',
    });
    expect(rest(source, dropping([keep('Patient.name.id'), keep('Patient.birthDate.id')]))).toEqual({
      name: [{ id: 'n1' }],
      _birthDate: { id: 'b1' },
    });
    expect(rest(source, policyOf([]))).toEqual({
      name: source.name,
      birthDate: '1990-01-02',
      _birthDate: { id: 'b1' },
    });
  });

  it('goes with a parent that is removed, and beside a value that is changed', () => {
    expect(rest(source, policyOf([redact('Patient.name'), rule('Patient.birthDate', 'dateTruncate')]))).toEqual({
      birthDate: '1990',
    });
  });
});

describe('dropResource', () => {
  const policy = policyOf([rule('Patient', 'dropResource')]);
  const inner = patient({ name: [{ family: 'secret' }] });

  it('withholds a resource alone', () => {
    expect(reasonOf(inner, policy)).toBe('policy-drops-type');
  });

  it('removes it inside another', () => {
    expect(rest(bundleOf({ resource: inner, search: { mode: 'match' } }), policy).entry).toEqual([
      { search: { mode: 'match' } },
    ]);
    expect(rest(observation({ contained: [inner], status: 'final' }), policy)).toEqual({ status: 'final' });
    const parameters = { resourceType: 'Parameters', id: 'x', parameter: [{ name: 'a', resource: inner }] };
    expect(rest(parameters, policy)).toEqual({ parameter: [{ name: 'a' }] });
  });

  it('loses against a rule before it that keeps the type', () => {
    expect(reasonOf(inner, policyOf([keep('Patient'), rule('Resource', 'dropResource')]))).toBeUndefined();
    expect(reasonOf(observation(), policyOf([keep('Patient'), rule('Resource', 'dropResource')]))).toBe(
      'policy-drops-type',
    );
  });
});

describe('resources inside others', () => {
  const inner = patient({ name: [{ family: 'F' }], gender: 'male' });

  it('are judged by their own type, not by what holds for their container', () => {
    const policy = dropping([keep('Observation'), keep('Bundle'), keep('Patient.gender')]);
    expect(rest(observation({ contained: [inner] }), policy).contained).toEqual([
      { resourceType: 'Patient', id: expect.stringMatching(pseudonymForm), gender: 'male' },
    ]);
    const [entry] = rest(bundleOf({ resource: inner }), policy).entry as { resource: object }[];
    expect(entry?.resource).toMatchObject({ gender: 'male' });
    expect(entry?.resource).not.toHaveProperty('name');
  });

  it('go by a rule whose path ends at them', () => {
    expect(
      rest(observation({ contained: [inner], status: 'final' }), policyOf([redact('Observation.contained')])),
    ).toEqual({ status: 'final' });
    expect(
      rest(observation({ contained: [inner], status: 'final' }), policyOf([redact('DomainResource.contained')])),
    ).toEqual({ status: 'final' });
    expect(rest(bundleOf({ resource: inner }), policyOf([redact('Bundle.entry.resource')]))).toEqual({
      type: 'collection',
    });
  });
});

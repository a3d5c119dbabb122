/** What becomes of a literal reference, by its form and its target's type. */
import { describe, expect, it } from '@jest/globals';
import { detachedSystem } from '../../../src/deid/engine.ts';
import { pseudonymForm, pseudonymId } from '../../../src/deid/pseudonym.ts';
import { dropping, keep, keys, observation, patient, policyOf, reasonOf, redact, rest, rule } from '../support.ts';

const plain = policyOf([]);
const idOf = (type: string, id: string): string => pseudonymId(keys, 'north', type, id);
const detached = (type?: string): object => ({
  ...(type === undefined ? {} : { type }),
  identifier: { system: detachedSystem, value: expect.stringMatching(pseudonymForm) },
});
const subjectOf = (reference: unknown, more: object = {}, policy = plain): unknown =>
  rest(observation({ subject: { reference, ...more } }), policy).subject;

describe('a literal reference', () => {
  it.each<[string, object]>([
    ['Patient/a', { reference: `Patient/${idOf('Patient', 'a')}` }],
    ['Patient/a/_history/3', { reference: `Patient/${idOf('Patient', 'a')}` }],
    ['Organization/o/_history/3', { reference: 'Organization/o' }],
    [
      'Practitioner/a',
      { type: 'Practitioner', identifier: { system: detachedSystem, value: idOf('Practitioner', 'a') } },
    ],
    ['https://north.example.org/fhir/Patient/a', detached('Patient')],
    ['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', detached()],
    ['urn:oid:1.2.3', detached()],
    ['Patient?identifier=mrn|77', detached('Patient')],
    ['John Smith', detached()],
    ['Patient/a b', detached()],
    ['patient/a', detached()],
    ['', detached()],
    ['#', { reference: '#' }],
    ['#nothing', detached()],
  ])('%j', (literal, expected) => {
    expect(subjectOf(literal)).toEqual(expected);
  });

  it('names its target’s type, and nothing that is no type', () => {
    const urn = 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0';
    const policy = dropping([keep('Reference.reference')]);
    for (const literal of ['JohnSmith/1999', 'JohnSmith?x=1', 'http://h/JohnSmith/1', urn]) {
      expect([literal, subjectOf(literal, { type: 'JohnSmith' }, policy)]).toEqual([literal, detached()]);
    }
  });

  it('that is detached keeps its display, loses its identifier, and tells equal targets alike', () => {
    const one = 'http://h/Patient/a';
    expect(subjectOf(one, { display: 'd', identifier: { value: 'MRN' } })).toEqual({
      display: 'd',
      ...detached('Patient'),
    });
    expect(subjectOf(one)).toEqual(subjectOf(`${one}/_history/2`));
    expect(subjectOf(one)).not.toEqual(subjectOf('http://i/Patient/a'));
  });

  it.each([5, true, ['Patient/a'], [['Patient/a']], [{}, 'Patient/a'], {}])(
    'of a wrong type withholds: %j',
    (literal) => {
      expect(reasonOf(observation({ subject: { reference: literal } }), plain)).toBe('wrong-json-type');
    },
  );

  it.each(['keep', 'mask', 'cryptoHash', 'pseudonymize', 'encrypt'])(
    'becomes the target’s pseudonym under %s as well',
    (method) => {
      const reference = `Patient/${idOf('Patient', 'a')}`;
      const by = policyOf([rule('Observation.subject', method)]);
      expect(subjectOf('Patient/a', {}, by)).toEqual({ reference });
      expect(subjectOf('Practitioner/a', {}, by)).toEqual({
        type: 'Practitioner',
        identifier: { system: detachedSystem, value: idOf('Practitioner', 'a') },
      });
    },
  );

  it('is followed in extensions, in siblings and in what R4 does not have', () => {
    const own = { reference: 'Patient/a' };
    const extension = [{ url: 'http://x', valueReference: own }];
    const text = JSON.stringify(
      rest(observation({ extension, status: 'final', _status: { extension }, foo: [{ bar: own }] }), plain),
    );
    expect(text.match(new RegExp(`Patient/${idOf('Patient', 'a')}`, 'g'))).toHaveLength(3);
    expect(text).not.toContain('"Patient/a"');
  });
});

describe('urns that are renamed', () => {
  const policy = policyOf([], { scope: { urns: 'rename' } });

  it('are pseudonymous urns, the same whatever their letters’ case', () => {
    const urn = 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0';
    expect(subjectOf(urn, {}, policy)).toEqual({
      reference: expect.stringMatching(/^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    });
    expect(subjectOf(urn, {}, policy)).not.toEqual({ reference: urn });
    expect(subjectOf(urn.toUpperCase(), {}, policy)).toEqual(subjectOf(urn, {}, policy));
  });
});

describe('a literal that hides outside a reference', () => {
  it.each([
    ['url', patient({ photo: [{ url: 'Binary/b' }] }), 'Binary', 'b'],
    ['a url with a version', patient({ photo: [{ url: 'Binary/b/_history/2' }] }), 'Binary', 'b'],
    ['a text', observation({ valueString: 'Patient/a' }), 'Patient', 'a'],
    ['an attribute of the server’s own', observation({ foo: ['Patient/a'] }), 'Patient', 'a'],
    ['an extension', patient({ extension: [{ url: 'http://x', valueUri: 'Patient/a' }] }), 'Patient', 'a'],
  ])('%s is rewritten', (_name, resource, type, id) => {
    const text = JSON.stringify(rest(resource, plain));
    expect(text).toContain(`${type}/${idOf(type, id)}`);
    expect(text).not.toContain(`${type}/${id}`);
  });

  it.each([
    rule('Observation.valueString', 'mask'),
    rule('Observation.valueString', 'generalize', { cases: { "$this = 'x'": "'y'" }, otherValues: 'keep' }),
    rule('Observation.valueString', 'plugin', { name: 'same' }),
  ])('is rewritten where a method lets it pass: %j', (one) => {
    const plugins = [{ name: 'same', version: '1', types: ['string'], apply: (value: any) => value }];
    const text = JSON.stringify(rest(observation({ valueString: 'Patient/a' }), policyOf([one], { plugins })));
    expect(text).not.toContain('Patient/a"');
  });

  it('is none where the words only look alike, or the type comes down', () => {
    const value = { valueString: 'Male/Female', note: [{ text: 'Location/l' }] };
    expect(rest(observation(value), plain)).toEqual(value);
  });
});

describe('rules on references', () => {
  const subject = { reference: 'Patient/a', type: 'Patient', identifier: { value: 'MRN' }, display: 'John' };
  const under = (path: string): unknown => rest(observation({ subject }), policyOf([redact(path)])).subject;

  it('remove parts, and the literal stays a pseudonym', () => {
    const reference = `Patient/${idOf('Patient', 'a')}`;
    expect(under('Reference.display')).toEqual({ reference, type: 'Patient', identifier: { value: 'MRN' } });
    expect(under("nodesByType('Reference').identifier")).toEqual({ reference, type: 'Patient', display: 'John' });
    expect(under('Observation.subject.reference')).toEqual({
      type: 'Patient',
      identifier: { value: 'MRN' },
      display: 'John',
    });
    expect(under("Observation.subject.where(type = 'Patient')")).toBeUndefined();
    expect(under("nodesByType('Reference').where(type = 'Patient').display")).not.toHaveProperty('display');
  });

  it('on a Reference’s type hold where it is detached', () => {
    const urn = { reference: 'urn:oid:1.2.3', type: 'Patient' };
    expect(rest(observation({ subject: urn }), policyOf([redact('Reference.type')])).subject).toEqual(detached());
  });
});

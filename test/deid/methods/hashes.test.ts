/** pseudonymize, cryptoHash, encrypt: what is told alike, what is told apart, and what comes back. */
import { describe, expect, it } from '@jest/globals';
import { decrypt, encryptedForm } from '../../../src/deid/methods/hashes.ts';
import { pseudonymForm } from '../../../src/deid/pseudonym.ts';
import { keys, observation, patient, policyOf, reasonOf, rest, rule } from '../support.ts';

const other = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(8) };
const named = patient({ name: [{ family: 'x', given: ['x', 'y'], text: 'x' }], gender: 'x' });

describe('pseudonymize', () => {
  const name = (...rules: object[]): any => rest(named, policyOf(rules)).name[0];

  it('tells equal values of a domain alike, wherever they stand', () => {
    const { family, given, text } = name(
      rule('Patient.name.family', 'pseudonymize', { domain: 'd' }),
      rule('Patient.name.given', 'pseudonymize', { domain: 'd' }),
      rule('Patient.name.text', 'pseudonymize'),
    );
    expect(family).toMatch(pseudonymForm);
    expect(given).toEqual([family, expect.stringMatching(pseudonymForm)]);
    expect(given[1]).not.toBe(family);
    expect(text).not.toBe(family);
  });

  it('takes the path for the domain: one rule’s values share it', () => {
    const { family, given, text } = name(rule('Patient.name', 'pseudonymize'));
    expect(given[0]).toBe(family);
    expect(text).toBe(family);
  });

  it('goes by instance and key, not by the resource', () => {
    const policy = policyOf([rule('Patient.name.family', 'pseudonymize')]);
    const family = (resource: object, by = policy, with_ = keys): unknown =>
      rest(resource, by, undefined, with_).name[0].family;
    const south = policyOf([rule('Patient.name.family', 'pseudonymize')], { scope: { instance: 'south' } });
    expect(family({ ...named, id: 'p2' })).toBe(family(named));
    expect(family(named, south)).not.toBe(family(named));
    expect(family(named, policy, other)).not.toBe(family(named));
  });

  it('removes what cannot hold a pseudonym', () => {
    const source = observation({ valueQuantity: { value: 5, unit: 'x' }, effectiveDateTime: '2020' });
    expect(rest(source, policyOf([rule('Observation.value', 'pseudonymize')]))).toEqual({
      effectiveDateTime: '2020',
      valueQuantity: { unit: expect.stringMatching(pseudonymForm) },
    });
  });
});

describe('cryptoHash', () => {
  const hash = (hexDigits?: number, resource = named, instance = 'north'): unknown =>
    rest(
      resource,
      policyOf([rule('Patient.gender', 'cryptoHash', hexDigits === undefined ? undefined : { hexDigits })], {
        scope: { instance },
      }),
    ).gender;

  it.each([16, 17, 63, 64])('is cut to %i digits', (hexDigits) => {
    expect(hash(hexDigits)).toMatch(new RegExp(`^[0-9a-f]{${String(hexDigits)}}$`));
    expect(hash()).toMatch(new RegExp(`^${String(hash(hexDigits))}`));
  });

  it('tells equal values alike in every path, and tells lone surrogates apart', () => {
    const all = rest(named, policyOf([rule('Patient.name', 'cryptoHash'), rule('Patient.gender', 'cryptoHash')]));
    expect(all.gender).toBe(all.name[0].family);
    const hashes = ['\ud800', '\udfff', '\ufffd', '"\\ud800"', ''].map((gender) => hash(64, patient({ gender })));
    expect(new Set(hashes).size).toBe(5);
    expect(hash(64, named, 'south')).not.toBe(hash());
  });

  it.each([15, 65, 0, 16.5])('of %d digits is refused', (hexDigits) => {
    expect(() => hash(hexDigits)).toThrow('hexDigits');
  });
});

describe('encrypt', () => {
  const sealed = (rules: object[], resource: object = named, instance = 'north'): any =>
    rest(resource, policyOf(rules, { scope: { instance } })).name[0];
  const random = rule('Patient.name', 'encrypt');
  const deterministic = rule('Patient.name', 'encrypt', { deterministic: true });

  it.each(['x', '', 'é\ud83d\ude00', 'line\nline', 'x'.repeat(10_000), ' '])(
    'comes back at the site that holds the key: %#',
    (text) => {
      const { text: cipher } = sealed([random], patient({ name: [{ text }] }));
      expect(cipher).toMatch(encryptedForm);
      expect(decrypt(keys, 'north', cipher)).toBe(text);
    },
  );

  it('does not come back for another key, another instance, or altered text', () => {
    const { text } = sealed([random]);
    expect(decrypt(other, 'north', text)).toBeUndefined();
    expect(decrypt(keys, 'south', text)).toBeUndefined();
    for (const at of [5, 20, 40, text.length - 2]) {
      const altered = `${String(text).slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${String(text).slice(at + 1)}`;
      expect([at, decrypt(keys, 'north', altered)]).toEqual([at, undefined]);
    }
    for (const none of ['', 'e1-', 'x', `${String(text)}=`, 'e0-'.padEnd(50, 'A'), String(text).slice(0, -10)]) {
      expect([none, decrypt(keys, 'north', none)]).toEqual([none, undefined]);
    }
  });

  it('tells equal values apart by their place, and gives the same bytes again', () => {
    const { family, given, text } = sealed([random]);
    expect(new Set([family, ...given, text]).size).toBe(4);
    expect(sealed([random])).toEqual(sealed([random]));
    expect(sealed([random], { ...named, id: 'p2' }).family).not.toBe(family);
    const siblings = patient({
      name: [
        {
          given: ['a', 'b'],
          _given: [
            { extension: [{ url: 'http://x', valueString: 'same' }] },
            { extension: [{ url: 'http://x', valueString: 'same' }] },
          ],
        },
      ],
    });
    const { _given } = sealed([rule("Patient.name.given.extension('http://x').value", 'encrypt')], siblings);
    expect(_given[0].extension[0].valueString).not.toBe(_given[1].extension[0].valueString);
  });

  it('tells equal values of a domain alike when deterministic', () => {
    const { family, given, text } = sealed([deterministic]);
    expect([given[0], text]).toEqual([family, family]);
    const { family: one, text: two } = sealed([
      rule('Patient.name.family', 'encrypt', { deterministic: true, domain: 'a' }),
      rule('Patient.name.text', 'encrypt', { deterministic: true, domain: 'b' }),
    ]);
    expect(one).not.toBe(two);
    expect([decrypt(keys, 'north', one), decrypt(keys, 'north', two)]).toEqual(['x', 'x']);
  });

  it('removes what cannot hold a ciphertext', () => {
    const source = observation({ effectivePeriod: { start: '2020', id: 'x' }, subject: { display: 'd' } });
    expect(rest(source, policyOf([rule('Observation.subject', 'encrypt')])).subject).toEqual({
      display: expect.stringMatching(encryptedForm),
    });
    expect(() => policyOf([rule('Observation.effectiveDateTime', 'encrypt')])).toThrow(
      'a method that works on dateTime',
    );
    expect(reasonOf(patient({ gender: {} }), policyOf([rule('Patient.gender', 'encrypt')]))).toBe('wrong-json-type');
  });
});

describe('versions of the key by purpose', () => {
  const held = { ...other, pseudonymKeyVersion: 2, olderKeys: new Map([[1, keys.pseudonymKey]]) };
  const rules = [rule('Patient.name.family', 'cryptoHash'), rule('Patient.name.text', 'encrypt')];

  it('stay at the one that the policy names', () => {
    const before = rest(named, policyOf(rules), undefined, keys).name[0];
    const pinned = rest(named, policyOf(rules, { keys: { cryptoHash: 1 } }), undefined, held).name[0];
    expect(pinned.family).toBe(before.family);
    expect(pinned.text).toMatch(/^e2-/);
    expect(rest(named, policyOf(rules), undefined, held).name[0].family).not.toBe(before.family);
  });

  it('throw where the named one is not held', () => {
    expect(() => rest(named, policyOf(rules, { keys: { encrypt: 3 } }), undefined, held)).toThrow(
      'a version that is not held',
    );
  });
});

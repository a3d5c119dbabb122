/** How much of a kept value counts, by what kind of text it is. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createWordHasher } from '../../../src/deid/guard/hash.ts';
import { hashTokens, hashedTokens, isShortNumber, tokensIn } from '../../../src/deid/guard/tokens.ts';
import type { TextKind } from '../../../src/deid/guard/tokens.ts';
import type { GuardClass } from '../../../src/deid/policy/document.ts';
import { isFound } from './support.ts';

const keys = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32) };

describe('kinds of kept text', () => {
  it.each<[TextKind, boolean, string, GuardClass, string]>([
    ['uri', true, 'MRN123456', 'identifier', 'http://hospital.example/mrn/123456'],
    ['uri', true, 'jane@example.org', 'contact', 'mailto:jane%40example.org'],
    ['uri', true, '555-010-4567', 'contact', 'tel:+1-555-010-4567'],
    ['uri', true, '1970-01-02', 'date', 'http://x.example/born/1970-01-02'],
    [
      'uri',
      true,
      '550e8400-e29b-41d4-a716-446655440000',
      'identifier',
      'urn:uuid:550e8400-e29b-41d4-a716-446655440000',
    ],
    ['uri', true, 'https://example.org/~jane', 'contact', 'http://example.org/~jane/'],
    ['uri', false, 'Okonkwo', 'name', 'http://example.org/okonkwo'],
    ['uri', false, '12345', 'identifier', 'http://example.org/12345'],
    ['uri', false, '02134', 'postalCode', 'http://example.org/02134'],
    ['code', true, '12345678', 'identifier', '12345678'],
    ['code', true, 'AB-12-CD-34', 'identifier', 'ab12cd34'],
    ['code', false, '99213', 'postalCode', '99213'],
    ['code', false, '83022', 'identifier', '8302-2'],
    ['code', false, '1234567', 'identifier', '1234567'],
    ['code', false, '1970-01-02', 'date', '19700102'],
    ['code', false, '555-010-4567', 'contact', '9990104567'],
    ['code', false, 'Okonkwo', 'name', 'okonkwo-syndrome'],
    ['code', true, 'Kowalczyk', 'name', 'KOWALCZYK'],
    ['code', true, 'Zbigniew Kowalczyk', 'name', 'zbigniew kowalczyk'],
    ['code', true, 'Kowalczyk', 'name', 'Zbigniew Kowalczyk'],
    ['code', true, 'Kowalczyk', 'name', 'born to Kowalczyk'],
    ['code', true, 'Springfield', 'address', 'springfield'],
    ['code', false, 'Male', 'name', 'male'],
    ['code', false, 'Ng', 'name', 'ng'],
    ['code', false, 'Final', 'name', 'final'],
    ['code', false, '4711', 'identifier', '4711'],
    ['uri', true, 'Kowalczyk', 'name', 'http://x.example/Questionnaire/kow?name=Kowalczyk'],
    ['uri', true, 'Kowalczyk', 'name', 'http://x.example/q?a=1&name=Zbigniew%20Kowalczyk#top'],
    ['uri', true, 'Zbigniew Kowalczyk', 'name', 'http://x.example/q?name=zbigniew+kowalczyk'],
    ['uri', false, 'Kowalczyk', 'name', 'http://x.example/q?kowalczyk=1'],
    ['date', true, '1970-01-02', 'date', '1970-01-02T00:00:00Z'],
    ['date', false, '1970-01-02', 'date', '1970-01'],
    ['date', false, '19700103', 'identifier', '1970-01-03'],
  ])('%s: found is %s for %j (%s) in %j', (kind, expected, removed, guardClass, kept) => {
    expect(isFound(removed, guardClass, kept, kind)).toBe(expected);
  });

  it('yield no token for the codes that everybody uses', () => {
    for (const code of ['8302-2', '99213', 'I10', 'E11.9', 'final', '44054006'.slice(0, 7), 'AMB', '2160-0']) {
      expect(tokensIn(code, 'code')).toEqual([]);
    }
  });
});

describe('a narrative', () => {
  const inDiv = (html: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${html}</div>`;

  it.each([
    ['a word', '<p>Okonkwo</p>'],
    ['a decimal character reference', '&#79;konkwo'],
    ['a hexadecimal character reference', 'Ok&#x6f;nkwo'],
    ['a word split by an inline tag', 'Okon<b>kwo</b>'],
    ['a word split by several', '<i>O</i><b>kon</b>kwo'],
    ['a word split by a soft hyphen', 'Okon&shy;kwo'],
    ['a word split by a comment', 'Okon<!-- -->kwo'],
    ['a word next to one in another inline tag', '<b>Jane</b><i>Okonkwo</i>'],
    ['words in cells', '<td>Jane</td><td>Okonkwo</td>'],
    ['an attribute', '<img alt="Okonkwo" src="x.png"/>'],
    ['an attribute with entities', "<p title='Ok&#111;nkwo'>x</p>"],
    ['an attribute without quotes', '<p title=Okonkwo>x</p>'],
    ['a link', '<a href="http://x.example/p/Okonkwo">x</a>'],
    ['a comment', '<!-- Okonkwo -->'],
    ['a processing instruction', '<?x Okonkwo?>'],
    ['a CDATA section', '<![CDATA[Okonkwo]]>'],
    ['a tag that never ends', '<p title="Okonkwo'],
    ['text after a bare less-than sign', 'a < Okonkwo'],
  ])('is searched in %s', (_title, html) => {
    expect(isFound('Okonkwo', 'name', inDiv(html), 'xhtml')).toBe(true);
  });

  it('is searched for accented letters by their names', () => {
    expect(isFound('Müller', 'name', inDiv('M&uuml;ller'), 'xhtml')).toBe(true);
    expect(isFound('José', 'name', inDiv('Jos&eacute;'), 'xhtml')).toBe(true);
  });

  it('is not searched where the page speaks of itself', () => {
    expect(isFound('Okonkwo', 'name', inDiv('<okonkwo class="Okonkwo"/>'), 'xhtml')).toBe(false);
    expect(isFound('Okonkwo', 'name', inDiv('<img src="data:image/png;base64,Okonkwo+/"/>'), 'xhtml')).toBe(false);
  });

  it('keeps numbers of neighbouring cells apart', () => {
    expect(isFound('1234567', 'identifier', inDiv('<td>123</td><td>4567</td>'), 'xhtml')).toBe(false);
  });
});

describe('hashes of tokens', () => {
  const hasher = createWordHasher(keys);

  it('are those of the tokens, with and without the memo', () => {
    for (const text of ['Body mass index (BMI)', 'x '.repeat(200) + 'Okonkwo']) {
      for (const kind of ['text', 'uri', 'code', 'date', 'xhtml'] as const) {
        const expected = tokensIn(text, kind).map(hasher);
        expect(hashTokens(text, kind, hasher).hashes).toEqual(expected);
        expect(hashedTokens(text, kind, hasher).hashes).toEqual(expected);
        expect(hashedTokens(text, kind, hasher).hashes).toEqual(expected);
      }
    }
  });

  it('do not mix kinds or keys', () => {
    const other = createWordHasher({ pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(1) });
    const text = 'Okonkwo-12345678';
    expect(hashedTokens(text, 'text', hasher).hashes).not.toEqual(hashedTokens(text, 'code', hasher).hashes);
    expect(hashedTokens(text, 'text', other).hashes).not.toEqual(hashedTokens(text, 'text', hasher).hashes);
  });
});

describe('a short number', () => {
  const hundredths = fc.integer({ min: -20_000_000, max: 20_000_000 }).map((count) => count / 100);

  it('has no token, so that nothing is missed where it is not looked at', () => {
    fc.assert(
      fc.property(fc.oneof(hundredths, fc.double(), fc.integer()), (value) => {
        if (isShortNumber(value)) expect(tokensIn(String(value), 'code')).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is any measurement or amount, and never an identifier', () => {
    expect([0, -0, 1, 72.5, 136.8, 99_999.99, -273.15].every(isShortNumber)).toBe(true);
    expect([100_000, 12_345_678, 0.1234567, 1e-7, NaN, Infinity].some(isShortNumber)).toBe(false);
  });
});

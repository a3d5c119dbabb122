/** Texts made to be slow: work is in proportion to length, whatever they are. */
import { describe, expect, it } from '@jest/globals';
import { guardClasses, maskKinds } from '../../../src/deid/policy/document.ts';
import { maskText } from '../../../src/deid/guard/mask.ts';
import { maskPatterns } from '../../../src/deid/guard/patterns.ts';
import { partsOf, scanPart, tokensIn } from '../../../src/deid/guard/tokens.ts';
import { wordsOf } from '../../../src/deid/guard/words.ts';

const megabyte = 1_000_000;
const units = [
  ...[
    'a',
    '1',
    '@',
    'a@',
    '1-',
    '1.',
    '12345 ',
    'a.',
    "o'",
    'Aa',
    '(',
    '+1',
    '://',
    'www.',
    '[',
    '<',
    '<a ',
    '<a x="',
    '&',
    '&#1',
    '<!--',
  ],
  ...[
    '1/1/',
    'jan 1 ',
    '1 jan ',
    'a:',
    '::',
    '1:',
    '山',
    '한',
    '\u1112\u1161',
    '\ud800',
    '\0',
    '\u0301',
    '-',
    '_',
    ' ',
    '\n',
    '%41',
    '1.2.3.4 ',
  ],
];
const repeated = (unit: string, length: number): string => unit.repeat(length / unit.length);

describe('hostile text', () => {
  it.each(units)('of %j yields so many tokens a character at most', (unit) => {
    for (const kind of ['text', 'xhtml', 'uri', 'code', 'date'] as const) {
      const text = `${repeated(unit, 20_000)} !`;
      let tokens = 0;
      let units = 0;
      for (const part of partsOf(text, kind)) {
        scanPart(part, (_token, start, end) => {
          tokens++;
          units += end - start;
        });
      }
      expect(tokens).toBeLessThan(40 * text.length);
      // The spans of words and URLs may be as long as the text, but only a few of them.
      expect(units).toBeLessThan(4000 * text.length);
    }
  });

  it.each(units)('of much %j comes to an end', (unit) => {
    const text = `${repeated(unit, megabyte / 20)} !`;
    for (const kind of ['text', 'xhtml', 'uri', 'code', 'date'] as const) tokensIn(text, kind);
    for (const guardClass of guardClasses) wordsOf(text, guardClass);
    maskPatterns(text, maskKinds);
    expect(typeof maskText(text, 'text', () => false)).toBe('string');
  });

  it.each(['Okonkwo 12345 ', 'a@'])('of a megabyte of %j is gone through to its end', (unit) => {
    const text = `${repeated(unit, megabyte)} Zorquim`;
    expect(tokensIn(text, 'text')).toContain('zorquim');
    expect(maskText(text, 'text', (token) => token === 'zorquim')?.endsWith(' [removed]')).toBe(true);
    expect(maskPatterns(text, maskKinds).endsWith(' Zorquim')).toBe(true);
  });

  it('of one run without end is compared by its begin', () => {
    const [token] = tokensIn(repeated('a', megabyte), 'text');
    expect(token).toHaveLength(64);
    expect(wordsOf(repeated('a', megabyte), 'identifier')).toEqual([token]);
  });
});

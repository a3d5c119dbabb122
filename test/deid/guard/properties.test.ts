/** What holds of every value and text: what is removed is found however it is written, and masking leaves nothing of it. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maskKinds } from '../../../src/deid/policy/document.ts';
import type { GuardClass } from '../../../src/deid/policy/document.ts';
import { foldText } from '../../../src/deid/guard/fold.ts';
import { maskText } from '../../../src/deid/guard/mask.ts';
import { maskPatterns } from '../../../src/deid/guard/patterns.ts';
import { tokensIn } from '../../../src/deid/guard/tokens.ts';
import { wordsOf } from '../../../src/deid/guard/words.ts';
import { isFound, maskedOf } from './support.ts';

const digits = (length: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((list) => list.join(''));

/** Synthetic names: syllables that no language has for a word. */
const syllable = fc.constantFrom(
  'zor',
  'quim',
  'vlep',
  'xand',
  'jurg',
  'bohv',
  'tsek',
  'nwak',
  'éph',
  'üln',
  'oñq',
  'şiv',
);
const surname = fc.array(syllable, { minLength: 2, maxLength: 4 }).map((list) => {
  const name = list.join('');
  return name.charAt(0).toUpperCase() + name.slice(1);
});

const plain = (text: string): string => text.normalize('NFD').replace(/\p{Mn}/gu, '');

const nameVariants = (name: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    name,
    name.toUpperCase(),
    name.toLowerCase(),
    name.normalize('NFD'),
    plain(name),
    `${name}’s`,
    `(${name})`,
    `${name}-Bello`,
    `Dr.${name}`,
    `x_${name}_y`,
    `${name}12`,
    name.split('').join('\u00ad'),
    `${name},`,
    `<${name}>`,
  );

interface Case {
  readonly removed: string;
  readonly guardClass: GuardClass;
  readonly variant: string;
  /** What must not be left of it, folded and without anything between. */
  readonly significant: string;
}

const nameCase = surname.chain((name) =>
  nameVariants(name).map((variant): Case => ({
    removed: name,
    guardClass: 'name',
    variant,
    significant: foldText(name).text,
  })),
);

const compoundNameCase = fc
  .tuple(surname, surname, fc.constantFrom('-', ' ', "'"), fc.constantFrom('-', ' ', '', '’', '. '))
  .map(([one, other, between, written]): Case => ({
    removed: `${one}${between}${other}`,
    guardClass: 'name',
    variant: `${one}${written}${other}`,
    significant: foldText(one).text,
  }));

const addressCase = fc
  .tuple(
    fc.integer({ min: 1, max: 9999 }),
    surname,
    fc.constantFrom(['Street', 'St.'], ['Avenue', 'ave'], ['Road', 'RD'], ['Boulevard', 'Blvd']),
    fc.constantFrom(' ', '  ', ', ', '\n'),
  )
  .map(([house, street, [long = '', short = ''], between]): Case => ({
    removed: `${house} ${street} ${long}`,
    guardClass: 'address',
    variant: `${house}${between}${street.toUpperCase()} ${short}`,
    significant: foldText(street).text,
  }));

const phoneCase = fc
  .tuple(fc.integer({ min: 2, max: 9 }), digits(2), digits(3), digits(4), fc.nat(7), fc.nat(7))
  .map(([first, area, exchange, line, one, other]): Case => {
    const code = `${first}${area}`;
    const forms = [
      `${code}${exchange}${line}`,
      `(${code}) ${exchange}-${line}`,
      `${code}-${exchange}-${line}`,
      `${code}.${exchange}.${line}`,
      `+1 ${code} ${exchange} ${line}`,
      `1-${code}-${exchange}-${line}`,
      `+1(${code})${exchange}-${line}`,
      `${code} ${exchange} ${line} ext 5`,
    ];
    return { removed: forms[one]!, guardClass: 'contact', variant: forms[other]!, significant: `${exchange}${line}` };
  });

const emailCase = fc
  .tuple(
    fc.stringMatching(/^[a-z][a-z0-9]{3,10}[._-]?[a-z0-9]{2,8}$/),
    fc.stringMatching(/^[a-z]{3,10}\.(org|com|net)$/),
  )
  .chain(([local, domain]) =>
    fc.constantFrom('', 'mailto:', '<', 'e-mail: ').map((before): Case => ({
      removed: `${local}@${domain}`,
      guardClass: 'contact',
      variant: `${before}${local.toUpperCase()}@${domain}`,
      significant: `${local}@${domain}`.replace(/[^a-z0-9]/g, ''),
    })),
  );

const identifierCase = fc
  .tuple(fc.stringMatching(/^[A-Z]{1,4}$/), fc.integer({ min: 2, max: 4 }), fc.integer({ min: 3, max: 5 }))
  .chain(([letters, one, other]) => fc.tuple(fc.constant(letters), digits(one), digits(other)))
  .chain(([letters, one, other]) => {
    const forms = [
      `${letters}-${one}-${other}`,
      `${letters}${one}${other}`,
      `${letters}-${one}${other}`,
      `${letters}.${one}.${other}`,
    ];
    return fc.tuple(fc.constantFrom(...forms), fc.constantFrom(...forms)).map(([removed, variant]): Case => ({
      removed,
      guardClass: 'identifier',
      variant,
      significant: `${one}${other}`,
    }));
  });

const ssnCase = fc
  .tuple(digits(3), digits(2), digits(4), fc.constantFrom('', '-', ' ', '.'), fc.constantFrom('', '-', ' ', '.'))
  .map(([one, two, three, before, after]): Case => ({
    removed: [one, two, three].join(before),
    guardClass: 'identifier',
    variant: [one, two, three].join(after),
    significant: `${one}${two}${three}`,
  }));

const uuidCase = fc
  .tuple(fc.uuid(), fc.constantFrom('', 'urn:uuid:'), fc.boolean())
  .map(([uuid, prefix, dashes]): Case => ({
    removed: uuid,
    guardClass: 'identifier',
    variant: dashes ? `${prefix}${uuid.toUpperCase()}` : uuid.replaceAll('-', ''),
    significant: uuid.replaceAll('-', ''),
  }));

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const two = (number: number): string => String(number).padStart(2, '0');
const dateCase = fc
  .tuple(
    fc.integer({ min: 1900, max: 2099 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
    fc.nat(13),
  )
  .map(([year, month, day, form]): Case => {
    const name = months[month - 1]!;
    const forms = [
      `${year}-${two(month)}-${two(day)}`,
      `${year}-${two(month)}-${two(day)}T10:30:00Z`,
      `${month}/${day}/${year}`,
      `${two(month)}/${two(day)}/${year}`,
      `${day}.${month}.${year}`,
      `${two(day)}/${two(month)}/${year}`,
      `${day} ${name} ${year}`,
      `${day} ${name.slice(0, 3)} ${year}`,
      `${name} ${day}, ${year}`,
      `${name.slice(0, 3).toUpperCase()} ${day}, ${year}`,
      `${two(day)}-${name.slice(0, 3)}-${year}`,
      `${year}${two(month)}${two(day)}`,
      `${month}/${day}/${String(year).slice(2)}`,
      `${two(month)}-${two(day)}-${year}`,
    ];
    const variant = forms[form]!;
    return {
      removed: forms[0]!,
      guardClass: 'date',
      variant,
      significant: foldText(variant)
        .text.replace(/[^a-z0-9]/g, '')
        .slice(0, 8),
    };
  });

const anyCase = fc.oneof(
  nameCase,
  compoundNameCase,
  addressCase,
  phoneCase,
  emailCase,
  identifierCase,
  ssnCase,
  uuidCase,
  dateCase,
);

/** Text around it: words, punctuation that ties nothing, lines. */
const around = fc.constantFrom('', 'seen ', 'Note: ', 'patient (', 'x; ', 'Früher: ', '\n', '患者 ');
const after = fc.constantFrom('', ' today', '; ', ') and so on', '\nnext line', ', etc.', ' です');

describe('a removed value', () => {
  it('is found in text however it is written', () => {
    fc.assert(
      fc.property(anyCase, around, after, ({ removed, guardClass, variant }, before, behind) => {
        expect(isFound(removed, guardClass, `${before}${variant}${behind}`)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('is found as free text as well', () => {
    fc.assert(
      fc.property(anyCase, ({ removed, variant, guardClass }) => {
        fc.pre(guardClass !== 'address');
        expect(isFound(`Called about ${removed}, ok.`, 'words', `x ${variant} y`)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves nothing of itself where it was masked', () => {
    fc.assert(
      fc.property(anyCase, around, after, ({ removed, guardClass, variant, significant }, before, behind) => {
        const masked = maskedOf(removed, guardClass, `${before}${variant}${behind}`)!;
        expect(masked).toContain('[removed]');
        expect(isFound(removed, guardClass, masked)).toBe(false);
        expect(maskedOf(removed, guardClass, masked)).toBe(masked);
        expect(foldText(masked).text.replace(/[^\p{L}0-9]/gu, '')).not.toContain(significant);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves the text around it', () => {
    fc.assert(
      fc.property(anyCase, ({ removed, guardClass, variant }) => {
        const masked = maskedOf(removed, guardClass, `Chest pain; ${variant}; no fever.`);
        expect(masked).toMatch(/^Chest pain; .*; no fever\.$/s);
      }),
    );
  });

  it('leaves a narrative well-formed', () => {
    fc.assert(
      fc.property(anyCase, fc.nat(), ({ removed, guardClass, variant }, at) => {
        const cut = at % (variant.length + 1);
        const escape = (text: string): string => text.replace(/[<>&]/g, (unit) => `&#${unit.charCodeAt(0)};`);
        const html = `<div><p>x ${escape(variant.slice(0, cut))}<b>${escape(variant.slice(cut))}</b> y</p></div>`;
        const masked = maskedOf(removed, guardClass, html, 'xhtml')!;
        expect(masked.replace(/<[^>]*>/g, (tag) => tag.replace(/[^<>/a-z]/g, ''))).toMatch(
          /^<div><p>.*<b>.*<\/b>.*<\/p><\/div>$/s,
        );
        expect(isFound(removed, guardClass, masked, 'xhtml')).toBe(false);
      }),
    );
  });
});

const bits = fc.constantFrom(
  ...[
    '12345',
    '1',
    '070',
    '1970-01-02',
    'Jan 2, 1970',
    'Smith',
    'Will',
    "O'",
    '-',
    '.',
    ' ',
    '/',
    ':',
    '@',
    'a@b.co',
    'http://x/y',
  ],
  ...[
    '+1 555 010 4567',
    '(',
    ')',
    '[removed]',
    '[',
    ']',
    '山田',
    'é',
    '\u0301',
    '\ud800',
    '\0',
    '&',
    '&#83;',
    '<b>',
    '</b>',
    '<',
    '>',
  ],
  ...[
    '1.2.3.4',
    '550e8400-e29b-41d4-a716-446655440000',
    'SW1A',
    'main',
    'St',
    '\n',
    'www.',
    'x',
    '٣',
    '１',
    '한',
    '\u1112\u1161\u11ab',
    '::1',
    '"',
    '=',
  ],
);
const anyText = fc.oneof(
  fc.array(bits, { maxLength: 20 }).map((list) => list.join('')),
  fc.string({ unit: 'binary' }),
);

describe('any text', () => {
  it('is masked for good, whatever the hits', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.constantFrom('text', 'xhtml', 'uri', 'code', 'date'),
        fc.integer({ min: 1, max: 9 }),
        (text, kind, some) => {
          const isHit = (token: string): boolean =>
            (token.length * 7 + token.charCodeAt(token.length - 1)) % some === 0;
          const masked = maskText(text, kind, isHit);
          if (masked === undefined) return;
          expect(tokensIn(masked, kind).filter(isHit)).toEqual([]);
          expect(maskText(masked, kind, isHit)).toBe(masked);
          if (!tokensIn(text, kind).some(isHit)) expect(masked).toBe(text);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('is masked by pattern for good', () => {
    fc.assert(
      fc.property(anyText, fc.subarray([...maskKinds]), (text, kinds) => {
        const masked = maskPatterns(text, kinds);
        expect(maskPatterns(masked, kinds)).toBe(masked);
      }),
      { numRuns: 3000 },
    );
  });

  it('folds with a way back that stays in order', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { text: folded, cased, map } = foldText(text);
        expect(cased.length).toBe(folded.length);
        if (map === undefined) expect(folded.length).toBe(text.length);
        else {
          expect(map.starts.length).toBe(folded.length);
          for (const [at, start] of map.starts.entries()) {
            expect(start).toBeLessThan(map.ends[at]!);
            expect(start).toBeGreaterThanOrEqual(map.starts[at - 1] ?? 0);
          }
        }
      }),
    );
  });

  it('of all of Unicode has as many units in lower case as before', () => {
    for (let code = 0; code <= 0x10ffff; code += 64) {
      const chars = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(code + index)).join('x');
      const { text, cased } = foldText(chars);
      expect(text.length).toBe(cased.length);
    }
  });

  it('that is removed is found where it stands alone, if anything of it tells', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ./-]{6,14}[0-9]{5}$/), (value) => {
        expect(isFound(value, 'identifier', value)).toBe(wordsOf(value, 'identifier').length > 0);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Row C: elements of dates but the year, and ages over 89, as Safe Harbor wants them. */
import type { PolicyRule } from '../policy/document.ts';
import { keep, redact } from './rule.ts';

const oldest = 'ages over 89 become one class, 90 or older';

const cap = (path: string, numberMax: number): PolicyRule => ({
  path,
  method: 'generalize',
  params: { numberMax, as: numberMax + 1 },
  hipaa: 'C',
  reason: oldest,
});

/** The greatest count of each UCUM unit below 90 years. Source: https://ucum.org/ucum (a year is 365.25 days). */
const belowNinety = { mo: 1079, wk: 4696, d: 32_872, h: 788_939, min: 47_336_399 } as const;

/** UCUM's year of no calendar, whose capital is an ampere. */
const year = 'a';
/** Its mean Julian, tropical and mean Gregorian year. */
const yearCodes = ['a_j', 'a_t', 'a_g'];

/**
 * How years and months are spelt where a quantity has no code, or has its unit in the code's place. Letter case and outer
 * space do not count. In two lists, since a path has a greatest length.
 */
const yearUnits = [
  [
    ...[...yearCodes, 'y', 'yr', 'yrs', 'yr.', 'yrs.', 'yr(s)', 'year', 'years', 'year(s)', '{year}', '{years}'],
    ...['yo', 'y/o', 'y.o.', 'yrs old', 'year old', 'years old', 'years of age'],
  ],
  [
    ...['jahr', 'jahre', 'jahren', 'an', 'ans', 'année', 'années', 'año', 'años', 'anno', 'anni', 'ano', 'anos'],
    ...['jaar', 'jaren', 'rok', 'lat', 'lata', 'år', 'vuotta', 'év', 'yaş', 'год', 'года', 'лет', 'рік', 'років'],
    ...['έτη', '年', '岁', '歳', '세'],
  ],
];
const monthUnits = [
  'mo',
  'mo_j',
  'mo_s',
  'mo_g',
  'mos',
  'mos.',
  'mth',
  'mths',
  'month',
  'months',
  'month(s)',
  '{months}',
];

const among = (words: readonly string[]): string =>
  `trim().lower() in (${words.map((word) => `'${word}'`).join(' | ')})`;

/** A count of years or months, by its code or by its unit. */
const capped = (type: string, part: 'code' | 'unit'): readonly PolicyRule[] => [
  cap(`nodesByType('${type}').where(${part} = '${year}').value`, 89),
  ...yearUnits.map((words) => cap(`nodesByType('${type}').where(${part}.${among(words)}).value`, 89)),
  cap(`nodesByType('${type}').where(${part}.${among(monthUnits)}).value`, belowNinety.mo),
];

/**
 * An Age in another unit than those above is taken for years: it is never let through uncapped. A Quantity or Duration in
 * years or months is capped as well, whatever it measures: who has had something for 95 years is older than 89.
 */
export const agesTo89: readonly PolicyRule[] = [
  ...Object.entries(belowNinety).map(([unit, most]) => cap(`nodesByType('Age').where(code = '${unit}').value`, most)),
  cap("nodesByType('Age').value", 89),
  ...(['Duration', 'Quantity'] as const).flatMap((type) => [...capped(type, 'code'), ...capped(type, 'unit')]),
];

const toYear = (path: string, reason: string): PolicyRule => ({
  path,
  method: 'dateTruncate',
  params: { to: 'year', ageYearsMax: 89 },
  hipaa: 'C',
  reason,
});

/** Never shifted: Safe Harbor knows years only. */
export const datesToYear: readonly PolicyRule[] = [
  toYear("nodesByType('date')", 'the year alone, and none that tells an age over 89'),
  toYear("nodesByType('dateTime')", 'the year alone, also of periods and timings'),
  toYear("nodesByType('instant')", 'the year alone'),
];

/** The birth as a year, for data sets whose other dates are shifted: together they still give the age to a year. */
export const birthsToYear: readonly PolicyRule[] = [
  toYear("nodesByName('birthDate')", 'the year alone, and none that tells an age over 89'),
  toYear('FamilyMemberHistory.born', "a relative's birth"),
];

/** Hours at which something is done again and again are no date; any other time of day may be that of a birth or death. */
export const timesOfDay: readonly PolicyRule[] = [
  keep("nodesByType('Timing').repeat.timeOfDay", 'when to take a medicine, day after day'),
  redact("nodesByType('time')", 'C', 'the hour of something that happened once'),
];

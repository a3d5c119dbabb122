/**
 * Whether a constant of a policy is a value that R4 has for an element: JSON's type, the form of primitives, the keys of
 * objects and what they may not lack. Codes are not held against their value sets.
 * Sources: https://hl7.org/fhir/R4/datatypes.html, https://hl7.org/fhir/R4/json.html
 */
import { isPrimitiveType } from '../plan/child.ts';
import { r4ResourceTypes, r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';

/** Where in the constant the mistake is, and what R4 has there. */
export interface ValueMistake {
  readonly at: readonly PropertyKey[];
  readonly expected: string;
}

interface Form {
  readonly words: string;
  readonly test: (value: unknown) => boolean;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (words: string, form: RegExp, more: (value: string) => boolean = () => true): Form => ({
  words,
  test: (value) => typeof value === 'string' && form.test(value) && more(value),
});

const whole = (words: string, least: number): Form => ({
  words,
  test: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) < 2 ** 31,
});

/** February 30 has the form of a date, and is none. */
function isDay(value: string): boolean {
  const [year = '', month, day] = value.slice(0, 10).split('-');
  if (Number(year) === 0 || Number(month ?? 1) > 12 || Number(month ?? 1) < 1) return false;
  if (month === undefined || day === undefined) return true;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(8, 10) === day;
}

const clock = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?';
const zone = '(Z|[+-](0\\d|1[0-3]):[0-5]\\d|[+-]14:00)';
const pattern = (source: string): RegExp => new RegExp(`^${source}$`);
const address = text('an address, without white space', /^\S+$/);
const words = text('a text that is not empty', /\S/);

const isBase64 = (value: string): boolean => {
  const bare = value.replace(/\s/g, '');
  return bare.length % 4 === 0 && /^[\dA-Za-z+/]+={0,2}$/.test(bare);
};

const forms: Readonly<Record<string, Form>> = {
  base64Binary: text('base64', /\S/, isBase64),
  boolean: { words: 'true or false', test: (value) => typeof value === 'boolean' },
  canonical: address,
  code: text('a code, without white space around it', /^\S+(\s\S+)*$/),
  date: text('a date: 1990, 1990-01 or 1990-01-31', /^\d{4}(-\d\d(-\d\d)?)?$/, isDay),
  dateTime: text(
    'a dateTime: 1990, 1990-01, 1990-01-31 or 1990-01-31T10:00:00Z',
    pattern(`\\d{4}(-\\d\\d(-\\d\\d(T${clock}${zone})?)?)?`),
    isDay,
  ),
  decimal: { words: 'a number', test: (value) => typeof value === 'number' && Number.isFinite(value) },
  id: text('an id of at most 64 letters, digits, dashes and dots', /^[\dA-Za-z.-]{1,64}$/),
  instant: text('an instant: 1990-01-31T10:00:00Z', pattern(`\\d{4}-\\d\\d-\\d\\dT${clock}${zone}`), isDay),
  integer: whole('a whole number of 32 bits', -(2 ** 31)),
  markdown: words,
  oid: text('urn:oid: and an oid', /^urn:oid:[0-2](\.(0|[1-9]\d*))+$/),
  positiveInt: whole('a whole number from 1', 1),
  string: words,
  time: text('a time: 10:00:00', pattern(clock)),
  unsignedInt: whole('a whole number from 0', 0),
  uri: address,
  url: address,
  uuid: text('urn:uuid: and a UUID in small letters', /^urn:uuid:[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  xhtml: text('XHTML in one <div>', /^\s*<div[\s>][\s\S]*<\/div>\s*$/),
};

/** The first mistake in a constant that is to stand where R4 has the type; undefined where there is none. */
export function valueMistake(value: unknown, type: string): ValueMistake | undefined {
  const form = forms[type];
  if (form !== undefined) return form.test(value) ? undefined : { at: [], expected: form.words };
  // An R4 type without a form here would be a new primitive: not judged.
  if (isPrimitiveType(type)) return undefined;
  if (!isRecord(value)) return { at: [], expected: `an object: ${type}` };
  if (type !== 'Resource') return membersMistake(value, type, []);
  const own = value.resourceType;
  if (typeof own !== 'string' || !r4ResourceTypes.has(own)) return { at: [], expected: 'a resource of R4' };
  return membersMistake(value, own, ['resourceType']);
}

function membersMistake(
  value: Record<string, unknown>,
  type: string,
  also: readonly string[],
): ValueMistake | undefined {
  const elements = r4Type(type)?.elements ?? new Map<string, R4Element>();
  for (const [key, member] of Object.entries(value)) {
    const element = elements.get(key);
    if (element === undefined && also.includes(key)) continue;
    if (element === undefined) return { at: [key], expected: `an element of ${type}` };
    const mistake = memberMistake(member, element);
    if (mistake !== undefined) return { at: [key, ...mistake.at], expected: mistake.expected };
  }
  return lackOf(value, type, [...elements.values()]);
}

function memberMistake(member: unknown, { isArray, type }: R4Element): ValueMistake | undefined {
  if (!isArray) return valueMistake(member, type);
  if (!Array.isArray(member) || member.length === 0) return { at: [], expected: 'a list that is not empty' };
  for (const [index, one] of member.entries()) {
    const mistake = valueMistake(one, type);
    if (mistake !== undefined) return { at: [index, ...mistake.at], expected: mistake.expected };
  }
  return undefined;
}

/** An empty object, one without what R4 requires, or with two choices of one element. */
function lackOf(
  value: Record<string, unknown>,
  type: string,
  elements: readonly R4Element[],
): ValueMistake | undefined {
  if (Object.keys(value).length === 0) return { at: [], expected: `an object that is not empty: ${type}` };
  for (const [name, choices] of Map.groupBy(elements, (element) => element.name)) {
    const count = choices.filter(({ key }) => Object.hasOwn(value, key)).length;
    if (count === 0 && choices.some(({ isRequired }) => isRequired)) {
      return { at: [], expected: `an object with ${name}, which ${type} requires` };
    }
    if (count > 1) return { at: [], expected: `an object with one choice of ${name}` };
  }
  return undefined;
}

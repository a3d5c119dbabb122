/**
 * What a rule's method may leave behind: the form of its results, without the key and the source there is no more to see.
 * Which types a method works on is written again here, by the table of methods in ARCHITECTURE.md.
 */
import { maskNarrativePatterns, maskPatterns } from '../guard/patterns.ts';
import { maskKinds } from '../policy/document.ts';
import type { PolicyRule } from '../policy/document.ts';
import { zip3Lists } from '../presets/zip3.ts';
import { dateDetail, isDateType, isWholeNumber, leastOf } from './primitives.ts';

export type Primitive = string | number | boolean;
export type Form = (value: Primitive) => boolean;

/** The key versions that results name; undefined where the check is not told. */
export interface Versions {
  readonly pseudonym: number | undefined;
  readonly encrypt: number | undefined;
}

const texts = new Set(['string', 'markdown', 'code', 'id', 'uri', 'url', 'canonical']);
const encryptable = new Set([...texts].filter((type) => type !== 'id'));
const maskable = new Set(['string', 'markdown', 'xhtml']);
const countable = new Set(['integer', 'positiveInt', 'unsignedInt', 'decimal']);

/** What R4 does not have is worked on by its JSON type. */
const worksOn = (types: ReadonlySet<string>, type: string): boolean => type === '' || types.has(type);

const isText =
  (form: RegExp): Form =>
  (value) =>
    typeof value === 'string' && form.test(value);

const versionText = (version: number | undefined): string =>
  version === undefined ? '[1-9][0-9]{0,6}' : String(version);

/** A pseudonym of this key version. */
export const pseudonymOf = (version: number | undefined): RegExp =>
  new RegExp(`^p${versionText(version)}-[a-z2-7]{32}$`);

/** What may stand of a value that passes as it is: anything but a text that is no date where R4 has a date. */
export const asIs = (type: string): Form =>
  isDateType(type) ? (value) => typeof value === 'string' && dateDetail(value) !== undefined : () => true;

/** The form of a rule's results on values of a type; undefined where nothing may be left. */
export function formOf(
  rule: PolicyRule,
  type: string,
  versions: Versions,
  pluginTypes: readonly string[],
): Form | undefined {
  switch (rule.method) {
    case 'keep':
      return asIs(type);
    case 'pseudonymize':
      return worksOn(texts, type) ? isText(pseudonymOf(versions.pseudonym)) : undefined;
    case 'cryptoHash':
      return worksOn(texts, type)
        ? isText(new RegExp(`^[0-9a-f]{${String(rule.params?.hexDigits ?? 64)}}$`))
        : undefined;
    case 'encrypt':
      return worksOn(encryptable, type)
        ? isText(new RegExp(`^e${versionText(versions.encrypt)}-[A-Za-z0-9_-]{38,}$`))
        : undefined;
    case 'dateShift':
      if (!isDateType(type) && type !== '') return undefined;
      return rule.params?.timeOfDay === 'zero' ? isMidnight : isWholeDate;
    case 'dateTruncate':
      return isDateType(type) || type === '' ? truncatedTo(rule.params?.to ?? 'year', type) : undefined;
    case 'generalize':
      return generalized(rule.params, type);
    case 'perturb':
      return worksOn(countable, type) ? roundedTo(isWholeNumber(type) ? 0 : (rule.params.roundTo ?? 2)) : undefined;
    case 'mask':
      return worksOn(maskable, type) ? maskedBy(rule.params?.kinds ?? maskKinds, type) : undefined;
    case 'plugin':
      return type === '' || pluginTypes.includes(type) ? () => true : undefined;
    case 'substitute': // a constant is compared whole, before its parts are looked at
    case 'redact':
    case 'dropResource':
      return undefined;
  }
}

/** Partial dates cannot be shifted. */
const isWholeDate: Form = (value) => {
  const detail = typeof value === 'string' ? dateDetail(value) : undefined;
  return detail === 'day' || detail === 'time';
};

/** Each digit of the clock is a zero; the zone stays. */
const isMidnight: Form = (value) => isWholeDate(value) && /^.{10}(?:T[0:.]+(?:Z|[+-].{5})?)?$/.test(String(value));

function truncatedTo(to: 'year' | 'month' | 'day', type: string): Form {
  // FHIR has no instant without its time.
  if (type === 'instant') {
    return (value) =>
      to === 'day' && typeof value === 'string' && /^.{10}T00:00:00Z$/.test(value) && isWholeDate(value);
  }
  const allowed: readonly unknown[] = { year: ['year'], month: ['year', 'month'], day: ['year', 'month', 'day'] }[to];
  return (value) => typeof value === 'string' && allowed.includes(dateDetail(value));
}

function generalized(params: Extract<PolicyRule, { method: 'generalize' }>['params'], type: string): Form | undefined {
  // What a case yields is the policy's own text; where it may be the value itself, that is what the policy says.
  if ('cases' in params) return () => true;
  if ('zip3' in params) {
    if (type !== 'string' && type !== '') return undefined;
    const { smallAreas } = zip3Lists[params.zip3];
    return (value) => typeof value === 'string' && /^[0-9]{3}$/.test(value) && !smallAreas.has(value);
  }
  if (!worksOn(countable, type)) return undefined;
  if ('numberMax' in params) {
    return (value) => typeof value === 'number' && (value <= params.numberMax || value === params.as);
  }
  return (value) => typeof value === 'number' && isStep(value, params.numberStep, type);
}

/** A multiple; for whole numbers also what is left of one without its fraction, and the type's least. */
function isStep(value: number, step: number, type: string): boolean {
  const tolerance = 1e-9 * Math.max(1, Math.abs(value));
  if (Math.abs(Math.round(value / step) * step - value) <= tolerance) return true;
  if (!isWholeNumber(type)) return false;
  const outward = value < 0 ? Math.floor(value / step) * step : Math.ceil(value / step) * step;
  return value === leastOf(type) || Math.abs(outward - value) < 1;
}

/** Numbers of this many decimal places. */
const roundedTo =
  (places: number): Form =>
  (value) =>
    typeof value === 'number' && Number(value.toFixed(Math.min(places, 20))) === value;

/** Masking again finds nothing. */
function maskedBy(kinds: Parameters<typeof maskPatterns>[1], type: string): Form {
  const masked = type === 'xhtml' ? maskNarrativePatterns : maskPatterns;
  return (value) => typeof value === 'string' && masked(value, kinds) === value;
}

/**
 * One rule at one path, as rules of ours. Where ours cannot do the same it does more: what a method of theirs leaves as it is
 * because it cannot work on it, ours removes.
 */
import { r4ResourceTypes, r4Type } from '../../r4/model.ts';
import type { PolicyRule, Zip3Table } from '../../policy/document.ts';
import { zip3Lists } from '../../presets/zip3.ts';
import type { CompatParameters, CompatRule } from '../config/document.ts';
import { isDateEnd, isQuantityEnd, mayHold } from './ends.ts';
import type { PathEnd } from './ends.ts';
import type { Remark } from './note.ts';

export interface RuleAt {
  readonly path: string;
  readonly ends: readonly PathEnd[] | undefined;
  readonly parameters: CompatParameters;
}

export interface Converted {
  readonly rules: readonly PolicyRule[];
  readonly remarks: readonly Remark[];
}

const ageYearsMax = 89;
const shiftDaysMax = 50;

const all = (ends: readonly PathEnd[] | undefined, fits: (end: PathEnd) => boolean): boolean =>
  ends !== undefined && ends.length > 0 && ends.every(fits);

/** The table whose areas are those of the list, or at least all of them. */
function zipTable(areas: readonly string[]): Zip3Table | undefined {
  const tables: readonly Zip3Table[] = ['census-2010', 'census-2000'];
  const holding = tables.filter((table) => areas.every((area) => zip3Lists[table].smallAreas.has(area)));
  return holding.find((table) => zip3Lists[table].smallAreas.size === new Set(areas).size) ?? holding[0];
}

function zipRules(path: string, { restrictedZipCodeTabulationAreas: areas }: CompatParameters): Converted {
  const table = zipTable(areas);
  if (table === undefined) {
    const what = 'postal codes go altogether: the restricted areas are those of no census that is known here';
    return { rules: [{ path, method: 'redact' }], remarks: [['stricter', what]] };
  }
  const what = `postal codes keep three digits without zeros after them, or become 000 by the table ${table}; others than US codes go`;
  return { rules: [{ path, method: 'generalize', params: { zip3: table } }], remarks: [['stricter', what]] };
}

function convertRedact({ path, ends, parameters }: RuleAt): Converted {
  const { enablePartialDatesForRedact, enablePartialAgesForRedact, enablePartialZipCodesForRedact } = parameters;
  if (enablePartialDatesForRedact && all(ends, isDateEnd)) {
    const params = { to: 'year', ageYearsMax } as const;
    const remarks: Remark[] = mayHold(ends, ['instant']) ? [['stricter', 'instants go: none has a year alone']] : [];
    return { rules: [{ path, method: 'dateTruncate', params }], remarks };
  }
  const rules: PolicyRule[] = [{ path, method: 'redact' }];
  const remarks: Remark[] = [];
  if (enablePartialZipCodesForRedact && all(ends, ({ name }) => name === 'postalCode'))
    return zipRules(path, parameters);
  if (enablePartialZipCodesForRedact && all(ends, ({ type }) => type === 'Address')) {
    const zip = zipRules(`${path}.postalCode`, parameters);
    rules.unshift(...zip.rules);
    remarks.push(...zip.remarks);
  }
  if (enablePartialDatesForRedact && mayHold(ends, ['date', 'dateTime', 'instant'])) {
    remarks.push(['stricter', 'dates below it go altogether, their years too']);
  }
  if (enablePartialAgesForRedact && mayHold(ends, ['Age'])) {
    remarks.push(['stricter', 'ages below it go altogether, also those up to 89']);
  }
  return { rules, remarks };
}

function convertShift({ path, ends, parameters }: RuleAt): Converted {
  const remarks: Remark[] = [
    ['different', 'each patient has a shift of their own by an HMAC of our key, the same in all their resources'],
  ];
  if (parameters.enablePartialDatesForRedact)
    remarks.push(['stricter', 'partial dates and those older than 89 years go, their years too']);
  if (!all(ends, isDateEnd)) remarks.push(['stricter', 'what is no date goes; theirs leaves it']);
  return {
    rules: [{ path, method: 'dateShift', params: { daysMax: shiftDaysMax, ageYearsMax, timeOfDay: 'zero' } }],
    remarks,
  };
}

const isOwnId = (path: string, ends: readonly PathEnd[] | undefined): boolean => {
  const [head = '', ...rest] = path.split('.');
  const isResource = r4ResourceTypes.has(head) || head === 'Resource' || head === 'DomainResource';
  return isResource && rest.join('.') === 'id' && ends !== undefined;
};

const isReferenceText = (path: string, ends: readonly PathEnd[] | undefined): boolean =>
  path.endsWith('.reference') && all(ends, ({ name, type }) => name === 'reference' && type === 'string');

const always: Remark = ['different', 'ids are pseudonyms of ours, whatever a rule says'];
const follows: Remark = ['different', 'references follow the pseudonyms of the ids that they name, or are cut off'];

/** Hashes, ciphertexts and pseudonyms; ids and references have ours in their place. */
function convertKeyed(at: RuleAt, rule: PolicyRule, remarks: readonly Remark[]): Converted {
  const { path, ends } = at;
  if (isOwnId(path, ends)) return { rules: [], remarks: [always] };
  if (isReferenceText(path, ends)) return { rules: [{ path, method: 'keep' }], remarks: [follows] };
  const noText: Remark = ['stricter', 'numbers and booleans go; theirs makes texts of them'];
  if (!all(ends, ({ type }) => type === 'Reference')) return { rules: [rule], remarks: [...remarks, noText] };
  return { rules: [{ path: `${path}.reference`, method: 'keep' }, rule], remarks: [...remarks, follows, noText] };
}

function convertSubstitute({ path, ends }: RuleAt, replaceWith: string | null): Converted {
  if (replaceWith === null) return { rules: [{ path, method: 'redact' }], remarks: [] };
  const isText = !all(ends, ({ type }) => r4Type(type)?.kind !== 'primitive' || isNumberOrBoolean(type));
  let value: unknown = replaceWith;
  try {
    if (!isText) value = JSON.parse(/^(?:True|False)$/.test(replaceWith) ? replaceWith.toLowerCase() : replaceWith);
  } catch {
    return { rules: [{ path, method: 'redact' }], remarks: [['stricter', 'removed: the substitute is no JSON']] };
  }
  const remark: Remark = ['different', 'the element is replaced as a whole, what earlier rules had of it included'];
  return {
    rules: [{ path, method: 'substitute', params: { with: value as string } }],
    remarks: isText ? [] : [remark],
  };
}

const isNumberOrBoolean = (type: string): boolean =>
  ['boolean', 'decimal', 'integer', 'positiveInt', 'unsignedInt'].includes(type);

function convertPerturb(at: RuleAt, rule: Extract<CompatRule, { method: 'perturb' }>): Converted {
  const { path, ends } = at;
  if (rule.span <= 0)
    return { rules: [{ path, method: 'redact' }], remarks: [['stricter', 'removed: noise needs a span']] };
  const { span, rangeType, roundTo } = rule;
  const params = { span, rangeType, ...(roundTo === undefined ? {} : { roundTo }) };
  const again: Remark = ['different', 'noise is drawn by an HMAC: the same value at the same place gets the same'];
  if (all(ends, isQuantityEnd)) {
    // Theirs leaves unit and code as they are, and no later rule gets them.
    const rules: PolicyRule[] = [
      { path: `${path}.value`, method: 'perturb', params },
      { path, method: 'keep' },
    ];
    return { rules, remarks: [again] };
  }
  const remarks: Remark[] = [again, ['stricter', 'what is no number goes; theirs leaves it']];
  return { rules: [{ path, method: 'perturb', params }], remarks };
}

function convertGeneralize({ path }: RuleAt, rule: Extract<CompatRule, { method: 'generalize' }>): Converted {
  const params = { cases: Object.fromEntries(rule.cases), otherValues: rule.otherValues };
  const unanswered = 'a condition without an answer counts as false; theirs takes it for true';
  const remarks: Remark[] = [[rule.otherValues === 'keep' ? 'weaker' : 'different', unanswered]];
  return { rules: [{ path, method: 'generalize', params }], remarks };
}

const hexDigitsMin = 16;
const hexDigitsMax = 64;

/** Converts a rule at one of its paths, which is no resource as a whole. */
export function convertRule(rule: CompatRule, at: RuleAt): Converted {
  const { path } = at;
  switch (rule.method) {
    case 'keep':
      return isOwnId(path, at.ends)
        ? { rules: [], remarks: [always] }
        : { rules: [{ path, method: 'keep' }], remarks: [] };
    case 'redact':
    case 'remove':
      if (isOwnId(path, at.ends)) return { rules: [], remarks: [always] };
      return rule.method === 'redact' ? convertRedact(at) : { rules: [{ path, method: 'redact' }], remarks: [] };
    case 'dateShift':
      return convertShift(at);
    case 'cryptoHash': {
      const digits = Math.min(hexDigitsMax, Math.max(hexDigitsMin, rule.truncateToMaxLength ?? hexDigitsMax));
      const params = digits === hexDigitsMax ? {} : { params: { hexDigits: digits } };
      return convertKeyed(at, { path, method: 'cryptoHash', ...params }, [['different', 'hashed under our key']]);
    }
    case 'encrypt':
      return convertKeyed(at, { path, method: 'encrypt' }, [
        ['stricter', 'AES-GCM under our key: a changed ciphertext is noticed'],
      ]);
    case 'pseudonymize': {
      const domain = rule.domainPrefix + (rule.domain ?? '');
      const params = domain === '' ? {} : { params: { domain } };
      return convertKeyed(at, { path, method: 'pseudonymize', ...params }, [
        ['different', 'pseudonyms of ours, by an HMAC'],
      ]);
    }
    case 'substitute':
      return convertSubstitute(at, rule.replaceWith);
    case 'perturb':
      return convertPerturb(at, rule);
    case 'generalize':
      return convertGeneralize(at, rule);
  }
}

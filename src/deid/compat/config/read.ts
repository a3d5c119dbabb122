/** Reads a configuration of Microsoft's tool (JSON) or of fhir-pseudonymizer (YAML), and reports every mistake at once. */
import type { PolicyProblem } from '../../policy/rule-check.ts';
import type { CompatConfig, CompatDialect, CompatParameters } from './document.ts';
import { Fields, described, isRecord } from './fields.ts';
import type { FieldProblem, Fieldset } from './fields.ts';
import { readRule } from './rules.ts';
import { readConfigText } from './text.ts';

export type CompatReading =
  | { readonly ok: true; readonly config: CompatConfig }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

const topKeys = ['fhirVersion', 'processingErrors', 'fhirPathRules', 'parameters'];
const parameterKeys = [
  'dateShiftKey',
  'dateShiftScope',
  'dateShiftFixedOffsetInDays',
  'cryptoHashKey',
  'cryptoHashAlgorithm',
  'encryptKey',
  'keyDerivationContext',
  'enablePartialAgesForRedact',
  'enablePartialDatesForRedact',
  'enablePartialZipCodesForRedact',
  'restrictedZipCodeTabulationAreas',
];

const aesKeyBytes = [16, 24, 32];

/** Things that only fhir-pseudonymizer knows make a JSON file one of its own, too. */
function dialectOf(isJson: boolean, root: Fields, parameters: Fields): CompatDialect {
  if (!isJson) return 'fhir-pseudonymizer';
  const rules: unknown = root.get('fhirPathRules');
  const ofPseudonymizer = (Array.isArray(rules) ? (rules as unknown[]) : []).some((rule) => {
    if (!isRecord(rule)) return false;
    return (
      Object.hasOwn(rule, 'truncateToMaxLength') ||
      (typeof rule.method === 'string' && /^(?:pseudonymize|remove)$/i.test(rule.method))
    );
  });
  const isPseudonymizer =
    ofPseudonymizer || parameters.has('keyDerivationContext') || parameters.has('cryptoHashAlgorithm');
  return isPseudonymizer ? 'fhir-pseudonymizer' : 'microsoft';
}

function checkUnknown(
  object: Fieldset,
  at: readonly PropertyKey[],
  allowed: readonly string[],
  problems: FieldProblem[],
): void {
  for (const key of Object.keys(object)) {
    if (!allowed.includes(key)) problems.push({ at: [...at, key], found: 'an unknown key', expected: 'no such key' });
  }
}

function encryptKeyOf(parameters: Fields): string {
  const key = parameters.text('encryptKey', '');
  const bytes = Buffer.byteLength(key, 'utf8');
  // A derived key has the right length whatever the master key's.
  if (key !== '' && !parameters.has('keyDerivationContext') && !aesKeyBytes.includes(bytes)) {
    parameters.mistake('encryptKey', 'a key of 16, 24 or 32 bytes', `a key of ${String(bytes)} bytes`);
  }
  return key;
}

function zipAreasOf(parameters: Fields): string[] {
  const name = 'restrictedZipCodeTabulationAreas';
  const value = parameters.get(name);
  if (value === undefined || value === null || value === '') return [];
  if (!Array.isArray(value)) {
    parameters.mistake(name, 'a list of texts');
    return [];
  }
  return (value as unknown[]).map(String);
}

const isWhole = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 31;

function parametersOf(parameters: Fields): CompatParameters {
  if (parameters.word('cryptoHashAlgorithm', ['hmacSha256', 'blake3'], 'hmacSha256') === 'blake3') {
    parameters.mistake('cryptoHashAlgorithm', 'hmacSha256: BLAKE3 is not available here', '"blake3"');
  }
  return {
    dateShiftKey: parameters.text('dateShiftKey', ''),
    dateShiftScope: parameters.word('dateShiftScope', ['resource', 'file', 'folder'], 'resource'),
    dateShiftFixedOffsetInDays: parameters.number('dateShiftFixedOffsetInDays', isWhole, 'a whole number of days'),
    cryptoHashKey: parameters.text('cryptoHashKey', ''),
    encryptKey: encryptKeyOf(parameters),
    keyDerivationContext: parameters.text('keyDerivationContext', '').trim() || undefined,
    enablePartialAgesForRedact: parameters.flag('enablePartialAgesForRedact'),
    enablePartialDatesForRedact: parameters.flag('enablePartialDatesForRedact'),
    enablePartialZipCodesForRedact: parameters.flag('enablePartialZipCodesForRedact'),
    restrictedZipCodeTabulationAreas: zipAreasOf(parameters),
  };
}

function rulesOf(root: Fields): readonly unknown[] {
  const rules = root.get('fhirPathRules');
  if (Array.isArray(rules)) return rules as unknown[];
  root.mistake('fhirPathRules', 'a list of rules');
  return [];
}

function checkVersion(root: Fields): void {
  const version = root.text('fhirVersion', '');
  if (version !== '' && version.toUpperCase() !== 'R4') root.mistake('fhirVersion', 'R4, or nothing');
}

function readDocument(value: unknown, isJson: boolean, problems: FieldProblem[]): CompatConfig | undefined {
  if (!isRecord(value)) {
    problems.push({ at: [], found: described(value), expected: 'an object with fhirPathRules' });
    return undefined;
  }
  const root = new Fields(value, [], problems, { anyCase: isJson });
  const parametersValue = root.get('parameters') ?? {};
  if (!isRecord(parametersValue)) root.mistake('parameters', 'an object');
  const parametersObject = isRecord(parametersValue) ? parametersValue : {};
  const parameters = new Fields(parametersObject, ['parameters'], problems, { anyCase: isJson, isSecret: true });
  if (!isJson) {
    checkUnknown(value, [], topKeys, problems);
    checkUnknown(parametersObject, ['parameters'], parameterKeys, problems);
  }
  checkVersion(root);
  const dialect = dialectOf(isJson, root, parameters);
  const context = { dialect, isJson, problems };
  return {
    dialect,
    processingErrors: root.word('processingErrors', ['raise', 'skip', 'keep'], 'raise'),
    rules: rulesOf(root).flatMap((rule, index) => readRule(rule, index, context) ?? []),
    parameters: parametersOf(parameters),
  };
}

const pathText = (at: readonly PropertyKey[]): string =>
  at.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${String(step)}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');

/** Reads a configuration; mistakes come back as a value, never as an exception. */
export function readCompatConfig(source: string): CompatReading {
  const reading = readConfigText(source);
  if (!reading.ok) return reading;
  const { value, isJson, lineOf } = reading.text;
  const found: FieldProblem[] = [];
  const config = readDocument(value, isJson, found);
  if (config !== undefined && found.length === 0) return { ok: true, config };
  const problems = found.map(({ at, found: what, expected }): PolicyProblem => {
    const line = lineOf(at);
    return { path: pathText(at), ...(line === undefined ? {} : { line }), found: what, expected };
  });
  return { ok: false, problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

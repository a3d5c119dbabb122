/**
 * What a re-identification attack could know (quasi-identifiers) or want to know (sensitive values): FHIRPath expressions
 * on Patient, or on a type that R4 links with patients. A misspelt name would select nothing, and so make a set
 * look safer than it is: names are checked against R4.
 */
import { compile } from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';

import { r4PatientPaths, r4ResourceTypes, r4Type } from '../r4/model.ts';

export interface RiskPath {
  /** As it was given. */
  readonly text: string;
  /** The resource type that it starts at. */
  readonly type: string;
  /** The values in one resource of the type. May throw whatever the library throws: it may quote. */
  readonly evaluate: (resource: object) => readonly unknown[];
}

export type RiskPathReading =
  { readonly ok: true; readonly path: RiskPath } | { readonly ok: false; readonly expected: string };

const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition';
const ombCategory = (extension: string): string =>
  `Patient.extension('${usCore}/${extension}').extension('ombCategory').value`;

/** Names for what is long to write. */
export const namedRiskPaths: Readonly<Record<string, string>> = {
  'us-core-race': ombCategory('us-core-race'),
  'us-core-ethnicity': ombCategory('us-core-ethnicity'),
};

/**
 * What an outsider most often knows of a person: Sweeney's date of birth, gender and postal code, which single out most
 * of the United States' population, and what US data sets give besides.
 */
export const defaultQuasiIdentifiers: readonly string[] = [
  'Patient.birthDate',
  'Patient.gender',
  'Patient.address.state',
  'Patient.address.postalCode',
  'Patient.deceased',
  'us-core-race',
];

export const defaultSensitive: readonly string[] = ['Condition.code'];

const beginning = /^([A-Z][A-Za-z0-9]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)+)/;

/** Reads and compiles a path, once for a whole set. */
export function readRiskPath(text: string): RiskPathReading {
  const expression = Object.hasOwn(namedRiskPaths, text) ? (namedRiskPaths[text] ?? text) : text.replaceAll('[x]', '');
  const begun = beginning.exec(expression);
  const type = begun?.[1] ?? '';
  if (begun === null || !r4ResourceTypes.has(type)) {
    return { ok: false, expected: 'a path such as Patient.birthDate or Encounter.period.start' };
  }
  if (type !== 'Patient' && r4PatientPaths(type).length === 0) {
    return { ok: false, expected: `a path on Patient or on a type that refers to patients; R4's ${type} does not` };
  }
  const unknown = unknownName(type, begun[2] ?? '', expression.slice(begun[0].length));
  if (unknown !== undefined) return { ok: false, expected: `an element of R4's ${type}; it has no ${unknown}` };
  try {
    // Without a trace function the library would write to the console.
    const run = compile(expression, r4, { async: false, traceFn: () => undefined });
    return { ok: true, path: { text, type, evaluate: (resource) => run(resource) as readonly unknown[] } };
  } catch {
    return { ok: false, expected: 'an expression that FHIRPath can read' };
  }
}

/** The first of the leading names that R4 does not have, up to a function. */
function unknownName(type: string, dotted: string, behind: string): string | undefined {
  const names = dotted.slice(1).split('.');
  if (behind.startsWith('(')) names.pop();
  let types = [type];
  for (const name of names) {
    // Elements of primitives (`id`, `extension`, `value`) and what stands in any resource are not followed.
    if (name === 'extension' || name === 'id' || types.includes('Resource')) return undefined;
    const elements = types.flatMap((one) => [...(r4Type(one)?.elements.values() ?? [])]);
    types = elements.filter((element) => element.name === name).map((element) => element.type);
    if (types.length === 0) return name;
  }
  return undefined;
}

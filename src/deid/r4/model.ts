/**
 * FHIR R4's own element types, read once from `r4.json`, which `dev/r4-model.ts` makes from HL7's StructureDefinitions.
 * Sources: https://hl7.org/fhir/R4/downloads.html, https://hl7.org/fhir/R4/json.html,
 * https://hl7.org/fhir/R4/compartmentdefinition-patient.html
 */
import { readFileSync } from 'node:fs';

export type R4Kind = 'resource' | 'complex' | 'backbone' | 'primitive';

/** One JSON key that an object of a type may have; a choice element has one for each of its types. */
export interface R4Element {
  /** The element's name in FHIRPath: `value` for `value[x]`. */
  readonly name: string;
  /** The JSON key: `valueQuantity`. Its extensions stand under `_` + key where the type is primitive. */
  readonly key: string;
  /** A data type, a backbone element's path such as `Patient.contact`, or `Resource` for any resource. */
  readonly type: string;
  readonly isChoice: boolean;
  readonly isArray: boolean;
  /** Least cardinality is 1. For a choice it holds for all its keys together. */
  readonly isRequired: boolean;
  /** A Reference to people only: patients, practitioners, relatives. */
  readonly isToPersons: boolean;
  /** Place among the type's keys in R4's order, from 0. */
  readonly order: number;
}

export interface R4Type {
  readonly name: string;
  readonly kind: R4Kind;
  /** `DomainResource` or `Resource` for a resource, otherwise the data type it specializes. */
  readonly base: string | undefined;
  /** By JSON key. Empty for primitives. */
  readonly elements: ReadonlyMap<string, R4Element>;
}

interface Packed {
  readonly fhirVersion: string;
  readonly source: string;
  readonly patients: Readonly<Record<string, readonly string[]>>;
  readonly types: Readonly<Record<string, { kind: R4Kind; base?: string; elements: string[] }>>;
}

const packed = JSON.parse(readFileSync(new URL('./r4.json', import.meta.url), 'utf8')) as Packed;
const unpacked = new Map<string, R4Type>();

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function unpackElements(lines: readonly string[]): Map<string, R4Element> {
  const elements = new Map<string, R4Element>();
  for (const line of lines) {
    const [name = '', times = '', types = ''] = line.split(' ');
    const isChoice = name.endsWith('[x]');
    const plain = isChoice ? name.slice(0, -3) : name;
    const isToPersons = types.endsWith('+');
    for (const type of types.replace('+', '').split('|')) {
      const key = isChoice ? plain + capitalized(type) : plain;
      const [isArray, isRequired, order] = [times.endsWith('*'), times.startsWith('1'), elements.size];
      elements.set(key, { name: plain, key, type, isChoice, isArray, isRequired, isToPersons, order });
    }
  }
  return elements;
}

/** The R4 type of this name; undefined for names that R4 does not have. Never asks `Object.prototype`. */
export function r4Type(name: string): R4Type | undefined {
  const known = unpacked.get(name);
  if (known !== undefined) return known;
  if (!Object.hasOwn(packed.types, name)) return undefined;
  const entry = packed.types[name];
  if (entry === undefined) return undefined;
  const type = { name, kind: entry.kind, base: entry.base, elements: unpackElements(entry.elements) };
  unpacked.set(name, type);
  return type;
}

/** Names of all types that R4 has, abstract and backbone ones included. */
export const r4TypeNames: readonly string[] = Object.keys(packed.types);

const abstractResources = new Set(['Resource', 'DomainResource']);

/** Names of R4's concrete resource types. */
export const r4ResourceTypes: ReadonlySet<string> = new Set(
  r4TypeNames.filter((name) => packed.types[name]?.kind === 'resource' && !abstractResources.has(name)),
);

/** Whether a name is one of R4's data types, primitive or complex, and no resource and no backbone element. */
export const isR4DataType = (name: string): boolean => {
  const kind = r4Type(name)?.kind;
  return kind === 'primitive' || kind === 'complex';
};

/** Dotted paths below a resource of this type at which references say whose data it is; empty where there are none. */
export const r4PatientPaths = (type: string): readonly string[] =>
  Object.hasOwn(packed.patients, type) ? (packed.patients[type] ?? []) : [];

/** `4.0.1`. */
export const r4Version = packed.fhirVersion;

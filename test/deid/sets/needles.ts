/**
 * What names the people of a set, taken from the source alone: whoever wrote a value into one of these places meant
 * somebody by it. Knows nothing of policies, of the engine and of its idea of words.
 */
import type { Json, JsonObject, Resource } from '../../../src/fhir/resource.ts';

export type NeedleKind = 'name' | 'identifier' | 'lot' | 'contact' | 'address' | 'date' | 'id';

/** Attributes of the server's own that hold names. */
const customNames: ReadonlySet<string> = new Set(['patientFirstName', 'patientMiddleName', 'patientLastName']);

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

/** A value under one of these names is a needle of that kind, or an object with needles. */
function ofMember(name: string, value: Json, found: Needles): void {
  if (customNames.has(name)) found.add('name', value);
  if (name === 'subscriberId') found.add('identifier', value);
  if (name === 'serialNumber') found.add('identifier', value);
  if (name === 'lotNumber') found.add('lot', value);
  for (const item of list(value).filter(isObject)) {
    if (name === 'name' || name === 'valueHumanName') {
      for (const part of ['family', 'given', 'text']) list(item[part]).forEach((text) => found.add('name', text));
    } else if (name === 'identifier' || name === 'valueIdentifier') found.add('identifier', item.value);
    else if (name === 'telecom' || name === 'valueContactPoint') found.add('contact', item.value);
    else if (name === 'address' || name === 'valueAddress') {
      for (const part of ['line', 'city', 'postalCode']) list(item[part]).forEach((text) => found.add('address', text));
    }
  }
}

const fullDate = /(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)/g;
const months = 'January February March April May June July August September October November December'.split(' ');

/** A date as people and programs write it elsewhere. */
export function dateForms(iso: string): string[] {
  const [year = '', month = '', day = ''] = iso.split('-');
  const [m, d, name] = [String(Number(month)), String(Number(day)), months[Number(month) - 1] ?? ''];
  const us = [`${month}/${day}/${year}`, `${m}/${d}/${year}`];
  return [
    iso,
    `${year}${month}${day}`,
    ...us,
    `${name} ${d}, ${year}`,
    `${d} ${name} ${year}`,
    `${d} ${name.slice(0, 3)} ${year}`,
  ];
}

/** Needles of a set, by kind. Types that come down are the hub's: their ids stay, and nobody is named in them. */
export class Needles {
  readonly #byText = new Map<string, NeedleKind>();
  readonly #downTypes: ReadonlySet<string>;

  constructor(downTypes: ReadonlySet<string>) {
    this.#downTypes = downTypes;
  }

  add(kind: NeedleKind, value: Json | undefined): void {
    if (typeof value !== 'string') return;
    const text = value.trim();
    if (text !== '' && !this.#byText.has(text)) this.#byText.set(text, kind);
  }

  /** `[text, kind]`. */
  get all(): ReadonlyMap<string, NeedleKind> {
    return this.#byText;
  }

  collect(resource: Resource): void {
    const isOfHub = this.#downTypes.has(resource.resourceType);
    if (!isOfHub) this.add('id', resource.id);
    this.#walk(resource, isOfHub);
  }

  #walk(value: Json, isOfHub: boolean): void {
    if (typeof value === 'string') {
      for (const [date] of value.matchAll(fullDate)) dateForms(date).forEach((form) => this.add('date', form));
    } else if (Array.isArray(value)) value.forEach((item) => this.#walk(item, isOfHub));
    else if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        if (!isOfHub) ofMember(name, member, this);
        this.#walk(member, isOfHub);
      }
    }
  }
}

export function needlesOf(
  resources: readonly Resource[],
  downTypes: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, NeedleKind> {
  const needles = new Needles(downTypes);
  resources.forEach((resource) => needles.collect(resource));
  return needles.all;
}

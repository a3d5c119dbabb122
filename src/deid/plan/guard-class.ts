/**
 * What the leak guard takes removed values for, by R4's types: names, identifiers, addresses, contacts and birth dates
 * lead to a person wherever they stand. A rule's `guard` says otherwise.
 */
import type { R4Element } from '../r4/model.ts';
import type { GuardClass } from '../policy/document.ts';

const byOwner: Readonly<Record<string, Readonly<Record<string, GuardClass>>>> = {
  HumanName: { text: 'name', family: 'name', given: 'name' },
  Address: { text: 'address', line: 'address', city: 'address', district: 'address', postalCode: 'postalCode' },
  ContactPoint: { value: 'contact' },
  Identifier: { value: 'identifier' },
  Annotation: { author: 'name' },
  ContactDetail: { name: 'name' },
  Patient: { birthDate: 'date' },
  Person: { birthDate: 'date' },
  RelatedPerson: { birthDate: 'date' },
  Coverage: { subscriberId: 'identifier', dependent: 'identifier' },
  FamilyMemberHistory: { name: 'name' },
  Device: { serialNumber: 'identifier' },
  'Device.udiCarrier': { carrierHRF: 'identifier', deviceIdentifier: 'identifier' },
};

/** The class of an element's values by its owner's type; `none` where nothing follows from R4. */
export function guardClassOf(ownerType: string, element: R4Element | undefined): GuardClass {
  const owner = Object.hasOwn(byOwner, ownerType) ? byOwner[ownerType] : undefined;
  if (owner === undefined || element === undefined || !Object.hasOwn(owner, element.name)) return 'none';
  return element.type === 'Reference' ? 'none' : (owner[element.name] ?? 'none');
}

const persons = /(?:^|\/)(?:Patient|Practitioner|PractitionerRole|RelatedPerson|Person)(?:\/|\?|$)/;

/**
 * Whether a Reference's `display` names a person: by its target's type, else by the types that R4 lets the element point
 * at. An organization's or a place's words (`General Hospital`) would mask half of every text.
 */
export function namesPerson(reference: unknown, type: unknown, isToPersons: boolean): boolean {
  if (isToPersons) return true;
  if (typeof reference === 'string' && persons.test(reference)) return true;
  return typeof type === 'string' && persons.test(type);
}

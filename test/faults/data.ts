/** Resources of the workload: small, with what must not leave the site, and with a number that tells states apart. */
import type { JsonObject, Resource } from '../../src/fhir/resource.ts';

export type Stored = Resource & { id: string };

/** Stands in everything that must never be seen outside, ids among it. */
export const canary = 'zqcanary';

/** Stands in what the hub refuses. */
export const poison = 'poisonous';

/** Removes what holds the canary; ids become pseudonyms whatever a policy says. */
export const policy: JsonObject = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'faults',
  default: 'keep',
  modifierExtensions: 'withhold',
  rules: [
    { path: 'Patient.name', method: 'redact' },
    { path: 'Patient.birthDate', method: 'redact' },
    { path: 'Resource.text', method: 'redact' },
    { path: "nodesByName('note')", method: 'redact' },
  ],
};

export type Flaw = 'poison' | 'withheld' | 'large';

export interface StateOptions {
  /** Tells this state from every other. */
  readonly version: number;
  readonly references: Readonly<Record<string, string>>;
  /** The hub refuses it, the policy withholds it, it is too large, or nothing of that. */
  readonly flaw?: Flaw;
}

const reference = (to: string | undefined): JsonObject | undefined =>
  to === undefined ? undefined : { reference: to };

export const idOf = (type: string, index: number): string =>
  `${canary}-${type.toLowerCase().slice(0, 3)}-${String(index)}`;

export function makeResource(type: string, index: number, { version, references, flaw }: StateOptions): Stored {
  const secret = `${canary} person ${String(index)}`;
  const base: JsonObject = {
    text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${secret}</div>` },
    ...(flaw === 'large' && { language: 'x'.repeat(3_000) }),
    ...(flaw === 'withheld' && { modifierExtension: [{ url: 'urn:unknown', valueBoolean: true }] }),
  };
  const own = { resourceType: type, id: idOf(type, index), ...base };
  const unit = flaw === 'poison' ? poison : 'a';
  switch (type) {
    case 'Patient':
      return without({
        ...own,
        name: [{ family: secret, given: [`${canary}given`] }],
        birthDate: '1970-01-01',
        maritalStatus: { text: unit },
        multipleBirthInteger: version,
        managingOrganization: reference(references.Organization),
        link:
          references.Patient === undefined
            ? undefined
            : [{ other: { reference: references.Patient }, type: 'seealso' }],
      });
    case 'Encounter':
      return without({
        ...own,
        status: 'finished',
        class: { code: 'AMB' },
        subject: reference(references.Patient),
        length: { value: version, unit },
        diagnosis:
          references.Condition === undefined ? undefined : [{ condition: { reference: references.Condition } }],
      });
    case 'Condition':
      return without({
        ...own,
        subject: reference(references.Patient),
        encounter: reference(references.Encounter),
        onsetAge: { value: version, unit },
        note: [{ text: secret }],
      });
    default:
      return without({
        ...own,
        status: 'final',
        code: { text: 'c' },
        subject: reference(references.Patient),
        encounter: reference(references.Encounter),
        hasMember: references.Observation === undefined ? undefined : [{ reference: references.Observation }],
        valueQuantity: { value: version, unit },
        note: [{ text: secret }],
      });
  }
}

const without = (resource: Readonly<Record<string, unknown>>): Stored =>
  Object.fromEntries(Object.entries(resource).filter(([, value]) => value !== undefined)) as Stored;

export const organization = (index: number, version: number): Stored => ({
  resourceType: 'Organization',
  id: `org-${String(index)}`,
  name: `Organization ${String(version)}`,
});

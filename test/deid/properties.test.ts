/** What holds for every resource and policy, shown on random ones of R4's own types. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import type { Json, JsonObject, Resource } from '../../src/fhir/resource.ts';
import { compiled, drawn, resource } from './policy/arbitrary.ts';
import { bundleOf, keep, policyOf, redact, run } from './support.ts';
import { seed } from '../seed.ts';

fc.configureGlobal({ numRuns: 300, seed });

function shuffled(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shuffled);
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, shuffled(member)]),
  );
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

/** Of a result what is written. */
const bytesOf = (value: unknown, policy: CompiledPolicy): string => {
  const result = run(value, policy);
  return result.kind === 'resource' ? JSON.stringify(result.resource) : result.reason;
};

describe('for every resource and policy', () => {
  it('the order of keys does not change the bytes, and the input stays as it was', () => {
    fc.assert(
      fc.property(resource, drawn, (input, policy) => {
        const by = compiled(policy);
        const one = bytesOf(frozen(input), by);
        expect(bytesOf(shuffled(input), by)).toBe(one);
        expect(bytesOf(input, compiled(policy))).toBe(one);
      }),
    );
  });

  it('the bytes are the same alone, in a Bundle, in a nested one, and after other resources', () => {
    fc.assert(
      fc.property(resource, resource, drawn, (input, other, policy) => {
        const by = compiled(policy);
        const result = run(input, by);
        if (result.kind === 'withheld' && result.reason !== 'policy-drops-type') return;
        const alone = result.kind === 'resource' ? JSON.stringify(result.resource) : undefined;
        const packed = [
          bundleOf({ resource: other }, { fullUrl: 'urn:uuid:1', resource: input }),
          bundleOf({ resource: bundleOf({ resource: input }, { resource: other }) }),
        ];
        for (const outer of packed) {
          const text = bytesOf(outer, compiled(policy));
          if (!text.startsWith('{')) return;
          if (alone !== undefined) expect(text).toContain(alone);
        }
      }),
    );
  });

  it('what is written is R4’s order, JSON, and no source id of a patient', () => {
    fc.assert(
      fc.property(resource, drawn, (input, policy) => {
        const result = run(input, compiled(policy));
        if (result.kind === 'withheld') return;
        const text = JSON.stringify(result.resource);
        expect(JSON.parse(text)).toEqual(result.resource);
        expect(Object.keys(result.resource).slice(0, 3)).toEqual(['resourceType', 'id', 'meta']);
        expect(text).not.toMatch(/"(?:Patient|Observation)\/[abo](?:\/|")/);
      }),
    );
  });
});

describe('under a rule that removes', () => {
  /** Plants a text of its own in everything under a key, and in what stands beside it. */
  const planted = (value: Json, isUnder: (key: string) => boolean, inside = false): Json => {
    if (typeof value === 'string') return inside ? `Zq${value}` : value;
    if (Array.isArray(value)) return value.map((member) => planted(member, isUnder, inside));
    if (typeof value !== 'object' || value === null) return value;
    const out: JsonObject = {};
    for (const [key, member] of Object.entries(value)) out[key] = planted(member, isUnder, inside || isUnder(key));
    return out;
  };
  const hit = (text: string): boolean => text.includes('Zq');

  it.each<[string, (key: string) => boolean]>([
    ["nodesByName('identifier')", (key) => key === 'identifier'],
    ["nodesByName('name')", (key) => key === 'name'],
    ["nodesByName('code')", (key) => key === 'code'],
    ['Resource.extension', (key) => key === 'extension'],
    ["nodesByName('display')", (key) => key === 'display'],
    ['Observation.value', (key) => key.startsWith('value')],
    ["nodesByName('note')", (key) => key === 'note'],
  ])('%s, nothing of it survives, alone or inside', (path, isUnder) => {
    const policy = policyOf([redact(path)], { scope: { urns: 'rename' } });
    const isWhole = path.startsWith('nodes');
    fc.assert(
      fc.property(resource, (input) => {
        const source = (
          isWhole
            ? planted(input, isUnder)
            : {
                ...input,
                ...Object.fromEntries(
                  Object.entries(input).map(([key, member]) => [
                    key,
                    planted(
                      member,
                      () => false,
                      isUnder(key) && (path.startsWith('Resource') || input.resourceType === 'Observation'),
                    ),
                  ]),
                ),
              }
        ) as Resource;
        for (const one of [source, bundleOf({ resource: source })]) {
          const result = run(one, policy);
          if (result.kind === 'resource') expect([hit(JSON.stringify(result.resource))]).toEqual([false]);
        }
      }),
    );
  });
});

describe('a path that the library evaluates', () => {
  const plain = [
    ...['Patient.multipleBirth', 'Patient.active', 'Patient.birthDate', 'Patient.deceased', 'Patient.gender'],
    ...['Patient.name', 'Patient.name.given', 'Patient.name.family', 'Patient.telecom.rank', 'Patient.photo.size'],
    ...['Observation.value', 'Observation.component.value', 'Observation.effective', 'Observation.issued'],
    ...['Observation.value.value', 'Observation.value.unit', 'Observation.value.origin.value', 'Observation.note.text'],
    ...['Observation.referenceRange.low.value', 'Observation.component.value.value', 'Encounter.length.value'],
    ...['Claim.item.sequence', 'Claim.item.unitPrice.value', 'MedicationRequest.dispenseRequest.quantity.value'],
    ...['QuestionnaireResponse.item.answer.value', 'DocumentReference.content.attachment.size', 'Practitioner.photo'],
    ...['HumanName.family', 'Quantity.value', 'Period.start', 'Coding.userSelected', 'Attachment.size', 'Money.value'],
    ...['value', 'given', 'sequence', 'size', 'start', 'userSelected', 'valueInteger', 'identifier'].map(
      (name) => `nodesByName('${name}')`,
    ),
  ];

  it.each(plain)('takes what the plan takes, numbers too: %s', (path) => {
    for (const by of [
      [redact(path), redact(`${path}.where(true)`), 'keep'],
      [keep(path), keep(`${path}.where(true)`), 'drop'],
    ] as const) {
      const [one, other] = [by[0], by[1]].map((each) => policyOf([each], { default: by[2], labels: false }));
      fc.assert(
        fc.property(resource, (input) => {
          const results = [one, other].map((policy) => policy && run(input, policy));
          const [first, second] = results.map((result) =>
            result?.kind === 'resource' ? { ...result.resource, meta: null } : result?.reason,
          );
          expect(second).toEqual(first);
        }),
        { numRuns: 60 },
      );
    }
  });
});

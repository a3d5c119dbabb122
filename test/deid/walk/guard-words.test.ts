/** What the walk hands the leak guard: whole names, and ids of the source. */
import { describe, expect, it } from '@jest/globals';
import { applyGuard } from '../../../src/deid/guard/apply.ts';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import type { Resource } from '../../../src/fhir/resource.ts';
import { dropping, keys, patient, policyOf, redact, run } from '../support.ts';

/** The outputs of several resources, after all that was removed of any of them is known. */
function guarded(resources: readonly object[], policy: CompiledPolicy): Resource[] {
  const results = resources.map((resource) => run(resource, policy));
  const words = new Map<string, Set<number>>();
  for (const { traces } of results) {
    for (const { patient: whose, removed } of traces)
      words.set(whose, new Set([...(words.get(whose) ?? []), ...removed]));
  }
  return results.map((result) => {
    if (result.kind === 'withheld') throw new Error(result.reason);
    const none = new Set<number>();
    const outcome = applyGuard(result.resource, result.traces, policy, keys, (whose) => words.get(whose) ?? none);
    if (outcome.kind === 'withheld') throw new Error(outcome.reason);
    return outcome.resource;
  });
}

const id = '9f8b7c6d-1111-4222-8333-123456789abc';
const holding = (subject: object) => ({
  resourceType: 'Observation',
  id: 'o1',
  ...subject,
  meta: { profile: [`http://x.example/${id}`], tag: [{ code: id }], security: [{ code: id.toUpperCase() }] },
  code: { coding: [{ code: id, version: id, display: `see ${id}, ${id.replaceAll('-', '')}` }] },
  valueQuantity: { value: 1, unit: id, system: `http://x.example/${id}` },
});
const subject = { subject: { reference: `Patient/${id}` } };

describe('the id of a Patient', () => {
  it.each(['safe-harbor', 'limited-dataset', 'expert', 'aidbox-default'])(
    'stands nowhere in the output of the patient under %s',
    (preset) => {
      const policy = policyOf([], { extends: preset });
      const out = JSON.stringify(guarded([{ resourceType: 'Patient', id }, holding(subject)], policy));
      expect(out.toLowerCase()).not.toContain(id);
      expect(out.toLowerCase()).not.toContain(id.replaceAll('-', ''));
    },
  );

  it('counts where the Patient itself does not pass', () => {
    const policy = dropping([
      { path: 'Patient', method: 'dropResource' },
      { path: 'Observation', method: 'keep' },
    ]);
    const { traces } = run({ resourceType: 'Patient', id }, policy);
    expect(traces.flatMap(({ removed }) => removed).length).toBeGreaterThan(0);
  });

  it('that is short is not looked for', () => {
    expect(run(patient(), policyOf([])).traces.flatMap(({ removed }) => removed)).toEqual([]);
  });
});

describe('the id of any other resource', () => {
  it('stands nowhere in its own output', () => {
    const out = JSON.stringify(guarded([{ ...holding({}), id }], policyOf([])));
    expect(out.toLowerCase()).not.toContain(id);
  });

  it('is no word where its output does not hold it: words would be as many as resources', () => {
    const observation = { resourceType: 'Observation', id, code: { text: 'x' }, ...subject };
    expect(run(observation, policyOf([])).traces.flatMap(({ removed }) => removed)).toEqual([]);
  });
});

describe('a name in its parts', () => {
  it('is found where the text has it as one word', () => {
    const person = patient({
      name: [
        { family: '李', given: ['小龙'] },
        { family: 'Smith', given: ['Prince'] },
      ],
      contact: [{ relationship: [{ text: '患者李小龙先生, user princesmith' }] }],
    });
    const [out] = guarded([person], policyOf([redact('Patient.name')]));
    expect(out?.contact).toEqual([{ relationship: [{ text: '患者[removed]先生, user [removed]' }] }]);
  });
});

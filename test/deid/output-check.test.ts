import { describe, expect, it } from '@jest/globals';
import { tagSystems } from '../../src/deid/engine.ts';
import { checkOutput } from '../../src/deid/output-check.ts';
import { pseudonymId } from '../../src/deid/pseudonym.ts';
import type { JsonObject } from '../../src/fhir/resource.ts';
import { keep, keys, output, policyOf, redact } from './support.ts';

const policy = policyOf(
  [
    redact("nodesByName('note')"),
    redact('Reference.display'),
    { path: 'Observation.device', method: 'pseudonymize' },
    { path: 'Device', method: 'drop-resource' },
  ],
  'keep',
  'aidbox-default',
);

const observation = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  device: 'serial',
  subject: { reference: 'Patient/a' },
  performer: [{ reference: 'Practitioner/x' }, { reference: 'Organization/o' }, { reference: '#c' }],
  contained: [{ resourceType: 'Patient', id: 'c', gender: 'male' }],
  component: [{ code: { text: 't' } }],
};

/** The output of `source`, changed by `change`, as the check sees it. */
function verdict(
  change: (resource: Record<string, never>) => void,
  source: object = observation,
  under = policy,
): unknown {
  const resource = structuredClone(output(source, under)) as unknown as Record<string, never>;
  change(resource);
  const result = checkOutput(resource, under, keys);
  return result.ok ? 'ok' : result.reason;
}

/** Puts `value` at a dotted path of a resource. */
const plant =
  (path: string, value: unknown) =>
  (resource: Record<string, never>): void => {
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    const holder = steps.reduce<JsonObject>((node, step) => node[step] as JsonObject, resource);
    Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true });
  };

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`);
const otherKey = { ...keys, pseudonymKeyVersion: 2 };

describe('the output check', () => {
  it('accepts what the engine makes', () => {
    expect(verdict(() => undefined)).toBe('ok');
  });

  it.each([
    ['id', 'o', 'id-form'],
    ['id', pseudonymId(otherKey, 'north', 'Observation', 'o'), 'id-form'],
    ['contained.0.id', 'c', 'id-form'],
    ['resourceType', 'Device', 'dropped-type'],
    ['resourceType', 'john smith', 'not-a-resource'],
    ['contained.0.resourceType', 'Device', 'dropped-type'],
    ['contained.0.name', [{ family: 'X' }], 'removed-path'],
    ['contained.0._name', { id: 'X' }, 'removed-path'],
    ['meta.versionId', '1', 'server-meta'],
    ['meta.lastUpdated', '2026', 'server-meta'],
    ['meta.source', 'x', 'server-meta'],
    ['contained.0.meta', { versionId: '1' }, 'server-meta'],
    ['meta.tag', [], 'tags'],
    ['meta.tag.0.code', 'south', 'tags'],
    ['meta.tag.1.code', 'f'.repeat(64), 'tags'],
    ['meta.tag.2', { system: tagSystems.origin, code: 'north' }, 'tags'],
    ['meta.tag.0.display', 'John', 'tags'],
    ['component.0.note', [{ text: 'x' }], 'removed-path'],
    ['component.0._note', 'x', 'removed-path'],
    ['subject.display', 'John', 'removed-path'],
    ['performer.0.display', 'John', 'removed-path'],
    ['subject', { display: 'John' }, 'removed-path'],
    ['device', 'serial', 'value-form'],
    ['subject.reference', 'Patient/a', 'reference-form'],
    ['subject.reference', 'Practitioner/a', 'reference-form'],
    ['subject.reference', 'http://h/Patient/a', 'reference-form'],
    ['subject.reference', 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', 'reference-form'],
    ['subject.reference', 'Organization/o/_history/1', 'reference-form'],
    ['subject.reference', 5, 'reference-form'],
    ['subject.reference', ['Patient/a'], 'reference-form'],
    ['subject.reference', '#c', 'local-reference'],
    ['contained', [], 'local-reference'],
    ['valueUri', 'Patient/a', 'hidden-reference'],
    ['__proto__', { x: 1 }, 'forbidden-key'],
    ['component.0.constructor', 1, 'forbidden-key'],
    ['component.0.x', nested(250), 'too-deep'],
  ])('refuses %s: %j', (path, value, reason) => {
    expect(verdict(plant(path, value))).toBe(reason);
  });

  it.each([null, undefined, 5, 'x', [], {}])('refuses %j', (value) => {
    expect(checkOutput(value, policy).ok).toBe(false);
  });

  it('refuses answers to questions that the policy names, however deep', () => {
    const item = [
      { linkId: 'g', text: 'Address', item: [{ linkId: '1', text: 'Street' }] },
      { linkId: '2', text: 'Age' },
    ];
    const response = { resourceType: 'QuestionnaireResponse', id: 'q', item };
    const answer = [{ valueString: 'x' }];
    expect(verdict(plant('item.1.answer', answer), response)).toBe('ok');
    expect(verdict(plant('item.0.answer', answer), response)).toBe('removed-path');
    expect(verdict(plant('item.0.item.0.answer', answer), response)).toBe('removed-path');
  });

  it('refuses, under default: drop, what no rule names', () => {
    const strict = policyOf([keep('Observation.status'), keep('Observation.subject')], 'drop');
    expect(verdict(() => undefined, observation, strict)).toBe('ok');
    expect(verdict(plant('issued', '2026'), observation, strict)).toBe('unnamed-path');
  });

  it('knows that an earlier rule may keep what a later one removes', () => {
    const both = policyOf([keep('Patient.address.state'), redact('Patient.address')]);
    const patient = { resourceType: 'Patient', id: 'a', address: [{ state: 'MA', city: 'B' }] };
    expect(verdict(() => undefined, patient, both)).toBe('ok');
    expect(verdict(plant('address.0.city', 'B'), patient, both)).toBe('removed-path');
  });
});

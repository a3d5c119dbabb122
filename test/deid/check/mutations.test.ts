/** Each kind of thing that cannot be in an output, planted in a good one. */
import { describe, expect, it } from '@jest/globals';
import { absentReason, detachedSystem, tagSystems } from '../../../src/deid/engine.ts';
import { pseudonymId } from '../../../src/deid/pseudonym.ts';
import { bundleOf, dropping, keep, keys, nested, policyOf, redact, rule } from '../support.ts';
import { plant, staged, verdictOn } from './support.ts';

const masked = { extension: [{ url: absentReason.url, valueCode: 'masked' }] };
const newId = (type: string, id: string, by = keys): string => pseudonymId(by, 'north', type, id);
const nextKey = { ...keys, pseudonymKeyVersion: 2 };

const observation = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '1-8', display: 'x' }] },
  subject: { reference: 'Patient/a', display: 'Ann' },
  performer: [{ reference: 'Practitioner/x' }, { reference: 'Organization/h' }, { reference: '#c' }],
  effectiveDateTime: '2020-02-03T04:05:06Z',
  contained: [{ resourceType: 'Patient', id: 'c', gender: 'male', name: [{ family: 'X' }] }],
  component: [{ code: { text: 't' }, valueString: 'v' }],
  note: [{ text: 'n' }],
  extension: [{ url: 'http://a', valueString: 'e' }],
};

const open = policyOf([
  redact("nodesByName('note')"),
  redact("nodesByType('Reference').display"),
  redact('Patient.name'),
  rule('Observation.effective', 'dateTruncate'),
  { path: 'Device', method: 'dropResource' },
]);

const closed = dropping([
  keep('Observation.status'),
  keep('Observation.subject'),
  keep("Observation.extension('http://a')"),
  keep('Observation.component.value'),
  keep('Observation.performer'),
]);

/** The verdict on an output of `source` in which `value` stands at `path`. */
const spoilt = (path: string, value: unknown, policy = open, source: object = observation): string =>
  verdictOn(plant(staged(source, policy), path, value), policy);

describe('under default: keep, refused is', () => {
  it.each<[string, unknown, string]>([
    // shape
    ['resourceType', undefined, 'not-a-resource'],
    ['resourceType', 'john smith', 'not-a-resource'],
    ['resourceType', 'JohnSmith', 'not-a-resource'],
    ['resourceType', 'DomainResource', 'not-a-resource'],
    ['resourceType', 'Device', 'dropped-type'],
    ['contained.0.resourceType', 'Device', 'dropped-type'],
    ['__proto__', { x: 1 }, 'forbidden-key'],
    ['component.0.constructor', 1, 'forbidden-key'],
    ['status', 5, 'json-type'],
    ['status', ['final'], 'json-type'],
    ['status', { a: 'final' }, 'json-type'],
    ['status', null, 'json-type'],
    ['component', { code: { text: 't' } }, 'json-type'],
    ['component', [], 'json-type'],
    ['component', [null], 'json-type'],
    ['component.0', {}, 'json-type'],
    ['component.0.odd', {}, 'json-type'],
    ['code.coding.0.userSelected', 'yes', 'json-type'],
    ['subject', { resourceType: 'Patient', id: 'a' }, 'json-type'],
    ['_status', 'final', 'json-type'],
    // ids
    ['id', 'o', 'id-form'],
    ['id', undefined, 'id-form'],
    ['id', newId('Observation', 'o', nextKey), 'id-form'],
    ['contained.0.id', 'c', 'id-form'],
    ['_id', { extension: [{ url: 'u', valueString: 'o' }] }, 'removed-path'],
    // tags and meta
    ['meta', undefined, 'tags'],
    ['meta.tag', [], 'tags'],
    ['meta.tag.0.code', 'south', 'tags'],
    ['meta.tag.1.code', 'f'.repeat(64), 'tags'],
    ['meta.tag.2.code', 'pseudonym/2', 'tags'],
    ['meta.tag.3', { system: tagSystems.origin, code: 'north' }, 'tags'],
    ['meta.tag.3', { system: 'urn:fhir-sluice:other', code: 'x' }, 'tags'],
    ['meta.tag.0.display', 'Ann', 'tags'],
    ['contained.0.meta', { tag: [{ system: tagSystems.origin, code: 'north' }] }, 'tags'],
    ['contained.0.meta', { versionId: '1' }, 'server-meta'],
    ['meta.versionId', '1', 'server-meta'],
    ['meta.lastUpdated', '2026', 'server-meta'],
    ['meta.source', 'http://h', 'server-meta'],
    ['meta.extension', [{ url: 'u', valueString: 'Ann' }], 'server-meta'],
    ['meta.security.0.extension', [{ url: 'u', valueString: 'Ann' }], 'server-meta'],
    ['meta.profile', 'http://p', 'json-type'],
    ['meta.profile', [5], 'json-type'],
    // rules
    ['note', [{ text: 'n' }], 'removed-path'],
    ['component.0.note', 'n', 'removed-path'],
    ['contained.0.name', [{ family: 'X' }], 'removed-path'],
    ['contained.0._name', { id: 'X' }, 'removed-path'],
    ['_note', 'n', 'removed-path'],
    ['subject.display', 'Ann', 'removed-path'],
    ['subject._display', { extension: [{ url: 'u', valueString: 'Ann' }] }, 'removed-path'],
    ['extension.0', { url: 'http://b', valueReference: { reference: '#', display: 'Ann' } }, 'removed-path'],
    ['odd', { reference: '#', display: 'Ann' }, 'removed-path'],
    ['effectiveDateTime', '2020-02', 'value-form'],
    ['effectiveDateTime', '2020-02-03', 'value-form'],
    ['effectiveDateTime', 'in spring', 'value-form'],
    ['effectivePeriod', { start: '2020-02' }, 'value-form'],
    ['effectiveInstant', '2020-02-03T00:00:00Z', 'value-form'],
    ['_effectiveDateTime', { extension: [{ url: 'u', valueDateTime: '2020-02-03' }] }, 'removed-path'],
    ['issued', 'yesterday', 'value-form'],
    // references
    ['subject.reference', 'Patient/a', 'reference-form'],
    ['subject.reference', `Patient/${newId('Patient', 'a', nextKey)}`, 'reference-form'],
    ['subject.reference', `Patient/${newId('Patient', 'a')}/_history/1`, 'reference-form'],
    ['subject.reference', `Practitioner/${newId('Practitioner', 'x')}`, 'reference-form'],
    ['subject.reference', 'http://h/Patient/a', 'reference-form'],
    ['subject.reference', 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', 'reference-form'],
    ['subject.reference', 'urn:uuid:0c3151bd-1cbf-8d64-b04d-cd9187a4c6e0', 'reference-form'],
    ['subject.reference', 'Patient?identifier=1', 'reference-form'],
    ['subject.reference', 'Organization/h/_history/1', 'reference-form'],
    ['subject.reference', 'Organization/John Smith', 'reference-form'],
    ['subject.reference', 'anything', 'reference-form'],
    ['subject.reference', 5, 'json-type'],
    ['subject.reference', ['Patient/a'], 'json-type'],
    ['subject.reference', '#c', 'local-reference'],
    ['subject.reference', `#${newId('Patient', 'c')}`, 'local-reference'],
    ['contained', undefined, 'local-reference'],
    ['odd', { reference: 'Patient/a' }, 'reference-form'],
    ['extension.0', { url: 'u', valueReference: { reference: 'Patient/a' } }, 'reference-form'],
    ['component.0.valueString', 'Patient/a', 'hidden-reference'],
    ['component.0.valueString', `Patient/${newId('Patient', 'a')}/_history/1`, 'hidden-reference'],
    ['extension.0', { url: 'u', valueUri: 'Binary/1' }, 'hidden-reference'],
    ['extension.0.url', 'Patient/a', 'hidden-reference'],
    ['odd', { photoUrl: 'Binary/1' }, 'hidden-reference'],
  ])('%s: %j (%s)', (path, value, reason) => {
    expect(spoilt(path, value)).toBe(reason);
  });

  it('what is nested deeper than the engine walks', () => {
    expect(spoilt('component.0.odd', nested(250, '[', ']', '1'))).toBe('too-deep');
    expect(spoilt('extension', [nested(250, '{"url":"u","extension":[', ']}', '{"url":"u"}')])).toBe('too-deep');
    expect(spoilt('extension', [nested(60, '{"url":"u","extension":[', ']}', '{"url":"u"}')])).toBe('ok');
  });

  it.each<[string, unknown]>([
    ['status', 'x'],
    ['subject.reference', 'Organization/other'],
    ['subject.reference', `Encounter/${newId('Encounter', 'e')}`],
    ['subject', { type: 'Patient', identifier: { system: detachedSystem, value: newId('Patient', 'a') } }],
    ['component.0.valueString', `Patient/${newId('Patient', 'a')}`],
    ['component.0.valueString', 'Organization/h'],
    ['component.0.valueString', 'Binary/1'],
    ['odd', { a: [[1, 'x', true]] }],
    ['extension.0', { url: 'http://b', extension: [{ url: 'c', valueCode: 'd' }] }],
    ['_status', masked],
    ['code', masked],
  ])('but not %s: %j', (path, value) => {
    const out = plant(staged(observation, open), path, value);
    if (path === '_status') plant(out, 'status', undefined);
    expect(verdictOn(out, open)).toBe('ok');
  });
});

describe('under default: drop, refused is', () => {
  it.each<[string, unknown, string]>([
    ['issued', '2026', 'unnamed-path'],
    ['component.0.code', { text: 't' }, 'unnamed-path'],
    ['subject.odd', 'x', 'unnamed-path'],
    ['subject.id', 'ann', 'unnamed-path'],
    ['odd', 'x', 'unnamed-path'],
    ['odd', { reference: '#' }, 'unnamed-path'],
    ['component.0.id', 'x', 'unnamed-path'],
    ['status', 'final', 'ok'],
    ['extension.0', { url: 'http://b', valueString: 'x' }, 'unknown-extension'],
    ['extension.0', { valueString: 'x' }, 'unknown-extension'],
    // its url may have been removed by the guard
    ['extension.0', { _url: masked, valueString: 'x' }, 'ok'],
    ['subject.extension', [{ url: 'http://a', valueString: 'x' }], 'unknown-extension'],
    ['_status', { extension: [{ url: 'http://a', valueString: 'x' }] }, 'unknown-extension'],
    ['modifierExtension', [{ url: 'http://a', valueString: 'x' }], 'unknown-extension'],
    ['extension.0', { url: absentReason.url, valueCode: 'unknown' }, 'ok'],
    ['extension.0', { url: absentReason.url, valueCode: 'john-smith' }, 'unknown-extension'],
    ['extension.0', { url: absentReason.url, valueCode: 'unknown', id: 'x' }, 'unknown-extension'],
    // fillers stand where R4 requires the element, and nowhere else
    ['code', masked, 'ok'],
    ['code', { extension: [{ url: absentReason.url, valueCode: 'unknown' }] }, 'ok'],
    ['code', { ...masked, text: 't' }, 'unnamed-path'],
    ['category', [masked], 'ok'],
    ['category', [{ extension: [{ url: absentReason.url, valueString: 'masked' }] }], 'unknown-extension'],
  ])('%s: %j (%s)', (path, value, reason) => {
    expect(spoilt(path, value, closed)).toBe(reason);
  });

  it('a filler that a rule removes, where R4 does not require the element', () => {
    const policy = policyOf([redact('Observation.category'), redact('Observation.code')]);
    expect(spoilt('category', [masked], policy)).toBe('removed-path');
    expect(spoilt('code', masked, policy)).toBe('ok');
    expect(spoilt('code', { ...masked, id: 'x' }, policy)).toBe('removed-path');
  });
});

describe('a resource inside another', () => {
  const policy = policyOf([redact('Patient.name'), redact('Bundle.entry.search')], {
    scope: { urns: 'rename' },
  });
  const urn = 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0';
  const bundle = bundleOf(
    {
      fullUrl: urn,
      resource: { resourceType: 'Patient', id: 'a', active: true },
      request: { method: 'PUT', url: 'Patient/a' },
    },
    { fullUrl: 'http://h/Observation/o', resource: { ...observation, subject: { reference: urn } } },
  );

  it.each<[string, unknown, string]>([
    ['entry.0.resource.id', 'a', 'id-form'],
    ['entry.0.resource.meta', undefined, 'tags'],
    ['entry.0.resource.meta.tag.0.code', 'south', 'tags'],
    ['entry.0.resource.name', [{ text: 'Ann' }], 'removed-path'],
    ['entry.0.resource', { resourceType: 'Odd', id: 'x' }, 'not-a-resource'],
    ['entry.0.fullUrl', urn, 'bundle-address'],
    ['entry.0.fullUrl', 'http://h/Patient/a', 'bundle-address'],
    ['entry.0.fullUrl', 'https://fhir-sluice.invalid/Patient/a', 'bundle-address'],
    ['entry.0.request.url', 'Patient/a', 'bundle-address'],
    ['entry.0.request.url', 'Patient?identifier=1', 'bundle-address'],
    ['entry.0.request.ifNoneExist', 'identifier=1', 'removed-path'],
    ['entry.0.response', { status: '200' }, 'removed-path'],
    ['entry.0.link', [{ relation: 'self', url: 'http://h' }], 'removed-path'],
    ['link', [{ relation: 'self', url: 'http://h' }], 'removed-path'],
    ['entry.0.search', { mode: 'match' }, 'removed-path'],
    ['entry.1.resource.subject.reference', urn, 'reference-form'],
    ['entry.1.resource.contained.0.id', 'c', 'id-form'],
    ['entry.1.resource.contained', undefined, 'local-reference'],
    ['id', undefined, 'ok'],
  ])('%s: %j (%s)', (path, value, reason) => {
    expect(spoilt(path, value, policy, bundle)).toBe(reason);
  });

  it('passes as the engine makes it, an own type of the hub by its own id', () => {
    expect(verdictOn(staged(bundle, policy), policy)).toBe('ok');
    const organizations = bundleOf({ resource: { resourceType: 'Organization', id: 'h' } });
    expect(spoilt('entry.0.resource.id', 'h', policy, organizations)).toBe('ok');
    expect(spoilt('entry.0.resource.id', 'John Smith', policy, organizations)).toBe('id-form');
  });

  it('finds local references among the contained ones of its own container alone', () => {
    const out = staged(bundle, policy);
    const local = ((out.entry as any)[1].resource.contained[0] as { id: string }).id;
    expect(
      verdictOn(plant(out, 'entry.0.resource.link', [{ other: { reference: `#${local}` }, type: 'seealso' }]), policy),
    ).toBe('local-reference');
  });
});

describe('what is no resource', () => {
  it.each([null, undefined, 5, 'x', [], {}, { resourceType: 'Patient' }])('is refused: %j', (value) => {
    expect(verdictOn(value, open)).not.toBe('ok');
  });
});

describe('key versions', () => {
  it('without keys are those that the tag says, in one form', () => {
    const out = staged(observation, open);
    expect(verdictOn(out, open, undefined)).toBe('ok');
    expect(verdictOn(plant(out, 'meta.tag.2.code', 'pseudonym'), open, undefined)).toBe('tags');
  });

  it('are the policy’s where it holds one', () => {
    const held = policyOf([], { keys: { pseudonym: 1 } });
    const newer = { ...keys, pseudonymKeyVersion: 2, olderKeys: new Map([[1, keys.pseudonymKey]]) };
    expect(verdictOn(staged(observation, held), held, newer)).toBe('ok');
    expect(verdictOn(staged(observation, open), open, newer)).not.toBe('ok');
  });
});

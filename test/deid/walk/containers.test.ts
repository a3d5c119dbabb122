/** Contained resources, Bundles, Parameters: what pointed at each other still does, and the bytes are the same in each. */
import { describe, expect, it } from '@jest/globals';
import { detachedSystem } from '../../../src/deid/engine.ts';
import { pseudonymForm, pseudonymId } from '../../../src/deid/pseudonym.ts';
import {
  bundleOf,
  dropping,
  keep,
  keys,
  observation,
  output,
  patient,
  policyOf,
  redact,
  rest,
  rule,
} from '../support.ts';
import { verdictOn } from '../check/support.ts';

const plain = policyOf([]);
const idOf = (type: string, id: string): string => pseudonymId(keys, 'north', type, id);
const uuid = '0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0';

describe('contained resources', () => {
  const value = {
    contained: [{ resourceType: 'Patient', id: 'c', link: [{ other: { reference: '#' }, type: 'refer' }] }],
    subject: { reference: '#c' },
  };

  it('get ids that do not link their containers, and references follow', () => {
    const here = rest(observation(value), plain);
    const there = rest(observation({ ...value, id: 'other' }), plain);
    expect(here.subject).toEqual({ reference: `#${String(here.contained[0].id)}` });
    expect(here.contained[0].link[0].other).toEqual({ reference: '#' });
    expect(here.contained[0].id).toMatch(pseudonymForm);
    expect(here.subject).not.toEqual(there.subject);
    expect(here.contained[0].id).not.toBe(idOf('Patient', 'c'));
  });

  it('carry no tags, and of their meta what is portable', () => {
    const meta = { versionId: '1', profile: ['http://p'] };
    const [inner] = rest(observation({ contained: [{ resourceType: 'Patient', id: 'c', meta }] }), plain)
      .contained as object[];
    expect(inner).toMatchObject({ meta: { profile: ['http://p'] } });
    expect(inner).not.toHaveProperty('meta.tag');
    expect(inner).not.toHaveProperty('meta.versionId');
  });

  it('that go leave a logical reference', () => {
    const result = rest(observation(value), policyOf([rule('Patient', 'dropResource')]));
    expect(result).toEqual({
      subject: { identifier: { system: detachedSystem, value: expect.stringMatching(pseudonymForm) } },
    });
  });

  it('without an id stay without one', () => {
    expect(rest(observation({ contained: [{ resourceType: 'Patient', active: true }] }), plain).contained).toEqual([
      { resourceType: 'Patient', active: true },
    ]);
  });
});

describe('Bundles', () => {
  it('keep references among their entries; links, answers and queries go, addresses are rewritten', () => {
    const entries = [
      {
        fullUrl: 'http://h/fhir/Patient/a',
        resource: { resourceType: 'Patient', id: 'a' },
        request: { method: 'PUT', url: 'Patient/a', ifNoneExist: 'identifier=77', ifMatch: 'W/"1"' },
        response: { status: '200', location: 'Patient/a/_history/1' },
        link: [{ relation: 'self', url: 'http://h' }],
      },
      {
        resource: { resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/a' } },
        request: { method: 'POST', url: 'Observation?patient=a' },
      },
    ];
    const bundle = { ...bundleOf(...entries), link: [{ relation: 'self', url: 'http://h' }] };
    expect(rest(bundle, policyOf([], { labels: false }))).toEqual({
      type: 'collection',
      entry: [
        {
          fullUrl: `https://fhir-sluice.invalid/Patient/${idOf('Patient', 'a')}`,
          resource: { resourceType: 'Patient', id: idOf('Patient', 'a'), meta: expect.anything() },
          request: { method: 'PUT', url: `Patient/${idOf('Patient', 'a')}` },
        },
        {
          resource: expect.objectContaining({ subject: { reference: `Patient/${idOf('Patient', 'a')}` } }),
          request: { method: 'POST', url: 'Observation' },
        },
      ],
    });
  });

  it('with urns stay whole where urns are renamed, also for entries without an id', () => {
    const policy = policyOf([], { scope: { urns: 'rename' } });
    const { entry } = rest(
      bundleOf(
        { fullUrl: `urn:uuid:${uuid}`, resource: { resourceType: 'Patient' } },
        {
          fullUrl: 'urn:uuid:1',
          resource: { resourceType: 'Observation', id: 'o', subject: { reference: `urn:uuid:${uuid}` } },
        },
      ),
      policy,
    );
    expect(entry[1].resource.subject.reference).toBe(entry[0].fullUrl);
    expect(entry[0].fullUrl).not.toContain(uuid);
    expect(entry[0].resource).not.toHaveProperty('id');
  });

  const pointing = (reference: string, more: object = {}): object => ({
    resource: { resourceType: 'Observation', id: 'o', subject: { reference, ...more } },
  });
  const addressed = (fullUrl: string): object => ({ fullUrl, resource: { resourceType: 'Patient', id: 'a' } });

  describe.each(['detach', 'rename'] as const)('whose urns a stream would %s', (urns) => {
    const policy = policyOf([], { scope: { urns } });

    it.each([
      ['a urn', `urn:uuid:${uuid}`, `urn:uuid:${uuid}`],
      ['a urn in other letters', `urn:uuid:${uuid}`, `urn:uuid:${uuid.toUpperCase()}`],
      ['an oid', 'urn:oid:1.2.3', 'urn:oid:1.2.3'],
      ['an address', 'http://h/fhir/Patient/a', 'http://h/fhir/Patient/a'],
      ['a version of an address', 'http://h/fhir/Patient/a', 'http://h/fhir/Patient/a/_history/2'],
      ['an address that names no type', 'http://h/people?of=a', 'http://h/people?of=a'],
    ])('keep links among entries by %s, whichever comes first', (_title, fullUrl, reference) => {
      for (const backwards of [false, true]) {
        const entries = [addressed(fullUrl), pointing(reference, { display: 'd' })];
        const bundle = bundleOf(...(backwards ? entries.reverse() : entries));
        const { entry } = rest(bundle, policy);
        const target = entry.find(({ fullUrl: one }: any) => one !== undefined);
        const source = entry.find(({ resource }: any) => resource.resourceType === 'Observation');
        expect(source.resource.subject).toEqual({ reference: target.fullUrl, display: 'd' });
        expect(JSON.stringify(entry)).not.toMatch(/http:\/\/h\/|people|1\.2\.3/);
        expect(JSON.stringify(entry).toLowerCase()).not.toContain(uuid);
        expect(verdictOn(JSON.parse(JSON.stringify(output(bundle, policy))), policy)).toBe('ok');
      }
    });

    it('keep links into the Bundle around them, from contained resources too', () => {
      const subject = { reference: `urn:uuid:${uuid}` };
      const inner = bundleOf({ resource: observation({ contained: [observation({ id: 'c', subject })] }) });
      const bundle = bundleOf(addressed(`urn:uuid:${uuid}`), { resource: inner });
      const { entry } = rest(bundle, policy);
      const [contained] = entry[1].resource.entry[0].resource.contained;
      expect(contained.subject).toEqual({ reference: entry[0].fullUrl });
      expect(verdictOn(output(bundle, policy), policy)).toBe('ok');
    });
  });

  it('have a logical reference in place of a link to an entry whose resource does not pass', () => {
    const bundle = bundleOf(addressed(`urn:uuid:${uuid}`), pointing(`urn:uuid:${uuid}`));
    const policy = policyOf([rule('Patient', 'dropResource')]);
    const { entry } = rest(bundle, policy);
    expect(entry[1].resource.subject).toEqual({
      identifier: { system: detachedSystem, value: expect.stringMatching(pseudonymForm) },
    });
    expect(verdictOn(output(bundle, policy), policy)).toBe('ok');
  });

  it('are refused with a link that leads to none of their entries, or none with a resource', () => {
    const bundle = JSON.parse(
      JSON.stringify(output(bundleOf(addressed(`urn:uuid:${uuid}`), pointing(`urn:uuid:${uuid}`)), plain)),
    );
    expect(verdictOn(bundle, plain)).toBe('ok');
    expect(verdictOn(bundle.entry[1].resource, plain)).toBe('reference-form');
    delete bundle.entry[0].resource;
    expect(verdictOn(bundle, plain)).toBe('reference-form');
  });

  it('lose a full address that is none, and whatever in an address is no type', () => {
    const policy = dropping([keep('Patient.active')]);
    const inner = { resource: { resourceType: 'Patient', id: 'a', active: true } };
    for (const fullUrl of [
      'http://h/',
      'John Smith',
      'Patient/a',
      'http://h/Patient/a?name=x',
      'http://h/JohnSmith/1',
    ]) {
      expect([fullUrl, JSON.stringify(rest(bundleOf({ fullUrl, ...inner }), policy))]).toEqual([
        fullUrl,
        expect.not.stringMatching(/John|name=|h\/|\/a"/),
      ]);
    }
    const request = { method: 'POST', url: 'JohnSmith' };
    expect(JSON.stringify(rest(bundleOf({ request }), policy))).not.toContain('JohnSmith');
  });

  it('keep their type and their requests’ methods under default: drop', () => {
    const bundle = bundleOf({ resource: patient({ active: true }), request: { method: 'DELETE', url: 'Patient/p1' } });
    expect(rest(bundle, dropping([keep('Patient.active')]))).toMatchObject({
      type: 'collection',
      entry: [{ request: { method: 'DELETE' } }],
    });
  });
});

describe('the same resource', () => {
  const resource = observation({
    subject: { reference: 'Patient/p1' },
    effectiveDateTime: '2020-02-03',
    valueQuantity: { value: 5 },
    note: [{ text: 'secret' }, { text: 'secret' }],
    contained: [{ resourceType: 'Patient', id: 'c', birthDate: '1990-01-01' }],
  });
  const policy = policyOf([
    rule("nodesByType('dateTime')", 'dateShift'),
    rule("nodesByType('date')", 'dateShift'),
    rule('Observation.valueQuantity.value', 'perturb', { span: 4 }),
    rule('Observation.note.text', 'encrypt'),
    redact("Observation.subject.where(display = 'x' or display = 'y')"),
  ]);
  const alone = JSON.stringify(output(resource, policy));

  it.each([
    ['in a Bundle', bundleOf({ search: { mode: 'match' } }, { fullUrl: 'urn:uuid:1', resource })],
    [
      'in a nested Bundle',
      bundleOf({ fullUrl: 'urn:uuid:1', resource: bundleOf({ fullUrl: 'urn:uuid:2', resource }) }),
    ],
    [
      'in Parameters',
      { resourceType: 'Parameters', id: 'x', parameter: [{ name: 'a', part: [{ name: 'b', resource }] }] },
    ],
  ])('has the same bytes %s', (_name, container) => {
    expect(JSON.stringify(output(container, policy))).toContain(alone);
  });

  it('of one without an id in Parameters is the same whatever Bundle they stand in', () => {
    const parameters = {
      resourceType: 'Parameters',
      id: 'x',
      parameter: [{ name: 'a', resource: { resourceType: 'Patient', birthDate: '1990-01-01' } }],
    };
    const inside = output(bundleOf({ fullUrl: `urn:uuid:${uuid}`, resource: parameters }), policy);
    expect(JSON.stringify(inside)).toContain(JSON.stringify(output(parameters, policy)));
  });
});

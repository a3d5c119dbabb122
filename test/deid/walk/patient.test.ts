/** Whose data a resource is: what its dates shift by, and whose words it may not hold. */
import { describe, expect, it } from '@jest/globals';
import { fixedLimits } from '../../../src/limits.ts';
import { bundleOf, dropping, keep, observation, output, patient, policyOf, redact, rule, run } from '../support.ts';
import { guarded } from './guarded.ts';

const uuid = '0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0';
const kowalczyk = (id: string): object => ({ resourceType: 'Patient', id, name: [{ family: 'Kowalczyk' }] });
const lewandowska = { resourceType: 'Patient', id: 'p2', name: [{ family: 'Lewandowska' }] };
const policy = policyOf([redact('Patient.name')]);
const to = (reference: string): object => ({ reference });

describe('a patient in a Bundle whose address is not the id', () => {
  const death = '2020-06-01T10:00:00Z';
  const inBundle = (fullUrl: string, reference: string, id: string | undefined = 'p1'): object =>
    bundleOf(
      { fullUrl, resource: { ...kowalczyk('p1'), id, deceasedDateTime: death } },
      {
        resource: observation({
          code: { coding: [{ code: 'x', display: 'seen Kowalczyk today' }] },
          subject: to(reference),
          effectiveDateTime: '2020-06-01',
          note: [{ text: 'seen Kowalczyk today' }],
        }),
      },
    );
  const names: [string, string][] = [
    [`urn:uuid:${uuid}`, `urn:uuid:${uuid}`],
    [`urn:uuid:${uuid}`, `urn:uuid:${uuid.toUpperCase()}`],
    ['urn:oid:1.2.3', 'urn:oid:1.2.3'],
    ['http://server/fhir/Patient/p1', 'http://server/fhir/Patient/p1/_history/2'],
    ['http://server/fhir/Patient/p1', 'Patient/p1'],
    ['http://server/people/77', 'http://server/people/77'],
  ];

  it.each(['expert', 'safe-harbor'])('is one to the guard under %s', (preset) => {
    for (const urns of ['rename', 'detach'] as const) {
      const strict = policyOf([], { extends: preset, scope: { urns } });
      for (const [fullUrl, reference] of names) {
        const [text = ''] = guarded(strict, inBundle(fullUrl, reference));
        expect([reference, text]).toEqual([reference, expect.not.stringMatching(/kowalczyk/i)]);
        expect(text).toContain('x');
      }
    }
  });

  it('is one to the dates, whatever the packaging', () => {
    const shifting = policyOf([rule("nodesByType('dateTime')", 'dateShift')]);
    const alone = JSON.stringify(output(patient({ deceasedDateTime: death }), shifting));
    const day = /"deceasedDateTime":"([^T]+)/.exec(alone)?.[1];
    expect(day).toBeDefined();
    for (const [fullUrl, reference] of names) {
      const text = JSON.stringify(output(inBundle(fullUrl, reference), shifting));
      expect([reference, text]).toEqual([reference, expect.stringContaining(`"deceasedDateTime":"${day}T`)]);
      expect([reference, text]).toEqual([reference, expect.stringContaining(`"effectiveDateTime":"${day}"`)]);
    }
  });

  it('is still what pointed at it', () => {
    const renaming = policyOf([], { scope: { urns: 'rename' } });
    for (const [fullUrl, reference] of names.slice(0, 4)) {
      const { entry } = output(inBundle(fullUrl, reference), renaming) as any;
      expect(entry[1].resource.subject.reference).toBe(entry[0].fullUrl);
    }
  });

  it('is known by it also in Bundles in the Bundle, and by their own addresses there first', () => {
    const about = (reference: string): object => observation({ subject: to(reference), note: [{ text: 'Kowalczyk' }] });
    const outer = { fullUrl: `urn:uuid:${uuid}`, resource: kowalczyk('p1') };
    const address = `urn:uuid:${uuid}`;
    const [inside = ''] = guarded(policy, bundleOf(outer, { resource: bundleOf({ resource: about(address) }) }));
    expect(inside).not.toContain('Kowalczyk');
    const own = bundleOf({ fullUrl: address, resource: lewandowska }, { resource: about(address) });
    const [hidden = ''] = guarded(policy, bundleOf(outer, { resource: own }));
    expect(hidden).toContain('Kowalczyk');
    const parameters = {
      resourceType: 'Parameters',
      id: 'x',
      contained: [
        { resourceType: 'Bundle', id: 'c', type: 'collection', entry: [outer, { resource: about(address) }] },
      ],
    };
    expect(guarded(policy, parameters)[0]).not.toContain('Kowalczyk');
  });

  it('is no other for an entry that is none', () => {
    const practitioner = { fullUrl: `urn:uuid:${uuid}`, resource: { resourceType: 'Practitioner', id: 'd' } };
    const shifting = policyOf([rule("nodesByType('dateTime')", 'dateShift')]);
    const value = observation({ subject: to(`urn:uuid:${uuid}`), effectiveDateTime: '2020-06-01' });
    const day = (resource: object): string | undefined =>
      /"effectiveDateTime":"([^"]+)"/.exec(JSON.stringify(output(resource, shifting)))?.[1];
    expect(day(bundleOf(practitioner, { resource: value }))).toBe(
      day(observation({ subject: to('Practitioner/d'), effectiveDateTime: '2020-06-01' })),
    );
  });
});

describe('a resource that names patients', () => {
  const seen = [{ coding: [{ code: '1', display: 'seen Kowalczyk and Lewandowska' }] }];
  const [one, two] = [to('Patient/p1'), to('Patient/p2')];
  const several: [string, object][] = [
    [
      'as participants',
      { resourceType: 'Appointment', serviceType: seen, participant: [{ actor: one }, { actor: two }] },
    ],
    ['as targets', { resourceType: 'Provenance', reason: seen, target: [one, two] }],
    ['as members', { resourceType: 'Group', code: seen[0], member: [{ entity: one }, { entity: two }] }],
    ['as subject and focus', { resourceType: 'Observation', code: seen[0], subject: one, focus: [two] }],
    ['by two forms', { resourceType: 'Observation', code: seen[0], subject: to('http://h/Patient/p1'), focus: [two] }],
  ];

  it.each(several)('%s is compared with the words of each', (_name, resource) => {
    const [text = ''] = guarded(policy, { ...resource, id: 'x' }, kowalczyk('p1'), lewandowska);
    expect(text).not.toMatch(/kowalczyk|lewandowska/i);
    expect(text).toContain('seen');
  });

  it.each([
    ['Communication.recipient', { resourceType: 'Communication', recipient: [one] }],
    ['Communication.sender', { resourceType: 'Communication', sender: one }],
    ['List.entry.item', { resourceType: 'List', entry: [{ item: one }] }],
    ['QuestionnaireResponse.source', { resourceType: 'QuestionnaireResponse', source: one }],
    ['Linkage.item.resource', { resourceType: 'Linkage', item: [{ resource: one }] }],
    ['an extension', { resourceType: 'Location', extension: [{ url: 'http://x', valueReference: one }] }],
    ['an attribute of the server’s own', { resourceType: 'Observation', about: { whom: [one] } }],
    ['a contained resource', { resourceType: 'Observation', contained: [{ resourceType: 'Task', for: one }] }],
    ['a parameter', { resourceType: 'Parameters', parameter: [{ name: 'a', valueReference: one }] }],
    ['a resource in Parameters', { resourceType: 'Parameters', parameter: [{ name: 'a', resource: kowalczyk('p1') }] }],
  ])('in %s is compared with the words of that patient', (_name, resource) => {
    const noted = { ...resource, id: 'x', extra: 'seen Kowalczyk' };
    const [text = ''] = guarded(policy, noted, kowalczyk('p1'));
    expect(text).toContain('seen ');
    expect(text).not.toContain('Kowalczyk');
  });

  it.each([
    redact('Observation.focus'),
    redact("nodesByType('Reference').reference"),
    rule("nodesByType('Reference')", 'pseudonymize'),
    rule('Observation.focus', 'substitute', { with: { display: 'x' } }),
    redact("Observation.focus.where(display = 'x' or reference.exists())"),
  ])('and of which a rule takes the reference is compared all the same', (taking) => {
    const taken = policyOf([redact('Patient.name'), taking]);
    const noted = observation({ focus: [one], note: [{ text: 'seen Kowalczyk' }] });
    expect(guarded(taken, noted, kowalczyk('p1'))[0]).not.toContain('Kowalczyk');
  });

  it('under default: drop is compared with those in what is dropped', () => {
    const strict = dropping([keep('Observation.note')]);
    const noted = observation({ focus: [one], about: [{ whom: two }], note: [{ text: 'Kowalczyk, Lewandowska' }] });
    expect(guarded(strict, noted, kowalczyk('p1'), lewandowska)[0]).not.toMatch(/Kowalczyk|Lewandowska/);
  });

  it('gives each of them the words that are removed from it', () => {
    const taking = policyOf([redact("nodesByType('Reference').display")]);
    const appointment = {
      resourceType: 'Appointment',
      id: 'a',
      participant: [{ actor: { ...one, display: 'Jan Kowalczyk' } }, { actor: two }],
    };
    const notes = ['p1', 'p2', 'p3'].map((id) =>
      observation({ subject: to(`Patient/${id}`), note: [{ text: 'Kowalczyk' }] }),
    );
    const masked = guarded(taking, appointment, ...notes).slice(1);
    expect(masked.map((text) => text.includes('Kowalczyk'))).toEqual([false, false, true]);
  });

  it('has the same traces whatever order its keys and references come in', () => {
    const traces = (focus: object[]): unknown =>
      run(observation({ subject: one, focus }), policy).traces.map((trace) => trace.patient);
    expect(traces([two, to('Patient/p3')])).toEqual(traces([to('Patient/p3'), two, one]));
    expect(traces([])).toHaveLength(1);
  });

  it('shifts its dates by its owner, whoever else it names', () => {
    const shifting = policyOf([rule("nodesByType('dateTime')", 'dateShift')]);
    const day = (more: object): unknown =>
      (output(observation({ subject: one, effectiveDateTime: '2020-06-01', ...more }), shifting) as any)
        .effectiveDateTime;
    expect(day({ focus: [two] })).toBe(day({}));
  });
});

describe('a resource that names very many patients', () => {
  const max = fixedLimits.guardPatientsPerResourceMax;
  const group = (count: number, more: object = {}): object => ({
    resourceType: 'Group',
    id: 'g',
    type: 'person',
    actual: true,
    name: 'Friends of Zephyrine',
    member: Array.from({ length: count }, (_, index) => ({ entity: to(`Patient/m${String(index)}`) })),
    ...more,
  });

  it('keeps its text up to the limit, and beyond it loses the text and nothing else', () => {
    const [few = '', many = ''] = [group(max), group(max + 1)].map((one) => guarded(policy, one)[0]);
    expect(few).toContain('Friends of Zephyrine');
    expect(many).not.toMatch(/Friends|Zephyrine/);
    expect(JSON.parse(many)).toMatchObject({ type: 'person', actual: true, member: { length: max + 1 } });
    expect(many).toContain('"code":"MASKED"');
  });

  it('is withheld where the policy withholds, unless there is no text', () => {
    const withholding = policyOf([redact('Patient.name')], { leakGuard: 'withhold' });
    expect(run(group(max + 1), withholding)).toMatchObject({ kind: 'withheld', reason: 'leak-guard' });
    expect(run(group(max), withholding).kind).toBe('resource');
    const off = policyOf([redact('Patient.name')], { leakGuard: 'off' });
    expect(JSON.stringify(output(group(max + 1), off))).toContain('Zephyrine');
    const { name: _name, ...plain } = group(max + 1) as { name: string };
    expect(run(plain, withholding).kind).toBe('resource');
  });

  it('leaves the other entries of its Bundle alone, and has one trace of its own', () => {
    const other = observation({ note: [{ text: 'Zephyrine' }] });
    const bundle = bundleOf({ resource: group(max + 1) }, { resource: other });
    const result = run(bundle, policy);
    expect(result.traces.map(({ resource }) => resource.split('/')[0])).toEqual(['Bundle', 'Group', 'Observation']);
    const text = guarded(policy, bundle)[0] ?? '';
    expect(text).toContain('"text":"Zephyrine"');
    expect(text).not.toContain('Friends');
  });

  it('is the same however its references stand', () => {
    const reversed = group(max + 1) as { member: object[] };
    const turned = { ...reversed, member: reversed.member.toReversed() };
    const [one, other] = [reversed, turned].map((value) => run(value, policy).traces.map(({ patient: of }) => of));
    expect(one).toEqual(other);
  });
});

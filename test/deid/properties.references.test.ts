/** Graphs of resources: what pointed at each other still does, and a patient's days keep their order. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { detachedSystem } from '../../src/deid/engine.ts';
import { pseudonymForm } from '../../src/deid/pseudonym.ts';
import { bundleOf, observation, output, policyOf, rest, rule, run } from './support.ts';
import { seed } from '../seed.ts';

const settings = { numRuns: 300, seed };

const uuids = [
  '0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0',
  '1c3151bd-1cbf-4d64-b04d-cd9187a4c6e1',
  '2C3151BD-1CBF-4D64-B04D-CD9187A4C6E2',
];
const renaming = policyOf([], { scope: { urns: 'rename' } });
const detaching = policyOf([]);

describe('references', () => {
  it('in a transaction by urns point at the entry that they pointed at, and at nothing else', () => {
    const graph = fc.record({
      size: fc.integer({ min: 1, max: 3 }),
      edges: fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { maxLength: 6 }),
      ids: fc.boolean(),
      policy: fc.constantFrom(renaming, detaching),
    });
    fc.assert(
      fc.property(graph, ({ size, edges, ids, policy }) => {
        const entry = uuids.slice(0, size).map((uuid, index) => ({
          fullUrl: `urn:uuid:${uuid}`,
          resource: {
            resourceType: 'Observation',
            ...(ids ? { id: uuid } : {}),
            focus: edges
              .filter(([from, to]) => from === index && to < size)
              .map(([, to]) => ({ reference: `urn:uuid:${uuids[to] ?? ''}` })),
          },
          request: { method: 'POST', url: 'Observation' },
        }));
        const written = rest({ resourceType: 'Bundle', type: 'transaction', entry }, policy).entry as {
          fullUrl: string;
          resource: { focus?: { reference: string }[] };
        }[];
        const urls = written.map(({ fullUrl }) => fullUrl);
        expect(new Set(urls).size).toBe(size);
        for (const [index, { resource }] of written.entries()) {
          const targets = (resource.focus ?? []).map(({ reference }) => urls.indexOf(reference));
          expect(targets).toEqual(edges.filter(([from, to]) => from === index && to < size).map(([, to]) => to));
        }
        expect(uuids.some((uuid) => JSON.stringify(written).toLowerCase().includes(uuid.toLowerCase()))).toBe(false);
      }),
      settings,
    );
  });

  it('by type and id point at the output of what they pointed at, whatever packs them', () => {
    const ids = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(ids, fc.array(fc.nat(3), { maxLength: 5 }), fc.boolean(), (all, to, isBundled) => {
        const resources = all.map((id) =>
          observation({
            id,
            focus: to.filter((at) => at < all.length).map((at) => ({ reference: `Observation/${all[at] ?? ''}` })),
          }),
        );
        const written: any[] = isBundled
          ? rest(bundleOf(...resources.map((resource) => ({ resource }))), renaming).entry.map(
              ({ resource }: any) => resource,
            )
          : resources.map((resource) => output(resource, renaming));
        const known = written.map(({ id }) => `Observation/${String(id)}`);
        expect(new Set(known).size).toBe(all.length);
        for (const { focus = [] } of written) {
          expect(focus.map(({ reference }: any) => known.indexOf(reference))).toEqual(
            to.filter((at) => at < all.length),
          );
        }
      }),
      settings,
    );
  });

  it('among contained resources stay among them', () => {
    const graph = fc.record({
      ids: fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { minLength: 1, maxLength: 3 }),
      to: fc.array(fc.nat(3), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(graph, ({ ids, to }) => {
        const focus = to.map((at) => ({ reference: `#${ids[at] ?? 'nothing'}` }));
        const source = observation({
          contained: ids.map((id) => ({ resourceType: 'Device', id, parent: { reference: `#${ids[0] ?? ''}` } })),
          focus,
        });
        const written = rest(source, renaming);
        const local: string[] = written.contained.map(({ id }: any) => `#${String(id)}`);
        for (const { parent } of written.contained) expect(parent.reference).toBe(local[0]);
        for (const [index, at] of to.entries()) {
          const one = written.focus[index];
          if (at < ids.length) expect(one).toEqual({ reference: local[at] });
          else
            expect(one).toEqual({
              identifier: { system: detachedSystem, value: expect.stringMatching(pseudonymForm) },
            });
        }
      }),
      settings,
    );
  });

  it('of any text tell equal targets alike and unlike ones apart, and no text of them stands', () => {
    const targets = fc.uniqueArray(
      fc.oneof(
        fc.stringMatching(/^(Patient|Observation|Practitioner)\/[A-Za-z0-9.-]{1,20}$/),
        fc.webUrl(),
        fc.string({ minLength: 4, unit: 'binary' }),
      ),
      { minLength: 2, maxLength: 6 },
    );
    fc.assert(
      fc.property(targets, (all) => {
        const focus = [...all, ...all].map((reference) => ({ reference }));
        const result = run(observation({ focus }), policyOf([]));
        if (result.kind !== 'resource') throw new Error(result.reason);
        const written = (result.resource.focus as object[]).map((one) => JSON.stringify(one));
        expect(written.slice(0, all.length)).toEqual(written.slice(all.length));
        const local = all.filter((text) => text.startsWith('#'));
        expect(new Set(written).size).toBe(all.length - Math.max(0, local.length - new Set(local).size));
        const texts = (result.resource.focus as any[]).flatMap(({ reference, identifier }) =>
          [reference, identifier?.value].filter(Boolean),
        );
        expect(texts.filter((text: string) => all.includes(text))).toEqual([]);
      }),
      settings,
    );
  });
});

describe('shifted dates', () => {
  const shifting = policyOf(
    ["nodesByType('date')", "nodesByType('dateTime')", "nodesByType('instant')"].map((path) => rule(path, 'dateShift')),
  );
  const day = fc
    .date({ min: new Date('1950-01-01'), max: new Date('2025-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10));
  const dayOf = (text: string): number => Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 86_400_000;

  it('keep one patient’s order and intervals over resources, batches and packaging', () => {
    const forms = fc.constantFrom(
      (id: string) => `Patient/${id}`,
      (id: string) => `Patient/${id}/_history/2`,
      (id: string) => `https://h/fhir/Patient/${id}`,
      (id: string) => `urn:uuid:${id}`,
    );
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.array(fc.tuple(day, forms, fc.constantFrom('alone', 'bundle', 'nested')), { minLength: 2, maxLength: 6 }),
        (id, events) => {
          const moved = events.map(([on, form, how], index) => {
            const one = observation({
              id: `o${String(index)}`,
              subject: { reference: form(id) },
              effectiveDateTime: on,
              issued: `${on}T01:02:03Z`,
            });
            const outer =
              how === 'alone'
                ? one
                : how === 'bundle'
                  ? bundleOf({ resource: one })
                  : bundleOf({ resource: bundleOf({ resource: one }) });
            const written = rest(outer, shifting);
            const inner =
              how === 'alone'
                ? written
                : how === 'bundle'
                  ? written.entry[0].resource
                  : written.entry[0].resource.entry[0].resource;
            expect(dayOf(inner.issued)).toBe(dayOf(inner.effectiveDateTime));
            return dayOf(inner.effectiveDateTime) - dayOf(on);
          });
          const [first = 0] = moved;
          expect(new Set(moved).size).toBe(1);
          expect(first !== 0 && Math.abs(first) <= 50).toBe(true);
        },
      ),
      settings,
    );
  });
});

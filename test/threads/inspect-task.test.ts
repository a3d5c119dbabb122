import { describe, expect, it } from '@jest/globals';

import { hubOrigin, tagSystems } from '../../src/deid/engine.ts';
import { inspectLines } from '../../src/threads/inspect-task.ts';
import { deleteLine, putLine } from '../../src/threads/lines.ts';
import type { InspectOutcome, Ruleset } from '../../src/threads/task.ts';

const ruleset: Ruleset = {
  id: 'down of north',
  direction: 'down',
  policy: { apiVersion: 'fhir-sluice/v1', default: 'keep' },
  plugins: [],
  guards: false,
  scope: {
    instance: 'north',
    upTypes: new Set(['Patient']),
    downTypes: new Set(['Organization', 'Location']),
    urns: 'detach',
  },
  pseudonymKeyVersion: 1,
  pseudonymKey: new Uint8Array(32),
  olderKeys: new Map(),
  hashKeyVersion: 1,
};

const meta = { tag: [{ system: tagSystems.origin, code: hubOrigin }] };
const organization = (id: string, more: object = {}): string =>
  putLine(JSON.stringify({ resourceType: 'Organization', id, ...more, meta }));

const inspect = (...lines: string[]): Promise<InspectOutcome> =>
  inspectLines({ kind: 'inspect', ruleset, type: 'Organization', lines: Buffer.from(lines.join('')) });

describe('inspecting what is about to be committed', () => {
  it('names each resource, what it needs of this direction, and where its JSON lies', async () => {
    const partOf = { reference: 'Organization/b' };
    const extension = [
      { url: 'x', valueReference: { reference: 'Location/l' } },
      { url: 'y', valueReference: partOf },
    ];
    const text = organization('a', { partOf, extension });
    const { items, refused } = await inspect(text, deleteLine('gone'));
    expect(refused).toEqual([]);
    expect(items).toMatchObject([
      { kind: 'put', key: 'Organization/a', needs: expect.arrayContaining(['Organization/b', 'Location/l']) },
      { kind: 'delete', key: 'Organization/gone' },
    ]);
    const [first] = items;
    if (first?.kind !== 'put') throw new Error('no put');
    expect(first.needs).toHaveLength(2);
    expect(JSON.parse(text.slice(first.start, first.end))).toMatchObject({ id: 'a' });
    expect(`${text.slice(first.line.start, first.line.end)}\n`).toBe(text);
  });

  it('needs neither itself nor what is contained', async () => {
    const partOf = { reference: 'Organization/a' };
    const contained = [{ resourceType: 'Location', id: 'l' }];
    const { items } = await inspect(organization('a', { partOf, contained, endpoint: [{ reference: '#l' }] }));
    expect(items).toMatchObject([{ kind: 'put', needs: [] }]);
  });

  it('gives equal content equal digests, and other content others', async () => {
    const { items } = await inspect(organization('a'), organization('a'), organization('a', { name: 'x' }));
    const digests = items.map((item) => (item.kind === 'put' ? item.digest : ''));
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
  });

  it('refuses what the output check refuses, and what is of another type', async () => {
    const untagged = putLine(JSON.stringify({ resourceType: 'Organization', id: 'a' }));
    const other = putLine(JSON.stringify({ resourceType: 'Location', id: 'b', meta }));
    const { items, refused } = await inspect(untagged, other, organization('c'));
    expect(refused).toMatchObject([
      { key: 'Organization/a', reason: 'output-check' },
      { key: 'Organization/b', reason: 'output-check' },
    ]);
    expect(items).toMatchObject([{ key: 'Organization/c' }]);
  });
});

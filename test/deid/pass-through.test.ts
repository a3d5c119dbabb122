import { describe, expect, it } from '@jest/globals';
import { checkDown } from '../../src/deid/check/check-down.ts';
import { detachedSystem, tagSystems } from '../../src/deid/engine.ts';
import { passDown } from '../../src/deid/pass-through.ts';
import { scope } from './support.ts';

const organization = {
  name: 'General',
  partOf: { reference: 'Organization/top/_history/2' },
  endpoint: [{ reference: 'Endpoint/e' }, { reference: 'http://h/Location/l' }, { reference: '#c' }],
  contained: [{ resourceType: 'Location', id: 'c', meta: { versionId: '1' } }],
  meta: { versionId: '4', lastUpdated: '2026', source: 'x', tag: [{ system: tagSystems.origin, code: 'north' }] },
  id: 'o',
  resourceType: 'Organization',
};

describe('on the way down', () => {
  const result = passDown(organization, scope);
  const resource = result.kind === 'resource' ? result.resource : undefined;

  it('ids stay, server-set meta goes, references without a target are detached', () => {
    expect(JSON.stringify(resource)).toBe(
      JSON.stringify({
        resourceType: 'Organization',
        id: 'o',
        meta: { tag: [{ system: tagSystems.origin, code: 'hub' }] },
        contained: [{ resourceType: 'Location', id: 'c' }],
        endpoint: [
          { type: 'Endpoint', identifier: { system: detachedSystem, value: 'e' } },
          { type: 'Location', identifier: { system: detachedSystem, value: 'http://h/Location/l' } },
          { reference: '#c' },
        ],
        name: 'General',
        partOf: { reference: 'Organization/top' },
      }),
    );
    expect(result.report.referencesDetached).toBe(2);
    expect(checkDown(resource, scope)).toEqual({ ok: true });
  });

  it.each([
    [{ resourceType: 'Patient', id: 'a' }, 'policy-drops-type'],
    [{ resourceType: 'Organization' }, 'not-a-resource'],
    [null, 'not-a-resource'],
    [JSON.parse('{"resourceType":"Organization","id":"o","x":{"__proto__":1}}'), 'forbidden-key'],
    [JSON.parse(`{"resourceType":"Organization","id":"o","x":${'['.repeat(9999)}${']'.repeat(9999)}}`), 'too-deep'],
  ])('withholds what may not or cannot go: case %#', (value: unknown, reason) => {
    expect(passDown(value, scope)).toMatchObject({ kind: 'withheld', reason });
  });

  it.each([
    [{ meta: {} }, 'tags'],
    [{ meta: { ...(resource?.meta as object), versionId: '1' } }, 'server-meta'],
    [{ partOf: { reference: 'Patient/a' } }, 'reference-form'],
    [{ partOf: { reference: 'http://h/Organization/a' } }, 'reference-form'],
    [{ resourceType: 'Patient' }, 'type-not-down'],
    [{ id: 'a b' }, 'not-a-resource'],
  ])('the check refuses %j', (change, reason) => {
    expect(checkDown({ ...resource, ...change }, scope)).toEqual({ ok: false, reason });
  });
});

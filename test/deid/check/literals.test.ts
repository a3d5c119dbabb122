/** Texts that name a resource of the source: what the check finds where the engine should have rewritten it. */
import { describe, expect, it } from '@jest/globals';
import { checkOutput } from '../../../src/deid/check/output-check.ts';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import { observation, policyOf } from '../support.ts';
import { plant, staged, verdictOn } from './support.ts';

const policy = policyOf([]);
const id = '9f8b7c6d-1111-4222-8333-123456789abc';
const source = { ...observation({ status: 'final', code: { coding: [{ code: 'x' }] }, note: [{ text: 'y' }] }), id };
const planted = (path: string, value: unknown, under: CompiledPolicy = policy): string =>
  verdictOn(plant(staged(source, under), path, value), under);

describe('a literal within a longer text', () => {
  it.each([`see Patient/${id} too`, 'see Encounter/e-1.', `(Group/${id})`, 'http://x.example/Patient/p1/photo'])(
    'is refused in %j',
    (text) => {
      expect(planted('note.0.text', text)).toBe('hidden-reference');
    },
  );

  it.each(['Patient/family education', 'Group/2 a week', 'http://terminology.hl7.org/CodeSystem/v3-ActCode', 'a/b1'])(
    'is none in %j',
    (text) => {
      expect(planted('note.0.text', text)).toBe('ok');
    },
  );
});

describe('the id that the resource had at the source', () => {
  it.each([
    ['note.0.text', `see ${id}.`],
    ['note.0.text', id.toUpperCase()],
    ['note.0.text', `x${id}y`],
    ['code.coding.0.code', id],
    ['code.coding.0.system', `urn:uuid:${id}`],
  ])('is refused at %s: %j', (path, value) => {
    expect(planted(path, value)).toBe('hidden-reference');
  });

  it('is told from the id of another resource, and from what only looks like one', () => {
    expect(planted('note.0.text', '00000000-1111-4222-8333-123456789abc')).toBe('ok');
  });

  it('is not looked for where the policy has no leak guard, or the key is not at hand', () => {
    expect(planted('note.0.text', id, policyOf([], { leakGuard: 'off' }))).toBe('ok');
    const held = plant(staged(source, policy), 'note.0.text', id);
    expect(checkOutput(held, policy).ok).toBe(true);
  });
});

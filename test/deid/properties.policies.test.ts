/** Policies compared: what is stricter removes at least as much, and what is compiled twice does the same. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import type { Json, Resource } from '../../src/fhir/resource.ts';
import { compiled, drawn, resource, rulePaths } from './policy/arbitrary.ts';
import type { Drawn } from './policy/arbitrary.ts';
import { resourceOf } from './r4/arbitrary.ts';
import { output, policyOf, run } from './support.ts';
import { seed } from '../seed.ts';

fc.configureGlobal({ numRuns: 300, seed });

/** Of a result what is written. */
const bytesOf = (value: unknown, policy: CompiledPolicy): string => {
  const result = run(value, policy);
  return result.kind === 'resource' ? JSON.stringify(result.resource) : result.reason;
};

describe('a policy that loosens nothing', () => {
  /** Leaves by their place, indexes and fillers left out. */
  function leaves(value: Json, place: string, into: Map<string, number>): Map<string, number> {
    if (Array.isArray(value)) {
      for (const member of value) leaves(member, place, into);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) leaves(member, `${place}.${key}`, into);
    } else if (value !== 'masked' && !String(value).includes('data-absent-reason')) {
      const name = `${place}=${JSON.stringify(value)}`;
      into.set(name, (into.get(name) ?? 0) + 1);
    }
    return into;
  }
  const leavesOf = (input: Resource, policy: CompiledPolicy): Map<string, number> | undefined => {
    const result = run(input, policy);
    if (result.kind === 'withheld') return undefined;
    const { meta: _, ...members } = result.resource;
    return leaves(members, '', new Map<string, number>());
  };
  const stricter: fc.Arbitrary<(policy: Drawn) => Drawn> = fc.oneof(
    fc
      .constantFrom(...rulePaths)
      .map((path) => (policy: Drawn): Drawn => ({ ...policy, rules: [{ path, method: 'redact' }, ...policy.rules] })),
    fc.constant((policy: Drawn): Drawn => ({ ...policy, default: 'drop' })),
    fc.constant((policy: Drawn): Drawn => ({ ...policy, extensions: 'drop' })),
    fc.nat({ max: 4 }).map((at) => (policy: Drawn): Drawn => ({
      ...policy,
      rules: policy.rules.flatMap((one, index) =>
        index === at && (one as { method: string }).method === 'keep' ? [] : [one],
      ),
    })),
  );

  /** A reference that is detached has a type and identifier of ours in place of the source's: it is given none. */
  const bare = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(bare);
    if (typeof value !== 'object' || value === null) return value;
    const isReplaced = (key: string): boolean =>
      typeof value.reference === 'string' && /^(?:identifier|type)$/.test(key);
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, member]) => (isReplaced(key) ? [] : [[key, bare(member)]])),
    );
  };

  it('removes at least as much', () => {
    fc.assert(
      fc.property(resource, drawn, stricter, (drawnInput, policy, change) => {
        const input = bare(drawnInput) as Resource;
        // Keep and redact alone: where a method decides instead of another, both pass and differ. Unknown extensions that
        // pass become known by a rule, and then go but for what it names: a keep rule less may then let more pass.
        const base: Drawn = {
          default: policy.default,
          extensions: 'drop',
          rules: policy.rules.filter((one) => ['keep', 'redact'].includes((one as { method: string }).method)),
        };
        const changed = change(base);
        // A keep rule that goes may uncover one below it: under default: keep that is no stricter policy.
        if (base.default === 'keep' && changed.rules.length < base.rules.length) return;
        const loose = leavesOf(input, compiled(base));
        const strict = leavesOf(input, compiled(changed));
        if (loose === undefined || strict === undefined) return;
        const more = [...strict].filter(([leaf, count]) => (loose.get(leaf) ?? 0) < count);
        expect(more).toEqual([]);
      }),
    );
  });

  it('is stable: an output has nothing left that a second compile of the same policy would remove', () => {
    fc.assert(
      fc.property(resource, drawn, (input, policy) => {
        const first = compiled(policy);
        expect(bytesOf(input, compiled(policy))).toBe(bytesOf(input, first));
        const second = policyOf(first.document.rules, {
          default: first.document.default,
          extensions: first.document.extensions,
          modifierExtensions: first.document.modifierExtensions,
          scope: { urns: 'rename' },
        });
        expect(second.digest).toBe(first.digest);
        expect(bytesOf(input, second)).toBe(bytesOf(input, first));
      }),
    );
  });

  it('lets everything pass where it removes nothing, but for references and ids', () => {
    const open = policyOf([]);
    fc.assert(
      fc.property(resourceOf('Patient', 'Observation'), (input) => {
        const { meta: _, id: _id, ...members } = output(input, open);
        const before = leaves(
          JSON.parse(JSON.stringify({ ...input, id: undefined })) as Json,
          '',
          new Map<string, number>(),
        );
        const after = leaves(members, '', new Map<string, number>());
        const kept = [...before].filter(([leaf]) => !/reference|\.(?:identifier|type)\b|Patient\/a/.test(leaf));
        expect(kept.filter(([leaf, count]) => (after.get(leaf) ?? 0) < count)).toEqual([]);
      }),
    );
  });
});

/** No false alarms: what the engine makes of random resources under random policies is accepted. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import { compilePolicy } from '../../../src/deid/compile.ts';
import type { ReferenceScope } from '../../../src/deid/engine.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { run, scope } from '../support.ts';
import { policy, resourceOf } from './arbitrary.ts';
import type { Strangeness } from './arbitrary.ts';
import { verdictOn } from './support.ts';

/** Compiles what `readPolicy` accepts of a document: rules that it refuses are left out. */
function compiled(document: Record<string, unknown>, urns: ReferenceScope['urns']): CompiledPolicy | undefined {
  let rules = document.rules as object[];
  for (;;) {
    const reading = readPolicy(JSON.parse(JSON.stringify({ apiVersion: 'fhir-sluice/v1', ...document, rules })));
    if (reading.ok) return compilePolicy(reading.policy, { ...scope, urns });
    const refused = new Set(reading.problems.map(({ path }) => Number(/rules\[(\d+)\]/.exec(path)?.[1])));
    const left = rules.filter((_rule, index) => !refused.has(index));
    if (left.length === rules.length) return undefined;
    rules = left;
  }
}

const urns: Arbitrary<ReferenceScope['urns']> = fc.constantFrom('detach', 'rename');

function accepts(strange: Strangeness, policies: Arbitrary<Record<string, unknown>>, numRuns: number): void {
  let passed = 0;
  fc.assert(
    fc.property(resourceOf(strange), policies, urns, (resource, document, how) => {
      const under = compiled(document, how);
      const result = under === undefined ? undefined : run(resource, under);
      if (under === undefined || result?.kind !== 'resource') return;
      passed++;
      expect(verdictOn(JSON.parse(JSON.stringify(result.resource)), under)).toBe('ok');
    }),
    { numRuns },
  );
  expect(passed).toBeGreaterThan(numRuns / 2);
}

type Rule = { readonly path: string; readonly method: string };

/** Policies without some of their rules. */
const without = (leaves: (rule: Rule) => boolean, more: object = {}): Arbitrary<Record<string, unknown>> =>
  policy.map((document) => ({
    ...document,
    ...more,
    rules: (document.rules as Rule[]).filter((rule) => !leaves(rule)),
  }));

/** Lets pass by general FHIRPath, which the engine takes for a leave to pass extensions and contained resources, too. */
const keepsByGeneralPath = ({ path, method }: Rule): boolean =>
  method !== 'redact' && / or |first\(|exists\(|descendants/.test(path);
/** Leaves a literal `Type/id` of the source in a text. */
const masks = ({ method }: Rule): boolean => method === 'mask';
/** Opens a part of an extension, past an earlier rule that searches everywhere. */
const namesParts = ({ path }: Rule): boolean => /xtension.*value$/.test(path);
/** General FHIRPath on codings, which passes by those of `meta`. */
const asksCodings = ({ path }: Rule): boolean => /'Coding'.* or /.test(path);
/** Takes ids of elements, of which the engine then lets pass those that an earlier rule's parent holds. */
const takesIds = ({ path }: Rule): boolean => /'(?:id|string)'/.test(path);
const isOdd = (rule: Rule): boolean => keepsByGeneralPath(rule) || masks(rule) || asksCodings(rule);

describe('outputs of random policies are accepted', () => {
  const plain = { attributes: false, extensions: false, ids: false };

  it('for resources after R4, in Bundles and contained', () => {
    accepts(plain, without(isOdd), 800);
  });

  it('for resources with extensions anywhere, under policies that keep them', () => {
    accepts(
      { ...plain, extensions: true },
      without((rule) => isOdd(rule) || namesParts(rule), { extensions: 'keep' }),
      700,
    );
  });

  it('for resources with attributes that R4 does not have, under policies that keep those', () => {
    accepts({ ...plain, attributes: true }, without(isOdd, { default: 'keep' }), 400);
  });

  it('for resources with ids of elements', () => {
    accepts(
      { ...plain, ids: true },
      without((rule) => isOdd(rule) || takesIds(rule)),
      500,
    );
  });
});

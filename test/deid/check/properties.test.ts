/** No false alarms: what the engine makes of random resources under random policies is accepted. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import { compilePolicy } from '../../../src/deid/compile.ts';
import type { ReferenceScope } from '../../../src/deid/engine.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { run, scope } from '../support.ts';
import { policy } from './arbitrary-policy.ts';
import { resourceOf } from './arbitrary.ts';
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
      const by = compiled(document, how);
      const result = by === undefined ? undefined : run(resource, by);
      if (by === undefined || result?.kind !== 'resource') return;
      passed++;
      expect(verdictOn(JSON.parse(JSON.stringify(result.resource)), by)).toBe('ok');
    }),
    { numRuns },
  );
  expect(passed).toBeGreaterThan(numRuns / 2);
}

/** Policies of these settings. */
const under = (settings: object): Arbitrary<Record<string, unknown>> =>
  policy.map((document) => ({ ...document, ...settings }));

describe('outputs of random policies are accepted', () => {
  const plain = { attributes: false, extensions: false, ids: false };

  it('for resources after R4, in Bundles and contained', () => {
    accepts(plain, under({}), 700);
  });

  it('for resources with extensions anywhere, under policies that keep all', () => {
    accepts({ ...plain, extensions: true }, under({ default: 'keep', extensions: 'keep' }), 350);
  });

  it('for resources with extensions anywhere, under policies that keep nothing else', () => {
    accepts({ ...plain, extensions: true }, under({ default: 'drop', extensions: 'keep' }), 350);
  });

  it('for resources with extensions anywhere, under policies that drop them', () => {
    accepts({ ...plain, extensions: true }, under({ extensions: 'drop' }), 350);
  });

  it('for resources with HL7’s word for "nothing" anywhere, under policies that withhold for extensions', () => {
    const withholding = under({ extensions: 'withhold', modifierExtensions: 'withhold' });
    accepts({ ...plain, extensions: 'nothing' }, withholding, 350);
  });

  it('for resources with attributes that R4 does not have, under policies that keep those', () => {
    accepts({ ...plain, attributes: true }, under({ default: 'keep' }), 300);
  });

  it('for resources with attributes that R4 does not have, under policies that drop those', () => {
    accepts({ ...plain, attributes: true }, under({ default: 'drop' }), 300);
  });

  it('for resources with ids of elements, under policies that keep those', () => {
    accepts({ ...plain, ids: true }, under({ default: 'keep' }), 300);
  });

  it('for resources with ids of elements, under policies that drop those', () => {
    accepts({ ...plain, ids: true }, under({ default: 'drop' }), 300);
  });
});

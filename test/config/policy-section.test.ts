import { describe, expect, it } from '@jest/globals';

import { compiledPolicyOf } from '../../src/assemble.ts';
import { generateKeyLine } from '../../src/crypto/key-text.ts';
import { presetNames } from '../../src/deid/policy/document.ts';
import { sluiceYaml, withSite } from './site.ts';

const plugin = (name: string, version = '1'): string =>
  `export default { name: '${name}', version: '${version}', types: ['string'], apply: (value) => String(value).slice(0, 1) };`;

const policyFile = (...lines: string[]): string => ['apiVersion: fhir-sluice/v1', 'default: keep', ...lines].join('\n');

const withInitials = policyFile(
  'rules:',
  '  - { path: Patient.name.family, method: plugin, params: { name: initials } }',
);

const policy = (plugins: string): string =>
  sluiceYaml({ policy: `policy: { file: policy.yaml, plugins: ${plugins} }` });

describe('the policy of a configuration', () => {
  it('may be any preset', async () => {
    await withSite(async ({ load }) => {
      for (const preset of presetNames) {
        const config = await load(sluiceYaml({ policy: `policy: { preset: ${preset} }` }));
        expect(config.policy.extends).toBe(preset);
        expect(config.plugins).toEqual([]);
        expect((await compiledPolicyOf(config)).digest).toMatch(/^[0-9a-f]{64}$/);
      }
    });
  });

  it('has plug-ins of its own, whose versions its digest holds', async () => {
    await withSite(async ({ load, write, folder }) => {
      await write('policy.yaml', withInitials);
      const digests: string[] = [];
      for (const version of ['1', '2']) {
        await write(`initials-${version}.mjs`, plugin('initials', version));
        const config = await load(policy(`{ initials: initials-${version}.mjs }`));
        expect(config.plugins).toEqual([{ name: 'initials', moduleUrl: `file://${folder}/initials-${version}.mjs` }]);
        digests.push((await compiledPolicyOf(config)).digest);
      }
      expect(digests[0]).not.toBe(digests[1]);
    });
  });

  it('that is wrong is refused even where all else is right', async () => {
    await withSite(async ({ refusal, write }) => {
      await write('policy.yaml', policyFile('rules:', '  - { path: Patient.name, method: blur }'));
      expect(await refusal(sluiceYaml({ policy: 'policy: { file: policy.yaml }' }))).toContain(
        'policy.file → policy.yaml: rules[0].method (line 4): found "blur"; expected ',
      );
    });
  });

  it('tells what is wrong with its plug-ins, each at its place', async () => {
    await withSite(async ({ refusal, write }) => {
      await write('policy.yaml', withInitials);
      await write('other.mjs', plugin('other'));
      await write('function.mjs', 'export default (value) => value;');
      await write('broken.mjs', 'export default {');
      await write('throws.mjs', "throw new Error('canary');");
      await write('nameless.mjs', "export default { version: '1', types: [], apply: () => undefined };");
      const message = await refusal(
        policy('{ a: absent.mjs, b: other.mjs, c: function.mjs, d: broken.mjs, e: throws.mjs, f: nameless.mjs }'),
      );
      expect(message).toContain('policy.plugins.a (line 14): found absent.mjs, which cannot be read');
      expect(message).toContain(
        'policy.plugins.b (line 14): found a plug-in of another name; expected one whose name is b',
      );
      expect(message).toContain('policy.plugins.c (line 14): found a module whose default export is no plug-in');
      expect(message).toContain('policy.plugins.d (line 14): found a module that cannot be loaded');
      expect(message).toContain('policy.plugins.e (line 14): found a module that cannot be loaded');
      expect(message).toContain('policy.plugins.f (line 14): found a module whose default export is no plug-in');
      expect(message).toContain(
        'policy.file → policy.yaml: rules[0].params.name (line 4): found a plug-in that is not configured; expected a name from policy.plugins (a, b, c, d, e, f)',
      );
      expect(message).not.toContain('canary');
    });
  });

  it('whose rule names a plug-in is refused without it, once where its module is the mistake', async () => {
    await withSite(async ({ refusal, write }) => {
      await write('policy.yaml', withInitials);
      expect(await refusal(sluiceYaml({ policy: 'policy: { file: policy.yaml }' }))).toContain(
        'rules[0].params.name (line 4): found a plug-in that is not configured; expected a name from policy.plugins',
      );
      expect(await refusal(policy('{ initials: absent.mjs }'))).toContain(': 1 mistake, ');
    });
  });

  it('may hold a purpose at a version of the pseudonym key that the keyring has', async () => {
    await withSite(async ({ load, refusal, write }) => {
      await write('pseudonym.key', [generateKeyLine(1), generateKeyLine(3)].join('\n'));
      const file = sluiceYaml({ policy: 'policy: { file: policy.yaml }' });
      await write('policy.yaml', policyFile('keys: { pseudonym: 1, dateShift: 3 }'));
      expect((await load(file)).policy.keys).toEqual({ pseudonym: 1, dateShift: 3 });
      await write('policy.yaml', policyFile('keys:', '  pseudonym: 1', '  encrypt: 2'));
      expect(await refusal(file)).toContain(
        'policy.file → policy.yaml: keys.encrypt (line 5): found version 2, which keys.pseudonym does not hold; expected one of 1, 3',
      );
    });
  });
});

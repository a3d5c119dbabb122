/** Rules that let whole types pass, however they are written, and rules that a dropped type makes idle. */
import { describe, expect, it } from '@jest/globals';

import { broadKeeps, idleRules } from '../../../src/deid/policy/breadth.ts';
import { dropping, keep, policyOf, redact, rule } from '../support.ts';

describe('a rule that keeps everything of a type', () => {
  it.each(['Resource', 'DomainResource', 'Patient', "Patient.where(gender = 'male')", 'Patient.first()'])(
    'is told: %s',
    (path) => {
      expect(broadKeeps(dropping([keep(path)]))).toEqual({ wholes: [path], unbounded: [] });
    },
  );

  it.each(['DomainResource.descendants()', 'Patient.children()', 'Patient.name | Patient.address'])(
    'or may: %s',
    (path) => {
      expect(broadKeeps(dropping([keep(path)]))).toEqual({ wholes: [], unbounded: [path] });
    },
  );

  it.each([
    [[keep('Patient.name'), keep("nodesByType('code')"), keep('Patient.name.first()')]],
    [[redact('Patient.descendants()'), rule('Patient', 'dropResource')]],
  ])('is none of these: %j', (rules) => {
    expect(broadKeeps(dropping(rules))).toEqual({ wholes: [], unbounded: [] });
  });

  it('is none of the presets’', () => {
    for (const preset of ['safe-harbor', 'limited-dataset', 'expert', 'aidbox-default']) {
      expect(broadKeeps(policyOf([], { extends: preset }))).toEqual({ wholes: [], unbounded: [] });
    }
  });
});

describe('a rule whose type a later one drops', () => {
  it('is told where it meant to let something pass', () => {
    const drop = rule('Patient', 'dropResource');
    expect(idleRules(dropping([keep('Patient.active'), redact('Patient.name'), drop]))).toEqual(['Patient.active']);
    expect(idleRules(dropping([keep('Patient.active'), rule('Resource', 'dropResource')]))).toEqual(['Patient.active']);
    expect(idleRules(dropping([keep('Resource.language'), keep('Observation.status'), drop]))).toEqual([]);
  });

  it('is told of a preset’s drop, too, unless the whole type is kept before it', () => {
    const content = keep('Binary.contentType');
    expect(idleRules(policyOf([content], { extends: 'safe-harbor' }))).toEqual(['Binary.contentType']);
    expect(idleRules(policyOf([content, keep('Binary')], { extends: 'safe-harbor' }))).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { anonymizeCompat, convertCompat } from '../../../src/deid/compat/index.ts';
import type { Conversion, ConversionOptions } from '../../../src/deid/compat/index.ts';
import { compilePolicy } from '../../../src/deid/compile.ts';
import { deidentify } from '../../../src/deid/deidentify.ts';
import type { DeidKeys, ReferenceScope } from '../../../src/deid/engine.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { asOf, configOf, engineOf, jsonConfig } from './support.ts';
import type { Rule } from './support.ts';

const partial = {
  enablePartialAgesForRedact: true,
  enablePartialDatesForRedact: true,
  enablePartialZipCodesForRedact: true,
  restrictedZipCodeTabulationAreas: '036 059 102 203 205 369 556 692 821 823 878 879 884 893'.split(' '),
};

const converted = (rules: Rule[], parameters: object = {}, options: ConversionOptions = {}): Conversion =>
  convertCompat(configOf(jsonConfig(rules, parameters)), options);

const rulesOf = (rules: Rule[], parameters: object = {}, options: ConversionOptions = {}): object[] =>
  (converted(rules, parameters, options).policy.rules ?? []).map(({ reason: _, ...rule }) => rule);

const redact = (path: string): Rule => ({ path, method: 'redact' });

describe('converting a rule', () => {
  it.each([
    ['redact', redact('Patient.name'), {}, [redact('Patient.name')]],
    [
      'redact of dates',
      redact("nodesByType('date')"),
      partial,
      [{ path: "nodesByType('date')", method: 'dateTruncate', params: { to: 'year', ageYearsMax: 89 } }],
    ],
    ['redact of dates altogether', redact("nodesByType('date')"), {}, [redact("nodesByType('date')")]],
    [
      'redact of postal codes',
      redact("nodesByName('postalCode')"),
      partial,
      [{ path: "nodesByName('postalCode')", method: 'generalize', params: { zip3: 'census-2010' } }],
    ],
    [
      'redact of addresses',
      redact("nodesByType('Address')"),
      partial,
      [
        { path: "nodesByType('Address').postalCode", method: 'generalize', params: { zip3: 'census-2010' } },
        redact("nodesByType('Address')"),
      ],
    ],
    [
      'areas of another census',
      redact("nodesByName('postalCode')"),
      { ...partial, restrictedZipCodeTabulationAreas: ['036', '830'] },
      [{ path: "nodesByName('postalCode')", method: 'generalize', params: { zip3: 'census-2000' } }],
    ],
    [
      'areas of no census',
      redact("nodesByName('postalCode')"),
      { ...partial, restrictedZipCodeTabulationAreas: ['001'] },
      [redact("nodesByName('postalCode')")],
    ],
    [
      'dateShift',
      { path: "nodesByType('dateTime')", method: 'dateshift' },
      {},
      [
        {
          path: "nodesByType('dateTime')",
          method: 'dateShift',
          params: { daysMax: 50, ageYearsMax: 89, timeOfDay: 'zero' },
        },
      ],
    ],
    [
      'cryptoHash',
      { path: "nodesByType('Identifier').value", method: 'cryptoHash' },
      {},
      [{ path: "nodesByType('Identifier').value", method: 'cryptoHash' }],
    ],
    ['cryptoHash of ids', { path: 'Resource.id', method: 'cryptoHash' }, {}, []],
    [
      'cryptoHash of references',
      { path: "nodesByType('Reference').reference", method: 'cryptoHash' },
      {},
      [{ path: "nodesByType('Reference').reference", method: 'keep' }],
    ],
    [
      'encrypt',
      { path: 'Patient.name.family', method: 'encrypt' },
      {},
      [{ path: 'Patient.name.family', method: 'encrypt' }],
    ],
    [
      'substitute',
      { path: 'Patient.name', method: 'substitute', replaceWith: { family: 'X' } },
      {},
      [{ path: 'Patient.name', method: 'substitute', params: { with: { family: 'X' } } }],
    ],
    [
      'substitute of a boolean',
      { path: 'Patient.active', method: 'substitute', replaceWith: true },
      {},
      [{ path: 'Patient.active', method: 'substitute', params: { with: true } }],
    ],
    [
      'substitute by what cannot stand there',
      { path: 'Patient.active', method: 'substitute', replaceWith: 'x' },
      {},
      [redact('Patient.active')],
    ],
    [
      'substitute by nothing',
      { path: 'Patient.name', method: 'substitute', replaceWith: null },
      {},
      [redact('Patient.name')],
    ],
    [
      'perturb',
      { path: 'Observation.value.ofType(Quantity)', method: 'perturb', span: 2, roundTo: 1 },
      {},
      [
        {
          path: 'Observation.value.ofType(Quantity).value',
          method: 'perturb',
          params: { span: 2, rangeType: 'fixed', roundTo: 1 },
        },
        { path: 'Observation.value.ofType(Quantity)', method: 'keep' },
      ],
    ],
    [
      'generalize',
      { path: 'Patient.birthDate', method: 'generalize', cases: { '$this > @2000': '@2000' } },
      {},
      [
        {
          path: 'Patient.birthDate',
          method: 'generalize',
          params: { cases: { '$this > @2000': '@2000' }, otherValues: 'redact' },
        },
      ],
    ],
    [
      'a method where it cannot work',
      { path: 'Patient.name', method: 'dateShift' },
      {},
      [{ path: 'Patient.name', method: 'dateShift', params: { daysMax: 50, ageYearsMax: 89, timeOfDay: 'zero' } }],
    ],
    [
      'a union',
      redact("nodesByType('Address').city | nodesByType('Address').line"),
      {},
      [redact("nodesByType('Address').city"), redact("nodesByType('Address').line")],
    ],
    [
      'a union within a type',
      redact('Condition.onset | Condition.abatement as Age | note'),
      {},
      [redact('Condition.onset'), redact('Condition.abatement.ofType(Age)'), redact('Condition.note')],
    ],
    [
      'a search for a resource',
      redact("(nodesByType('Observation').value as Quantity).unit"),
      {},
      [redact('Observation.value.ofType(Quantity).unit')],
    ],
    ['a path for all types', redact('extension'), {}, [redact('Resource.extension')]],
    ['a typing mistake', redact('HealthcareService.notAvaliable.description'), {}, []],
    ['an unknown type', redact('TestResource'), {}, []],
  ])('%s', (_title, rule, parameters, expected) => {
    expect(rulesOf([rule], parameters)).toEqual(expected);
  });

  it('leaves out what earlier rules have taken', () => {
    expect(rulesOf([redact('Patient.name'), { path: 'Patient.name.family', method: 'keep' }])).toEqual([
      redact('Patient.name'),
    ]);
  });

  it('writes a rule on a whole type for each of its elements, and withholds what is removed', () => {
    const paths = rulesOf([{ path: 'Flag.status', method: 'keep' }, redact('Flag')]).map(({ path }: any) => path);
    expect(paths).toEqual(expect.arrayContaining(['Flag.status', 'Flag.code', 'Flag.meta', 'Flag.text']));
    expect(rulesOf([{ path: 'Bundle.entry.where(resource is Patient)', method: 'remove' }])).toEqual([
      { path: 'Patient', method: 'dropResource' },
    ]);
  });

  it('drops by default what no rule names, where a rule redacts all that is left', () => {
    const { policy } = converted(
      [{ path: 'Patient.gender', method: 'keep' }, redact('Resource'), { path: 'Patient.name', method: 'keep' }],
      {},
      { default: 'keep' },
    );
    expect(policy).toMatchObject({
      default: 'drop',
      rules: [{ path: 'Patient.gender' }, { path: 'Resource.meta', method: 'redact' }],
    });
  });
});

describe('what cannot be converted', () => {
  it('withholds the type that it is for', () => {
    const { policy, unconvertible } = converted([redact('Bundle.entry.resource.name')], {}, { default: 'keep' });
    expect(policy.rules?.[0]).toMatchObject({ path: 'Bundle', method: 'dropResource' });
    expect(unconvertible).toEqual([
      {
        rule: 0,
        path: 'Bundle.entry.resource.name',
        why: expect.any(String),
        instead: 'Bundle is withheld altogether',
      },
    ]);
  });

  it('closes the policy where it is for every type', () => {
    const rules = [
      { path: 'Patient.gender', method: 'keep' },
      redact("nodesByType('BackboneElement')"),
      { path: 'Patient.contact', method: 'keep' },
    ];
    const { policy, unconvertible } = converted(rules, {}, { default: 'keep' });
    expect(policy).toMatchObject({ default: 'drop', rules: [{ path: 'Patient.gender', method: 'keep' }] });
    expect(policy.rules).toHaveLength(1);
    expect(unconvertible).toHaveLength(1);
  });

  it('lets nothing pass that it would have kept', () => {
    const { policy, report } = converted(
      [{ path: "nodesByType('BackboneElement')", method: 'keep' }],
      {},
      { default: 'drop' },
    );
    expect(policy.rules).toEqual([]);
    expect(report).toContainEqual(expect.objectContaining({ rule: 0, change: 'stricter' }));
  });
});

describe('the report', () => {
  it('says what is stricter, different and, where it cannot be helped, weaker', () => {
    const { report } = converted([{ path: "nodesByType('dateTime')", method: 'dateShift' }], partial, {
      default: 'keep',
    });
    const changes = (rule: number | undefined): string[] =>
      report.filter((note) => note.rule === rule).map(({ change }) => change);
    expect(changes(0)).toEqual(['different', 'stricter']);
    expect(report.filter(({ rule }) => rule === undefined).map(({ path }) => path)).toEqual([
      '',
      'extensions',
      'modifierExtensions',
      'default',
    ]);
  });

  it('quotes no key', () => {
    const text = JSON.stringify(
      converted([{ path: 'Patient.name', method: 'encrypt' }], {
        cryptoHashKey: 'SECRET1',
        encryptKey: 'SECRET2SECRET234',
      }),
    );
    expect(text).not.toContain('SECRET');
  });
});

const scope: ReferenceScope = {
  instance: 'north',
  upTypes: new Set(['Patient', 'Observation', 'Bundle']),
  downTypes: new Set(),
  urns: 'detach',
};
const keys: DeidKeys = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(7) };

const patient = {
  resourceType: 'Patient',
  id: 'id-1',
  meta: { source: 'source-1' },
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">narrative1</div>' },
  extension: [{ url: 'http://x.org/ext1', valueString: 'extension1' }],
  identifier: [
    { system: 'http://x.org/sys1', value: 'identifier1', type: { text: 'idtype1' }, period: { start: '2001-02-03' } },
  ],
  name: [
    {
      use: 'official',
      family: 'Family1',
      _family: { extension: [{ url: 'http://x.org/ext2', valueString: 'own1' }] },
      given: ['Given1', 'Given2'],
    },
  ],
  telecom: [{ system: 'phone', value: 'phone1', rank: 3 }],
  gender: 'male',
  birthDate: '1970-03-04',
  address: [{ line: ['line1'], city: 'city1', state: 'state1', postalCode: '98052', country: 'country1' }],
  contact: [{ relationship: [{ text: 'relation1' }], name: { family: 'ContactFamily1' } }],
  link: [{ other: { reference: 'Patient/id-2', display: 'display1' }, type: 'seealso' }],
};
const observation = {
  resourceType: 'Observation',
  id: 'id-3',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: 'code1', display: 'codedisplay1' }], text: 'codetext1' },
  subject: { reference: 'Patient/id-1', display: 'display2' },
  effectiveDateTime: '2015-02-03T04:05:06Z',
  valueString: 'value1',
  note: [{ text: 'note1' }],
  component: [{ code: { text: 'component1' }, valueString: 'value2' }],
};

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

const configs: [string, Rule[]][] = [
  [
    'names and addresses',
    [
      { path: "nodesByType('Address').state", method: 'keep' },
      redact("nodesByType('HumanName')"),
      redact("nodesByType('Address')"),
    ],
  ],
  [
    'texts',
    [
      redact("nodesByType('Narrative')"),
      redact("nodesByType('CodeableConcept').text"),
      redact("nodesByName('display')"),
      redact('Observation.note'),
    ],
  ],
  ['extensions', [redact("nodesByType('Extension')"), { path: 'Patient.name', method: 'keep' }]],
  ['dates', ['date', 'dateTime'].map((type) => ({ path: `nodesByType('${type}')`, method: 'dateShift' }))],
  [
    'hashes',
    [
      { path: 'Resource.id', method: 'cryptoHash' },
      { path: "nodesByType('Reference')", method: 'cryptoHash' },
      { path: 'Patient.identifier', method: 'cryptoHash' },
    ],
  ],
  [
    'a fragment',
    [
      { path: 'Patient.name.given', method: 'keep' },
      { path: 'Patient.name', method: 'substitute', replaceWith: { family: 'Other' } },
    ],
  ],
  [
    'encryption and generalization',
    [
      { path: 'Patient.telecom', method: 'encrypt' },
      { path: 'Patient.gender', method: 'generalize', cases: { "$this = 'male'": "'other'" } },
    ],
  ],
  [
    'conditions',
    [redact("Patient.address.where(country = 'country1')"), redact('Observation.component.where(code.text.exists())')],
  ],
  ['a whole type', [{ path: 'Patient.gender', method: 'keep' }, redact('Patient')]],
  ['all', [{ path: "nodesByType('HumanName').use", method: 'keep' }, redact('Resource')]],
  ['into resources', [redact('Bundle.entry.resource.name')]],
  ['nothing', []],
];

describe.each(['keep', 'drop'] as const)('a converted policy, default %s', (fallback) => {
  it.each(configs)('removes at least as much: %s', (_title, rules) => {
    const text = jsonConfig(rules, partial);
    const { policy } = convertCompat(configOf(text), { default: fallback });
    const reading = readPolicy(policy);
    expect(reading).toMatchObject({ ok: true });
    const compiled = compilePolicy(policy, scope);
    const bundle = {
      resourceType: 'Bundle',
      id: 'id-4',
      type: 'collection',
      entry: [{ resource: patient }, { resource: observation }],
    };
    for (const input of [patient, observation, bundle]) {
      const theirs = anonymizeCompat(engineOf(text), input);
      const ours = deidentify(input, compiled, keys, asOf);
      if (theirs.kind !== 'resource') throw new Error(theirs.reason);
      const isDropped = policy.rules?.some(
        ({ path, method }) => method === 'dropResource' && path === input.resourceType,
      );
      expect(ours.kind).toBe(isDropped === true ? 'withheld' : 'resource');
      if (ours.kind !== 'resource') continue;
      const [before, after] = [new Set(texts(theirs.resource)), new Set(texts(ours.resource))];
      const leaked = texts(input).filter((value) => !before.has(value) && after.has(value) && !constants.has(value));
      expect(leaked).toEqual([]);
    }
  });
});

/** What our engine writes whatever the input: types, systems, and the words of required elements. */
const constants = new Set(['collection', 'generated', 'Patient', 'Observation', 'Bundle']);

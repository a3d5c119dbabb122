import { describe, expect, it } from '@jest/globals';
import { parsePath } from '../../../src/deid/path/path.ts';
import type { Step } from '../../../src/deid/path/path.ts';
import { isR4DataType } from '../../../src/deid/r4/model.ts';

const parse = (text: string): ReturnType<typeof parsePath> => parsePath(text, isR4DataType);
const name = (text: string, more: object = {}): Step => ({ kind: 'name', name: text, ...more });
const where = (path: string, equals: string): object => ({ where: { path: path.split('.'), equals } });

describe('parsePath', () => {
  it.each<[string, string | undefined, Step[]]>([
    ['Patient', 'Patient', []],
    ['Resource', undefined, []],
    ['Patient.name.family', 'Patient', [name('name'), name('family')]],
    ['Resource.text', undefined, [name('text')]],
    ['DomainResource.text', 'DomainResource', [name('text')]],
    ['Observation.value', 'Observation', [name('value')]],
    ['Observation.value[x]', 'Observation', [name('value')]],
    ['Observation.valueQuantity', 'Observation', [name('valueQuantity')]],
    ['Observation.value.ofType(Quantity).unit', 'Observation', [name('value', { choice: 'Quantity' }), name('unit')]],
    ['Observation.value.ofType( FHIR.Quantity )', 'Observation', [name('value', { choice: 'Quantity' })]],
    ['Observation.value.as(string)', 'Observation', [name('value', { choice: 'string' })]],
    ["Patient.extension('http://x').value", 'Patient', [{ kind: 'extension', url: 'http://x' }, name('value')]],
    ['Patient.extension("http://x")', 'Patient', [{ kind: 'extension', url: 'http://x' }]],
    ["nodesByType('HumanName').family", undefined, [{ kind: 'byType', type: 'HumanName' }, name('family')]],
    ["nodesByType('Patient.contact')", undefined, [{ kind: 'byType', type: 'Patient.contact' }]],
    ['HumanName.family', undefined, [{ kind: 'byType', type: 'HumanName' }, name('family')]],
    ['HumanName', undefined, [{ kind: 'byType', type: 'HumanName' }]],
    ["nodesByName('note')", undefined, [{ kind: 'byName', name: 'note' }]],
    ["Patient.nodesByName('note')", 'Patient', [name('x'), { kind: 'byName', name: 'note' }].slice(1) as Step[]],
    [
      "Patient.name.where(use = 'official').family",
      'Patient',
      [name('name', where('use', 'official')), name('family')],
    ],
    [
      "Patient.identifier.where(type.coding.code='MR')",
      'Patient',
      [name('identifier', where('type.coding.code', 'MR'))],
    ],
    [
      "nodesByType('Quantity').where(unit.trim().lower() in ('year' | 'yr(s)')).value",
      undefined,
      [
        {
          kind: 'byType',
          type: 'Quantity',
          where: { path: ['unit'], equals: "'year' | 'yr(s)'", among: new Set(['year', 'yr(s)']) },
        },
        name('value'),
      ],
    ],
    [
      "nodesByType('Identifier').where(use = 'old')",
      undefined,
      [{ kind: 'byType', type: 'Identifier', ...where('use', 'old') }],
    ],
  ])('%s is followed by the plan', (text, root, steps) => {
    expect(parse(text)).toEqual({ kind: 'plain', root, steps });
  });

  it.each<[string, string | undefined, string]>([
    ['Patient.name[0]', 'Patient', 'name[0]'],
    ['Patient.name.first()', 'Patient', 'name.first()'],
    ["Patient.name.where(use = 'a' or use = 'b')", 'Patient', "name.where(use = 'a' or use = 'b')"],
    ["Patient.name.where(use = 'a').where(text = 'b')", 'Patient', "name.where(use = 'a').where(text = 'b')"],
    ['Resource.name.exists()', undefined, 'name.exists()'],
    ['HumanName.given.first()', undefined, "nodesByType('HumanName').given.first()"],
    ["nodesByName('name').given.first()", undefined, "nodesByName('name').given.first()"],
    ["Patient.name.where(text = 'O\\'Hara')", 'Patient', "name.where(text = 'O\\'Hara')"],
    ['Patient..name', 'Patient', '.name'],
    ['Patient.name.', 'Patient', 'name.'],
  ])('%s is left to the library', (text, root, expression) => {
    expect(parse(text)).toEqual({ kind: 'general', root, expression });
  });

  it.each([
    '',
    'patient.name',
    'name',
    'Patient.',
    'HumanName.',
    'Patient name',
    '%resource.name',
    "nodesByUrl('x')",
    '(Patient.name)',
    '$this',
  ])('%j is none', (text) => {
    expect(parse(text)).toBeUndefined();
  });
});

/** R4's types as the engine reads them. */
import { describe, expect, it } from '@jest/globals';
import {
  isR4DataType,
  r4PatientPaths,
  r4ResourceTypes,
  r4Type,
  r4TypeNames,
  r4Version,
} from '../../../src/deid/r4/model.ts';

describe('the model', () => {
  it('is R4’s: its version, its resources, its data types', () => {
    expect(r4Version).toBe('4.0.1');
    expect(r4ResourceTypes.size).toBeGreaterThan(140);
    for (const type of ['Patient', 'Bundle', 'Parameters', 'Binary']) expect(r4ResourceTypes.has(type)).toBe(true);
    for (const type of ['Resource', 'DomainResource', 'HumanName', 'Patient.contact'])
      expect(r4ResourceTypes.has(type)).toBe(false);
    for (const type of ['HumanName', 'string', 'Extension']) expect(isR4DataType(type)).toBe(true);
    for (const type of ['Patient', 'Patient.contact', 'Foo', '']) expect(isR4DataType(type)).toBe(false);
  });

  it.each(['toString', '__proto__', 'constructor', 'hasOwnProperty', '', 'patient'])('has no type %j', (name) => {
    expect(r4Type(name)).toBeUndefined();
    expect(r4PatientPaths(name)).toEqual([]);
  });

  it('knows each element’s key, type, list, choice and need', () => {
    const of = (type: string, key: string): unknown => r4Type(type)?.elements.get(key);
    expect(of('Patient', 'name')).toMatchObject({
      name: 'name',
      type: 'HumanName',
      isArray: true,
      isRequired: false,
      isChoice: false,
    });
    expect(of('Observation', 'valueQuantity')).toMatchObject({
      name: 'value',
      type: 'Quantity',
      isChoice: true,
      isArray: false,
    });
    expect(of('Observation', 'status')).toMatchObject({ type: 'code', isRequired: true });
    expect(of('Patient', 'contact')).toMatchObject({ type: 'Patient.contact' });
    expect(of('Questionnaire.item', 'item')).toMatchObject({ type: 'Questionnaire.item' });
    expect(of('Bundle.entry', 'resource')).toMatchObject({ type: 'Resource' });
    expect(of('Observation', 'value')).toBeUndefined();
  });

  it('leads from every element to a type that it has', () => {
    const lost = r4TypeNames.flatMap((name) =>
      [...(r4Type(name)?.elements.values() ?? [])]
        .filter(({ type }) => r4Type(type) === undefined)
        .map(({ key, type }) => `${name}.${key}: ${type}`),
    );
    expect(lost).toEqual([]);
  });

  it('says by what elements a resource is a patient’s', () => {
    expect(r4PatientPaths('Observation')).toContain('subject');
    expect(r4PatientPaths('Immunization')).toContain('patient');
    expect(r4PatientPaths('Organization')).toEqual([]);
    for (const type of r4ResourceTypes) {
      for (const path of r4PatientPaths(type)) {
        let at: string | undefined = type;
        for (const step of path.split('.')) at = at === undefined ? undefined : r4Type(at)?.elements.get(step)?.type;
        expect([type, path, at]).toEqual([type, path, 'Reference']);
      }
    }
  });
});

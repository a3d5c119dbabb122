/** Required elements that were removed: the output stays valid R4, and says that something was there. */
import { describe, expect, it } from '@jest/globals';
import type { Json, JsonObject } from '../../../src/fhir/resource.ts';
import { absentReason } from '../../../src/deid/engine.ts';
import { isPrimitiveType } from '../../../src/deid/plan/child.ts';
import { r4ResourceTypes, r4Type } from '../../../src/deid/r4/model.ts';
import { fullResource } from '../r4/arbitrary.ts';
import { observation, output, patient, policyOf, redact, rest } from '../support.ts';

const masked = { extension: [{ url: absentReason.url, valueCode: 'masked' }] };

/** Required elements that an output lacks, as paths. */
export function missing(value: JsonObject, type: string): string[] {
  const elements = [...(r4Type(type)?.elements.values() ?? [])];
  const isThere = (name: string): boolean =>
    elements.some(({ key, name: of }) => of === name && (Object.hasOwn(value, key) || Object.hasOwn(value, `_${key}`)));
  const isMarked = (value.extension as JsonObject[] | undefined)?.some(({ url }) => url === absentReason.url) ?? false;
  const own = isMarked
    ? []
    : elements.filter(({ isRequired, name }) => isRequired && !isThere(name)).map(({ key }) => `${type}.${key}`);
  const below = elements.flatMap((element) => {
    const member = value[element.key] ?? [];
    const members: readonly Json[] = Array.isArray(member) ? member : [member];
    if (isPrimitiveType(element.type)) return [];
    return members.flatMap((one) => {
      if (typeof one !== 'object' || one === null || Array.isArray(one)) return [];
      return missing(one, element.type === 'Resource' ? (one.resourceType as string) : element.type);
    });
  });
  return [...own, ...below];
}

describe('what R4 requires and a rule removed', () => {
  it('is marked as masked, beside a primitive, in an object, in a list', () => {
    const component = [{ code: { text: 'c' }, valueString: 'x' }];
    const policy = policyOf([redact("nodesByName('code')"), redact('Observation.status')]);
    expect(rest(observation({ status: 'final', code: { text: 'c' }, component }), policy)).toEqual({
      _status: masked,
      code: masked,
      component: [{ code: masked, valueString: 'x' }],
    });
    const claim = {
      resourceType: 'Claim',
      id: 'c',
      status: 'active',
      insurance: [{ sequence: 1, focal: true, coverage: { reference: 'Coverage/c' } }],
    };
    expect(rest(claim, policyOf([redact('Claim.insurance')]))).toEqual({
      status: 'active',
      insurance: [{ _sequence: masked, _focal: masked, coverage: masked }],
    });
  });

  it('of a choice is one of its types, and none where another choice stands', () => {
    const request = {
      resourceType: 'MedicationRequest',
      id: 'm',
      status: 'active',
      medicationCodeableConcept: { text: 'x' },
    };
    const policy = policyOf([redact('MedicationRequest.medicationCodeableConcept')]);
    expect(rest(request, policy)).toEqual({ status: 'active', medicationCodeableConcept: masked });
    const medicationReference = { reference: '#' };
    expect(rest({ ...request, medicationReference }, policy)).toEqual({ status: 'active', medicationReference });
  });

  it('is not invented where it was not there', () => {
    expect(
      rest(
        observation({ valueString: 'x', interpretation: [{ text: 'y' }] }),
        policyOf([redact('Observation.interpretation')]),
      ),
    ).toEqual({
      valueString: 'x',
    });
  });

  it('takes its element along where that means nothing without it: a narrative', () => {
    const text = { status: 'generated', div: '<div>x</div>' };
    expect(rest(patient({ active: true, text }), policyOf([redact('Patient.text.div')]))).toEqual({ active: true });
    expect(rest(patient({ text }), policyOf([redact('Patient.text.status')]))).toEqual({
      text: { _status: masked, div: text.div },
    });
  });

  it.each([...r4ResourceTypes])(
    'of %s, with every element there, leaves it valid whichever type of value goes',
    (type) => {
      const source = fullResource(type);
      expect(missing(source, type)).toEqual([]);
      for (const path of [
        "nodesByType('code')",
        "nodesByType('string')",
        "nodesByType('CodeableConcept')",
        "nodesByType('Reference')",
        "nodesByType('boolean')",
        "nodesByType('uri')",
        "nodesByType('Quantity')",
        "nodesByType('dateTime')",
        "nodesByType('positiveInt')",
      ]) {
        const written = output(source, policyOf([redact(path)]));
        expect([path, missing(written, type)]).toEqual([path, []]);
      }
    },
  );
});

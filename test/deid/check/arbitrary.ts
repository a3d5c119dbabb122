/** Random resources after R4’s types, with what else sources send. */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Json, JsonObject, Resource } from '../../../src/fhir/resource.ts';
import { r4Type } from '../../../src/deid/r4/model.ts';
import type { R4Element } from '../../../src/deid/r4/model.ts';

export const types = ['Patient', 'Observation', 'QuestionnaireResponse', 'ServiceRequest', 'Encounter'] as const;

const text = fc.constantFrom(
  'Ann',
  'call 555-123-4567',
  'born 1980-02-03',
  'Name',
  'q1',
  'x',
  'Patient/a',
  'Organization/h',
  '[x]',
  'Binary/b',
);
const literal = fc.constantFrom(
  ...['Patient/a', 'Observation/o', 'Organization/h', 'Practitioner/d', '#c', '#gone', '#', 'Patient?x=1', 'odd'],
  ...['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', 'http://h/fhir/Patient/a', 'Patient/a/_history/2'],
);
const date = fc.constantFrom(
  '1920',
  '1980-02',
  '1980-02-03',
  '2020-12-31',
  '1980-02-03T04:05:06Z',
  '2020-02-29T23:59:59.5+02:00',
  'soon',
);

function primitive(type: string): Arbitrary<Json> {
  switch (type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return fc.integer({ min: 0, max: 200 });
    case 'decimal':
      return fc.integer({ min: -900, max: 30_000 }).map((value) => value / 100);
    case 'date':
    case 'dateTime':
    case 'instant':
      return date;
    case 'code':
      return fc.constantFrom('male', 'official', 'home', 'final', 'c');
    case 'uri':
    case 'url':
    case 'canonical':
      return fc.constantFrom('http://a', 'urn:s', 'Patient/a', 'Binary/b');
    default:
      return text;
  }
}

/** How strange a resource may be. */
export interface Strangeness {
  /** Attributes that R4 does not have. */
  readonly attributes: boolean;
  /** Extensions, also beside primitives; `nothing`: HL7's data-absent-reason alone. */
  readonly extensions: boolean | 'nothing';
  /** Ids of elements. */
  readonly ids: boolean;
}

const absentUrl = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';
const valueKeys = [
  'valueString',
  'valueCode',
  'valueDateTime',
  'valueDecimal',
  'valueReference',
  'valueHumanName',
  'valueCoding',
];

const absent: Arbitrary<JsonObject> = fc.constant({ url: absentUrl, valueCode: 'unknown' });

function extension(depth: number, { extensions }: Strangeness): Arbitrary<JsonObject> {
  return extensions === 'nothing' ? absent : anyExtension(depth);
}

function anyExtension(depth: number): Arbitrary<JsonObject> {
  const url = fc.constantFrom('http://a', 'http://b');
  const valued = fc.tuple(url, fc.constantFrom(...valueKeys)).chain(([at, key]): Arbitrary<JsonObject> => {
    const element = r4Type('Extension')?.elements.get(key);
    return valueOf(element?.type ?? 'string', depth + 1, plainly).map((value) => ({ url: at, [key]: value }));
  });
  if (depth > 3) return valued;
  const inner = fc.array(
    fc.constant(0).chain(() => anyExtension(depth + 2)),
    { minLength: 1, maxLength: 2 },
  );
  return fc.oneof({ arbitrary: valued, weight: 4 }, absent, fc.record({ url, extension: inner }));
}

const plainly: Strangeness = { attributes: false, extensions: false, ids: false };

const unknownValue: Arbitrary<Json> = fc.oneof(
  text,
  fc.integer(),
  fc.record({ reference: literal, display: text }),
  fc.record({ display: text, identifier: fc.record({ value: text }) }),
  fc.record({ note: text, code: fc.array(fc.record({ family: text, status: text }), { minLength: 1, maxLength: 2 }) }),
);

function valueOf(type: string, depth: number, strange: Strangeness): Arbitrary<Json> {
  const kind = r4Type(type)?.kind;
  if (kind === 'primitive') return primitive(type);
  return objectOf(type, depth, strange);
}

function objectOf(type: string, depth: number, strange: Strangeness): Arbitrary<JsonObject> {
  const all = [...(r4Type(type)?.elements.values() ?? [])];
  const usable = all.filter(({ key, type: inner }) => {
    if (['id', 'meta', 'contained', 'extension', 'modifierExtension'].includes(key) || inner === 'Resource')
      return false;
    return depth < 3 || r4Type(inner)?.kind === 'primitive';
  });
  return fc
    .subarray(usable, { minLength: Math.min(1, usable.length), maxLength: Math.min(4, usable.length) })
    .chain((chosen) => {
      const byName = new Map(
        [...all.filter((one) => one.isRequired && usable.includes(one)), ...chosen].map((one) => [one.name, one]),
      );
      if (type === 'Reference') for (const one of all) if (one.key === 'reference') byName.set('reference', one);
      const members: Record<string, Arbitrary<Json>> = {};
      for (const element of byName.values()) Object.assign(members, memberOf(type, element, depth, strange));
      const extras: Record<string, Arbitrary<Json | undefined>> = {};
      if (strange.ids) extras.id = fc.option(text, { nil: undefined, freq: 9 });
      if (strange.extensions !== false && depth < 4 && type !== 'Extension') {
        extras.extension = fc.option(fc.array(extension(depth, strange), { minLength: 1, maxLength: 2 }), {
          nil: undefined,
          freq: 3,
        });
      }
      if (strange.attributes) extras.odd = fc.option(unknownValue, { nil: undefined, freq: 7 });
      return fc.record({ ...members, ...extras }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);
    });
}

function memberOf(
  owner: string,
  { key, type, isArray }: R4Element,
  depth: number,
  strange: Strangeness,
): Record<string, Arbitrary<Json>> {
  if (owner === 'Reference' && key === 'reference') return { [key]: literal };
  // A type that is none goes, and the engine would leave an empty object where nothing else is left.
  if (owner === 'Reference' && key === 'type') return {};
  const one = valueOf(type, depth + 1, strange);
  const value = isArray ? fc.array(one, { minLength: 1, maxLength: 2 }) : one;
  if (r4Type(type)?.kind !== 'primitive' || strange.extensions === false) return { [key]: value };
  const beside = fc.record({ extension: fc.array(extension(depth + 1, strange), { minLength: 1, maxLength: 1 }) });
  const sibling = isArray ? beside.map((item): Json => [item]) : beside;
  return { [key]: value, [`_${key}`]: fc.option(sibling, { nil: undefined as never, freq: 5 }) };
}

const meta = fc.constantFrom<Json>(
  {
    versionId: '1',
    lastUpdated: '2020-01-01T00:00:00Z',
    profile: ['http://a'],
    tag: [{ system: 'urn:s', code: 'c', display: 'Ann' }],
  },
  { security: [{ system: 'urn:s', code: 'R' }], source: 'http://h' },
  {},
);

function bare(strange: Strangeness, ...of: readonly string[]): Arbitrary<JsonObject> {
  return fc.constantFrom(...of).chain((type) =>
    fc
      .tuple(objectOf(type, 0, strange), fc.constantFrom('a', 'c', 'o'), fc.option(meta, { nil: undefined }))
      .map(([members, id, own]) => ({
        ...members,
        resourceType: type,
        id,
        ...(own === undefined ? {} : { meta: own }),
      })),
  );
}

const withContained = (strange: Strangeness): Arbitrary<JsonObject> =>
  fc
    .tuple(
      bare(strange, ...types),
      fc.option(fc.array(bare(strange, 'Patient', 'Observation', 'Organization'), { minLength: 1, maxLength: 2 }), {
        nil: undefined,
      }),
    )
    .map(([outer, contained]) => (contained === undefined ? outer : { ...outer, contained }));

const bundle = (strange: Strangeness): Arbitrary<JsonObject> =>
  fc
    .array(
      fc.record({
        fullUrl: fc.constantFrom('urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', 'http://h/fhir/Patient/a', 'odd'),
        resource: withContained(strange),
        request: fc.record({ method: fc.constant('PUT'), url: fc.constantFrom('Patient/a', 'Patient?x=1', 'Patient') }),
      }),
      { minLength: 1, maxLength: 2 },
    )
    .map((entry) => ({ resourceType: 'Bundle', id: 'b', type: 'transaction', entry }));

/** A random resource, as `JSON.parse` yields it. */
export const resourceOf = (strange: Strangeness): Arbitrary<Resource> =>
  fc
    .oneof({ arbitrary: withContained(strange), weight: 5 }, bundle(strange))
    .map((value) => JSON.parse(JSON.stringify(value)) as Resource);

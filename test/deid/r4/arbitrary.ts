/** Resources that R4 allows, made of its own types: one with everything in it, and random ones. */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Json, JsonObject, Resource } from '../../../src/fhir/resource.ts';
import { r4Type } from '../../../src/deid/r4/model.ts';
import type { R4Element } from '../../../src/deid/r4/model.ts';

const samples: Readonly<Record<string, Json>> = {
  boolean: true,
  integer: 7,
  positiveInt: 7,
  unsignedInt: 7,
  decimal: 7.5,
  date: '2020-02-03',
  dateTime: '2020-02-03T04:05:06Z',
  instant: '2020-02-03T04:05:06Z',
  time: '04:05:06',
  uri: 'http://example.org/u',
  url: 'http://example.org/v',
  canonical: 'http://example.org/c',
  oid: 'urn:oid:1.2.3',
  uuid: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0',
  base64Binary: 'eHh4',
  code: 'code',
  id: 'id-1',
  xhtml: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
};

const isPlain = ({ name, type }: R4Element, owner: string): boolean =>
  name !== 'extension' && name !== 'modifierExtension' && type !== 'Resource' && !(name === 'id' && owner !== '');

/** An object with every element of its type, one key of each choice; two levels down only what is required. */
function full(type: string, depth: number): JsonObject {
  const out: JsonObject = {};
  const done = new Set<string>();
  for (const element of r4Type(type)?.elements.values() ?? []) {
    const { key, name, isArray, isRequired } = element;
    if (!isPlain(element, type) || done.has(name) || (depth > 2 && !isRequired)) continue;
    const value = fullValue(element.type, depth);
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) continue;
    done.add(name);
    out[key] = isArray ? [value] : value;
  }
  if (Object.keys(out).length === 0) {
    // An empty object is none: its first element that has something in it.
    const [first] = [...(r4Type(type)?.elements.values() ?? [])].filter((one) => isPlain(one, type));
    if (first !== undefined)
      out[first.key] = first.isArray ? [fullValue(first.type, depth)] : fullValue(first.type, depth);
  }
  return out;
}

const fullValue = (type: string, depth: number): Json =>
  r4Type(type)?.kind === 'primitive' ? (samples[type] ?? 'text') : full(type, depth + 1);

/** A resource of the type with all its elements. */
export function fullResource(type: string): Resource {
  const { id: _id, meta: _meta, ...members } = full(type, 0);
  return { resourceType: type, id: 'full', ...members };
}

const words = fc.constantFrom('Ann', 'Quimby', 'x', 'mg', 'a b', 'Male/Female', 'Patient/a', '\ud83d\ude00', 'é');
const literals = fc.constantFrom(
  'Patient/a',
  'Patient/b',
  'Observation/o',
  'Organization/h',
  'Practitioner/d',
  '#c',
  '#',
  'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0',
  'http://h/fhir/Patient/a',
  'Patient?x=1',
);
const day = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2025-12-31'), noInvalidDate: true })
  .map((at) => at.toISOString());

const primitive = (type: string): Arbitrary<Json> => {
  switch (type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: -1000, max: 1000 });
    case 'positiveInt':
    case 'unsignedInt':
      return fc.integer({ min: 1, max: 1000 });
    case 'decimal':
      return fc.integer({ min: -100_000, max: 100_000 }).map((value) => value / 100);
    case 'date':
      return day.map((at) => at.slice(0, 10));
    case 'dateTime':
      return fc.oneof(
        day,
        day.map((at) => at.slice(0, 10)),
        day.map((at) => at.slice(0, 4)),
      );
    case 'instant':
      return day;
    case 'string':
    case 'markdown':
      return words;
    default:
      return fc.constant(samples[type] ?? 'text');
  }
};

const extension: Arbitrary<JsonObject> = fc.oneof(
  fc.record({ url: fc.constantFrom('http://a', 'http://b'), valueString: words }),
  fc.record({ url: fc.constantFrom('http://a', 'http://b'), valueReference: fc.record({ reference: literals }) }),
  fc.record({
    url: fc.constant('http://d'),
    extension: fc.array(fc.record({ url: fc.constantFrom('one', 'two'), valueCode: fc.constant('c') }), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
);

const keysPerObject = 5;

/** A random object of a type: a few of its elements, required ones always. */
function objectOf(type: string, depth: number): Arbitrary<JsonObject> {
  const elements = [...(r4Type(type)?.elements.values() ?? [])].filter((element) => isPlain(element, type));
  const optional = elements.filter((element) => depth < 4 || r4Type(element.type)?.kind === 'primitive');
  return fc.subarray(optional, { maxLength: Math.min(keysPerObject, optional.length) }).chain((chosen) => {
    const all = [...elements.filter(({ isRequired }) => isRequired), ...chosen];
    const once = [...new Map(all.map((element) => [element.name, element])).values()];
    const members = Object.fromEntries(once.map((element) => [element.key, memberOf(element, depth)]));
    const record = fc.record(members) as Arbitrary<JsonObject>;
    if (type === 'Reference')
      return fc.tuple(record, literals).map(([value, reference]): JsonObject => ({ ...value, reference }));
    const isOpen = r4Type(type)?.kind !== 'primitive' && type !== 'Extension' && type !== 'Narrative';
    return isOpen
      ? fc
          .tuple(record, fc.option(extension, { freq: 6 }))
          .map(([value, one]): JsonObject => (one === null ? value : { ...value, extension: [one] }))
      : record;
  });
}

function memberOf({ type, isArray }: R4Element, depth: number): Arbitrary<Json> {
  const isPrimitive = r4Type(type)?.kind === 'primitive';
  const one: Arbitrary<Json> = isPrimitive ? primitive(type) : objectOf(type, depth + 1);
  return isArray ? fc.array(one, { minLength: 1, maxLength: isPrimitive ? 3 : 2 }) : one;
}

const isFilled = (value: Json): boolean => typeof value !== 'object' || value === null || Object.keys(value).length > 0;

/** Without empty objects and lists, which R4 does not allow. */
function pruned(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(pruned).filter(isFilled);
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, pruned(member)] as const)
      .filter(([, member]) => isFilled(member)),
  );
}

/** A random resource of one of the types, as JSON.parse yields it. */
export const resourceOf = (...types: readonly string[]): Arbitrary<Resource> =>
  fc.tuple(fc.constantFrom(...types), fc.constantFrom('a', 'b', 'c-1')).chain(([type, id]) =>
    objectOf(type, 0).map(({ id: _id, meta: _meta, ...members }) => {
      const value: Json = pruned({ resourceType: type, id, ...members });
      return JSON.parse(JSON.stringify(value)) as Resource;
    }),
  );

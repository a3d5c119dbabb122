/** A resource with its keys in R4's order, as the engine writes them, so that the two can be compared line by line. */
import type { Json } from '../../fhir/resource.ts';
import { r4Type } from '../../deid/r4/model.ts';

/** Deeper than R4 nests anything; what is deeper is withheld. */
const depthMax = 200;

export function inR4Order(value: Json, type = '', depth = 0): Json {
  if (typeof value !== 'object' || value === null || depth > depthMax) return value;
  if (Array.isArray(value)) return value.map((member) => inR4Order(member, type, depth + 1));
  const own = typeof value.resourceType === 'string' ? value.resourceType : type;
  const elements = r4Type(own)?.elements;
  const rank = (key: string): number => {
    if (key === 'resourceType') return -1;
    const element = elements?.get(key);
    if (element !== undefined) return element.order * 2;
    const beside = key.startsWith('_') ? elements?.get(key.slice(1)) : undefined;
    return beside === undefined ? Infinity : beside.order * 2 + 1;
  };
  const keys = Object.keys(value).map((key) => ({ key, rank: rank(key) }));
  keys.sort((a, b) => (a.rank === b.rank ? (a.key < b.key ? -1 : 1) : a.rank - b.rank));
  return Object.fromEntries(
    keys.map(({ key }) => [key, inR4Order(value[key] ?? null, elements?.get(key)?.type ?? '', depth + 1)]),
  );
}

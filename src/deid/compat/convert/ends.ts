/** Which R4 elements a plain path can come to. */
import { r4ResourceTypes, r4Type, r4TypeNames } from '../../r4/model.ts';
import type { R4Element } from '../../r4/model.ts';

export interface PathEnd {
  readonly name: string;
  readonly type: string;
}

const dates = new Set(['date', 'dateTime', 'instant']);
const quantities = new Set(['Age', 'Count', 'Distance', 'Duration', 'Money', 'Quantity']);

export const isDateEnd = ({ type }: PathEnd): boolean => dates.has(type);
export const isQuantityEnd = ({ type }: PathEnd): boolean => quantities.has(type);

const head = /^(?:([A-Z][A-Za-z]*)|nodesBy(Type|Name)\((?:'([^']*)'|"([^"]*)")\))(?:\.|$)/;
const stepForm = /^(?:([A-Za-z][A-Za-z0-9]*)|ofType\((?:FHIR\.)?([A-Za-z][A-Za-z0-9]*)\))(?:\.|$)/;
const whereForm = /\.where\([^()]*\)/g;

const typesBelow = new Map<string, ReadonlySet<string>>();

/** All types that can stand at or below a type, extensions left out. */
function below(type: string): ReadonlySet<string> {
  const known = typesBelow.get(type);
  if (known !== undefined) return known;
  const found = new Set<string>();
  const pending = [type];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next) || next === 'Extension') continue;
    found.add(next);
    for (const element of r4Type(next)?.elements.values() ?? []) pending.push(element.type);
  }
  typesBelow.set(type, found);
  return found;
}

/** Whether one of these types can stand at or below the end of a path; where only the data can tell, it can. */
export const mayHold = (ends: readonly PathEnd[] | undefined, types: readonly string[]): boolean =>
  ends === undefined || ends.some((end) => types.some((type) => below(end.type).has(type)));

const isResource = (type: string): boolean => r4Type(type)?.kind === 'resource';

const elementsOf = (type: string): R4Element[] => {
  const known = r4Type(type);
  return [...((known?.kind === 'primitive' ? r4Type('Element') : known)?.elements.values() ?? [])];
};

const everyElement = (): PathEnd[] => r4TypeNames.flatMap((name) => elementsOf(name));

/** Where a path starts: resource types, or the elements that a search finds. */
function startOf(match: RegExpExecArray): PathEnd[] | 'unknown-type' {
  const [, type, by, single, double] = match;
  const word = single ?? double ?? '';
  if (by === 'Name') return everyElement().filter(({ name }) => name === word);
  if (by === 'Type') return r4Type(word) === undefined ? 'unknown-type' : [{ name: '', type: word }];
  if (type === 'Resource' || type === 'DomainResource')
    return [...r4ResourceTypes].map((name) => ({ name: '', type: name }));
  return type !== undefined && r4Type(type) !== undefined ? [{ name: '', type }] : 'unknown-type';
}

function stepFrom(ends: readonly PathEnd[], name: string | undefined, choice: string | undefined): PathEnd[] {
  if (name === undefined) return ends.filter(({ type }) => type === choice);
  const found = ends.flatMap((end) => elementsOf(end.type).filter((one) => one.name === name || one.key === name));
  return [...new Map(found.map(({ name: of, type }) => [`${of} ${type}`, { name: of, type }])).values()];
}

/**
 * The elements at a path's end; undefined where it is no plain path. `crosses`: it goes on into a resource that stands
 * inside the one that it starts at.
 */
export function endsOf(path: string): readonly PathEnd[] | 'crosses' | 'unknown-type' | undefined {
  const plain = path.replace(whereForm, '');
  const start = head.exec(plain);
  const from = start === null ? undefined : startOf(start);
  if (start === null || from === undefined || from === 'unknown-type') return from;
  let ends: readonly PathEnd[] = from;
  let rest = plain.slice(start[0].length);
  while (rest !== '') {
    const step = stepForm.exec(rest);
    if (step === null) return rest.startsWith('nodesBy') ? endsOf(rest) : undefined;
    if (ends.some(({ name, type }) => name !== '' && isResource(type))) return 'crosses';
    ends = stepFrom(ends, step[1], step[2]);
    rest = rest.slice(step[0].length);
  }
  return ends;
}

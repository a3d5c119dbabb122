/**
 * R4's published JSON schema as a check of one resource. The schema's own way to a type is a `oneOf` over all of R4, which
 * ajv would try one by one, for contained resources too; here the type says which definition is meant.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { r4ResourceTypes } from '../../../src/deid/r4/model.ts';

interface Schema {
  readonly definitions: Record<string, object>;
}

const file = join(import.meta.dirname, '../r4/fhir.schema.json.gz');
const { definitions } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Schema;

const compiled = new Map<string, ValidateFunction>();

const typeOf = (resource: unknown): string => String((resource as { resourceType?: unknown } | null)?.resourceType);

function validatorOf(type: string): ValidateFunction | undefined {
  if (!r4ResourceTypes.has(type)) return undefined;
  let validator = compiled.get(type);
  if (validator === undefined) compiled.set(type, (validator = ajv.compile({ $ref: `r4#/definitions/${type}` })));
  return validator;
}

const ajv = new Ajv({ strict: false, unicodeRegExp: false, allErrors: true });
formats.default(ajv);
ajv.addKeyword({
  keyword: 'isResource',
  validate: (_: true, resource: unknown) => validatorOf(typeOf(resource))?.(resource) === true,
});
// The published definitions forget to say that an object is one: `code: 1` would be a CodeableConcept.
const objects = Object.entries(definitions).map(([name, definition]) => [
  name,
  'properties' in definition ? { type: 'object', ...definition } : definition,
]);
const stricter: object = { ...Object.fromEntries(objects), ResourceList: { isResource: true } };
ajv.addSchema({ $id: 'r4', definitions: stricter });

/** What the schema finds wrong, without any of the resource's values: `/code required`. */
export function schemaErrors(resource: unknown): string[] {
  const validator = validatorOf(typeOf(resource));
  if (validator === undefined) return ['not a type of R4'];
  if (validator(resource)) return [];
  return (validator.errors ?? []).map(({ instancePath, keyword, params }) => {
    const name: unknown = params.missingProperty ?? params.additionalProperty ?? '';
    return `${typeOf(resource)}${instancePath} ${keyword} ${String(name)}`.trimEnd();
  });
}

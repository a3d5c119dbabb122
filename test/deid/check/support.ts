/** What the tests of the output check share: verdicts, and ways to spoil a good output. */
import { checkOutput } from '../../../src/deid/check/output-check.ts';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import type { Json, JsonObject } from '../../../src/fhir/resource.ts';
import { keys, output } from '../support.ts';

/** `ok`, or the code of what is wrong. */
export function verdictOn(resource: unknown, policy: CompiledPolicy, by: typeof keys | undefined = keys): string {
  const verdict = checkOutput(resource, policy, by);
  return verdict.ok ? 'ok' : verdict.reason;
}

/** An output as it is read back from where it was staged. */
export const staged = (source: unknown, policy: CompiledPolicy): JsonObject =>
  JSON.parse(JSON.stringify(output(source, policy))) as JsonObject;

/** Puts `value` at a dotted path; undefined removes what stands there. */
export function plant(resource: JsonObject, path: string, value: unknown): JsonObject {
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const holder = steps.reduce<JsonObject>((node, step) => node[step] as JsonObject, resource);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true });
  return resource;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One value of the source put back into its output, and how to take it out again. */
export interface PutBack {
  readonly path: string;
  readonly apply: () => () => void;
}

/** Every value that an output lacks of its source, or has otherwise, as far as the two are alike around it. */
export function* putBacks(source: JsonObject, out: JsonObject, path: string): Generator<PutBack> {
  for (const [key, before] of Object.entries(source)) {
    if (path === source.resourceType && ['resourceType', 'id', 'meta'].includes(key)) continue;
    const after = out[key];
    const at = `${path}.${key}`;
    if (isObject(before) && isObject(after)) yield* putBacks(before, after, at);
    else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
      for (const [index, one] of before.entries()) {
        const other = after[index];
        if (isObject(one) && isObject(other)) yield* putBacks(one, other, at);
        else if (typeof one !== 'object' && one !== other) yield { path: at, apply: swapped(after, index, one) };
      }
    } else if (after === undefined || (typeof before !== 'object' && before !== after)) {
      yield { path: at, apply: swapped(out, key, before) };
    }
  }
}

const swapped = (holder: object, key: string | number, value: Json) => (): (() => void) => {
  const had = Object.hasOwn(holder, key);
  const before: unknown = Reflect.get(holder, key);
  Reflect.set(holder, key, value);
  return () => {
    if (had) Reflect.set(holder, key, before);
    else Reflect.deleteProperty(holder, key);
  };
};

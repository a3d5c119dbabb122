/**
 * The FHIRPath library, loaded when the first rule needs it: most policies never do, and it costs a fifth of a second.
 * Source: https://github.com/HL7/fhirpath.js
 */
import { createRequire } from 'node:module';
import type { Json } from '../../fhir/resource.ts';
import type { SyntaxNode } from './left-out.ts';

/** A node of the library's, with the way back to the JSON that it stands for. */
export interface LibraryNode {
  /** Its JSON; the library's own object for a number. */
  readonly data: Json | undefined;
  /** What stands beside it in JSON, where it is a primitive. */
  readonly _data: Json | undefined;
  readonly propName: string | null;
  /** Its type, where the library knows it. */
  readonly path: string | null;
  readonly index: number | null;
  readonly parentResNode: LibraryNode | null;
}

export type Evaluate = (context: Json) => readonly unknown[];

interface Library {
  compile(
    expression: string | { base: string; expression: string },
    model: unknown,
    options: { resolveInternalTypes?: boolean; async: false; traceFn: (value: unknown, label: string) => void },
  ): Evaluate;
  parse(expression: string): SyntaxNode;
}

let loaded: { readonly library: unknown; readonly model: unknown } | undefined;

/** The library and its model of R4, as whoever asks sees them: the compatibility engine asks for more than rules do. */
export function loadFhirPath(): { readonly library: unknown; readonly model: unknown } {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url);
    loaded = { library: require('fhirpath'), model: require('fhirpath/fhir-context/r4') };
  }
  return loaded;
}

const load = (): { readonly library: Library; readonly model: unknown } =>
  loadFhirPath() as { readonly library: Library; readonly model: unknown };

/** What makes a rule depend on more than the resource, or tells the resource to somebody. */
const forbiddenCalls = /\b(now|today|timeOfDay|trace|resolve|memberOf|htmlChecks)\s*\(|%terminologies|%factory/;

/** What is wrong with an expression; undefined when it is FHIRPath that a rule may use. */
export function fhirPathMistake(expression: string): string | undefined {
  const called = forbiddenCalls.exec(expression.replace(/'(?:[^'\\]|\\.)*'/g, "''"));
  if (called !== null) {
    return `an expression without ${called[1] ?? called[0]}: the same resource has to give the same result, here and in silence`;
  }
  try {
    load().library.parse(expression);
    return undefined;
  } catch {
    return 'a FHIRPath expression without syntax errors';
  }
}

/** An expression's syntax tree. Throws where it has syntax errors. */
export const parseExpression = (expression: string): SyntaxNode => load().library.parse(expression);

/** `trace` would print what it is given, a patient's name; nothing is asked of servers. */
export const quiet = { async: false, traceFn: (): void => undefined } as const;

/** An expression whose results are the library's nodes. `base` is the type that its context has, where it is no resource. */
export function compileToNodes(expression: string, base?: string): Evaluate {
  const { library, model } = load();
  const source = base === undefined ? expression : { base, expression };
  return library.compile(source, model, { ...quiet, resolveInternalTypes: false });
}

/** An R4 element of each date type, so that a text is compared as a date. */
const dateBases: Readonly<Record<string, string>> = {
  date: 'Patient.birthDate',
  dateTime: 'Condition.recordedDate',
  instant: 'Observation.issued',
};

/** An expression over one primitive value of an R4 type, as `$this`; results are plain values. */
export function compileOnValue(expression: string, type: string): Evaluate {
  const { library, model } = load();
  const base = Object.hasOwn(dateBases, type) ? dateBases[type] : undefined;
  return library.compile(base === undefined ? expression : { base, expression }, model, quiet);
}

/**
 * A rule's path, split as Microsoft's tool splits it: the resource type it starts with, and the expression that is
 * evaluated on resources of that type. Most expressions are steps from element to element and need no FHIRPath library.
 * Source: Tools-for-Health-Data-Anonymization, AnonymizationFhirPathRule.cs and ResourceProcessor.cs
 */

export type Selector =
  /** `Patient`, `Resource`: the resource itself. */
  | { readonly kind: 'resource' }
  /** `nodesByType('X')`, `nodesByType('X').a`: looked up in a table that is made before the first rule runs. */
  | { readonly kind: 'lookup'; readonly by: 'type' | 'name'; readonly word: string; readonly step: string | undefined }
  /** `name.family`, from the resource. */
  | { readonly kind: 'steps'; readonly steps: readonly string[] }
  /** `nodesByType('X').a.b` as a function of FHIRPath, which finds other nodes than the table does. */
  | { readonly kind: 'search'; readonly by: 'type' | 'name'; readonly word: string; readonly steps: readonly string[] }
  /** Anything else. */
  | { readonly kind: 'general' };

export interface RulePath {
  /** Empty: for every type; `Resource` and `DomainResource` likewise. */
  readonly resourceType: string;
  readonly expression: string;
  readonly selector: Selector;
}

const splitForm = /^([A-Z][a-zA-Z]*)?(\.)?(.*?)$/s;
const lookupForm = /^nodesBy(Type|Name)\(['|"]([A-Za-z0-9]+)['|"]\)(?:\.([A-Za-z0-9]+))?$/;
const searchForm = /^nodesBy(Type|Name)\((?:'([A-Za-z0-9]+)'|"([A-Za-z0-9]+)")\)((?:\.[A-Za-z][A-Za-z0-9]*)*)$/;
const stepsForm = /^[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*$/;

/** Words that begin a literal, not a step. */
const literals = new Set(['true', 'false']);

const byOf = (word: string | undefined): 'type' | 'name' => (word === 'Type' ? 'type' : 'name');

function selectorOf(path: string, resourceType: string, expression: string, hasTable: boolean): Selector {
  if (path === resourceType) return { kind: 'resource' };
  const lookup = hasTable ? lookupForm.exec(path) : null;
  if (lookup !== null) return { kind: 'lookup', by: byOf(lookup[1]), word: lookup[2] ?? '', step: lookup[3] };
  const search = searchForm.exec(expression);
  if (search !== null) {
    const steps = (search[4] ?? '').split('.').slice(1);
    return { kind: 'search', by: byOf(search[1]), word: search[2] ?? search[3] ?? '', steps };
  }
  if (stepsForm.test(expression) && !literals.has(expression)) return { kind: 'steps', steps: expression.split('.') };
  return { kind: 'general' };
}

/** Splits a path. fhir-pseudonymizer has no table: there `nodesBy…` is always the function. */
export function parseRulePath(path: string, hasTable: boolean): RulePath {
  const match = splitForm.exec(path);
  const resourceType = match?.[1] ?? '';
  const rest = match?.[3] ?? '';
  const expression = rest === '' ? path : rest;
  return { resourceType, expression, selector: selectorOf(path, resourceType, expression, hasTable) };
}

const everyType = new Set(['', 'Resource', 'DomainResource']);

/** Whether a rule is for resources of a type. */
export const ruleIsFor = (path: RulePath, type: string): boolean =>
  path.resourceType === type || everyType.has(path.resourceType);

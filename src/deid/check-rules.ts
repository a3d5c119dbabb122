/** What the output check asks a policy: by plain search over its rules, remembered for each name and type. */
import type { Json, JsonObject } from '../fhir/resource.ts';
import type { CompiledPolicy, CompiledRule } from './compile.ts';
import { isKeyOfElement } from './path.ts';

/** No rule. */
export const none = Number.MAX_SAFE_INTEGER;

/** A rule whose path the current node has followed for `done` steps. */
export interface Pursuit {
  readonly index: number;
  readonly rule: CompiledRule;
  readonly done: number;
}

/** Bounded, since names come from the data. */
interface Lookups {
  readonly names: Map<string, number>;
  readonly types: Map<string, readonly Pursuit[]>;
}

const lookupsOfPolicy = new WeakMap<CompiledPolicy, Lookups>();
const lookupsLimit = 10_000;

function lookupsOf(policy: CompiledPolicy): Lookups {
  let lookups = lookupsOfPolicy.get(policy);
  if (lookups === undefined) lookupsOfPolicy.set(policy, (lookups = { names: new Map(), types: new Map() }));
  return lookups;
}

/** The first rule that takes elements of this name wherever they stand. */
export function ruleNaming(policy: CompiledPolicy, element: string): number {
  const { names } = lookupsOf(policy);
  const known = names.get(element);
  if (known !== undefined) return known;
  const found = policy.rules.findIndex(({ path }) => path.kind === 'name' && isKeyOfElement(path.name, element));
  const index = found < 0 ? none : found;
  if (names.size < lookupsLimit) names.set(element, index);
  return index;
}

/** The rules whose paths start at resources of this type. */
export function rulesStartingAt(policy: CompiledPolicy, type: string): readonly Pursuit[] {
  const { types } = lookupsOf(policy);
  const known = types.get(type);
  if (known !== undefined) return known;
  const found = policy.rules
    .slice(0, -2) // without the two that stand for the default
    .map((rule, index) => ({ index, rule, done: 0 }))
    .filter(({ rule: { path, method } }) => {
      return method !== 'redact-answers' && path.kind === 'type' && (path.type ?? type) === type;
    });
  if (types.size < lookupsLimit) types.set(type, found);
  return found;
}

/** The first rule that takes the answers of this item, in a resource of this type. */
export function ruleOfAnswers(policy: CompiledPolicy, item: JsonObject, type: string): number {
  if (type !== 'QuestionnaireResponse') return none;
  const said = (word: Json | undefined, words: ReadonlySet<string>): boolean =>
    words.size > 0 &&
    (typeof word === 'string' ? words.has(word.normalize('NFKC').trim().toLowerCase()) : word !== undefined);
  const index = policy.rules.findIndex(
    (rule) => rule.method === 'redact-answers' && (said(item.linkId, rule.linkIds) || said(item.text, rule.texts)),
  );
  return index < 0 ? none : index;
}

/**
 * Which items of a QuestionnaireResponse a `redact-answers` rule takes: by linkId or text, at any depth, with all that
 * is nested below them, in their answers or beside these.
 * Source: https://hl7.org/fhir/R4/questionnaireresponse.html
 */
import type { Json, JsonObject } from '../fhir/resource.ts';
import { normalizeWord } from './compile.ts';
import type { CompiledPolicy } from './compile.ts';
import { maxDepthLevels } from './engine.ts';
import { isObject } from './shape.ts';

/** Something other than a string where a word is due may hide the word: taken, to be safe. */
const matches = (word: Json | undefined, words: ReadonlySet<string>): boolean =>
  word !== undefined && words.size > 0 && (typeof word !== 'string' || words.has(normalizeWord(word)));

/** The item objects whose answers go, each with the first rule that takes it. Undefined when there are none. */
export function answersToRedact(response: JsonObject, policy: CompiledPolicy): Map<JsonObject, number> | undefined {
  if (policy.answerRules.length === 0 || response.resourceType !== 'QuestionnaireResponse') return undefined;
  const taken = new Map<JsonObject, number>();
  const pending: { value: Json; rule: number | undefined; depth: number }[] = [];
  // Not the response itself: its `text` is a narrative, no question.
  for (const value of Object.values(response)) pending.push({ value, rule: undefined, depth: 2 });
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    // The walk itself withholds what is deeper.
    if (typeof value !== 'object' || value === null || depth > maxDepthLevels) continue;
    // A contained resource is looked at as itself.
    if (isObject(value) && typeof value.resourceType === 'string') continue;
    if (Array.isArray(value)) {
      for (const member of value) pending.push({ value: member, rule: next.rule, depth: depth + 1 });
      continue;
    }
    const own = policy.answerRules.find((index) => {
      const rule = policy.rules[index];
      return rule !== undefined && (matches(value.linkId, rule.linkIds) || matches(value.text, rule.texts));
    });
    const rule = own === undefined ? next.rule : Math.min(own, next.rule ?? own);
    if (rule !== undefined) taken.set(value, rule);
    for (const below of Object.values(value)) pending.push({ value: below, rule, depth: depth + 1 });
  }
  return taken.size === 0 ? undefined : taken;
}

/**
 * Rules that no plan can follow, since it takes the data to know where they apply: general FHIRPath, and answers by their
 * question. They are looked for before a resource is walked, and stand in the walk's way as marks.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { AnswerRule, CompiledPolicy } from '../compiled.ts';
import { maxDepthLevels } from '../engine.ts';
import { Positions } from '../plan/positions.ts';
import { isObject, Withheld } from '../shape.ts';

/** Where rules have been found to apply. The smallest number of several wins. */
export interface Marks {
  readonly objects: Map<object, number>;
  /** By the object or list that holds the value, then key or index. */
  readonly leaves: Map<object, Map<string, number>>;
}

/** How answers' words are compared: letter case, space around and width variants do not count. */
export const normalizeWord = (text: string): string => text.normalize('NFKC').trim().toLowerCase();

/** The marks of one resource, added to those of the resources around it; undefined as long as there are none. */
export function marksOf(
  resource: JsonObject,
  type: string,
  policy: CompiledPolicy,
  before: Marks | undefined,
): Marks | undefined {
  const isResponse = type === 'QuestionnaireResponse' && policy.answerRules.length > 0;
  if (!isResponse && policy.generalRules.length === 0) return before;
  const general = policy.generalRules.filter(({ root }) => Positions.startsAt(root, type));
  if (!isResponse && general.length === 0) return before;
  const marks = before ?? { objects: new Map<object, number>(), leaves: new Map<object, Map<string, number>>() };
  if (isResponse) markAnswers(resource, policy.answerRules, marks);
  for (const { rule, find } of general) {
    // The library's errors quote what they were given.
    const found = attempt(() => find(resource, type));
    for (const place of found) {
      if ('object' in place) markObject(marks, place.object, rule);
      else if (place.index === undefined) markLeaf(marks, place.owner, place.key, rule);
      else markLeaf(marks, place.owner[place.key] as Json[], String(place.index), rule);
    }
  }
  return marks;
}

function attempt<Result>(action: () => Result): Result {
  try {
    return action();
  } catch {
    throw new Withheld('rule-failed');
  }
}

function markObject(marks: Marks, object: object, rule: number): void {
  marks.objects.set(object, Math.min(rule, marks.objects.get(object) ?? rule));
}

function markLeaf(marks: Marks, owner: object, key: string, rule: number): void {
  let keys = marks.leaves.get(owner);
  if (keys === undefined) marks.leaves.set(owner, (keys = new Map<string, number>()));
  keys.set(key, Math.min(rule, keys.get(key) ?? rule));
}

/** Something other than a string where a word is due may hide the word: taken, to be safe. */
const matches = (word: Json | undefined, words: ReadonlySet<string>): boolean =>
  word !== undefined && words.size > 0 && (typeof word !== 'string' || words.has(normalizeWord(word)));

const takes = (item: JsonObject, { linkIds, texts, definitions }: AnswerRule): boolean =>
  matches(item.linkId, linkIds) || matches(item.text, texts) || matches(item.definition, definitions);

/**
 * Marks the answers of the items that rules name, at any depth, with all that is nested below them.
 * Source: https://hl7.org/fhir/R4/questionnaireresponse.html
 */
function markAnswers(response: JsonObject, rules: readonly AnswerRule[], marks: Marks): void {
  const pending: { items: Json | undefined; inherited: number | undefined; depth: number }[] = [
    { items: response.item, inherited: undefined, depth: 1 },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    // The walk itself withholds what is deeper, and what is no list of objects.
    if (!Array.isArray(next.items) || next.depth > maxDepthLevels) continue;
    for (const item of next.items.filter(isObject)) {
      const own = rules.find((rule) => takes(item, rule))?.rule;
      const rule = own === undefined ? next.inherited : Math.min(own, next.inherited ?? own);
      pending.push({ items: item.item, inherited: rule, depth: next.depth + 1 });
      const answers = Array.isArray(item.answer) ? item.answer.filter(isObject) : [];
      for (const answer of answers) {
        if (rule !== undefined) markObject(marks, answer, rule);
        pending.push({ items: answer.item, inherited: rule, depth: next.depth + 1 });
      }
    }
  }
}

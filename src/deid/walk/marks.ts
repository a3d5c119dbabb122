/**
 * Rules that no plan can follow, since it takes the data to know where they apply: general FHIRPath, and answers by their
 * question. They are looked for before a resource is walked, and stand in the walk's way as marks.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { AnswerRule, CompiledPolicy } from '../compiled.ts';
import { maxDepthLevels } from '../engine.ts';
import type { LocatedValue } from '../path/general.ts';
import { Positions } from '../plan/positions.ts';
import { isObject, Withheld } from '../shape.ts';

/** Where rules have been found to apply. The smallest number of several wins. */
export interface Marks {
  readonly objects: Map<object, number>;
  /** By the object or list that holds the value, then key or index. */
  readonly leaves: Map<object, Map<string, number>>;
}

/** What forms put behind a question's words without meaning another question. */
const trailing = new Set([' ', ':', '?', '*', '.']);

/**
 * How answers' words are compared: letter case, width variants, how much space there is and a `:`, `?`, `*` or `.` at the
 * end do not count. A loop cuts the end: a pattern would take quadratic time on a long run of such characters.
 */
export function normalizeWord(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  let end = folded.length;
  while (end > 0 && trailing.has(folded.charAt(end - 1))) end -= 1;
  return end === 0 ? folded : folded.slice(0, end);
}

/** A definition is the same in each of its versions: `http://d|1#name` is `http://d#name`. */
export const normalizeDefinition = (text: string): string => normalizeWord(text.replace(/^([^#|]*)\|[^#]*/, '$1'));

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
      else markValue(marks, place, rule, policy.rules[rule]?.method === 'keep');
    }
  }
  return marks;
}

/**
 * A value, or one of a list. Of a list that is not there, with what would stand beside it alone, nothing can be told apart:
 * all of it is taken, unless by a rule that keeps.
 */
function markValue(marks: Marks, { owner, key, index }: LocatedValue, rule: number, keeps: boolean): void {
  const list = owner[key];
  if (index === undefined) markLeaf(marks, owner, key, rule);
  else if (Array.isArray(list)) markLeaf(marks, list, String(index), rule);
  else if (!keeps) markLeaf(marks, owner, key, rule);
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
const matches = (word: Json | undefined, words: ReadonlySet<string>, normalize = normalizeWord): boolean =>
  word !== undefined && words.size > 0 && (typeof word !== 'string' || words.has(normalize(word)));

const takes = (item: JsonObject, { linkIds, texts, definitions }: AnswerRule): boolean =>
  matches(item.linkId, linkIds) ||
  matches(item.text, texts) ||
  matches(item.definition, definitions, normalizeDefinition);

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

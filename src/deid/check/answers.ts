/**
 * Rules on the answers to some questions: which items of a QuestionnaireResponse they mean, as far as the output tells.
 * Source: https://hl7.org/fhir/R4/questionnaireresponse.html
 */
import type { JsonObject } from '../../fhir/resource.ts';
import { either, maybe, no, yes } from './json.ts';
import type { Taker, Truth } from './json.ts';
import type { Place } from './place.ts';
import { inOrder } from './takers.ts';

export const itemType = 'QuestionnaireResponse.item';
export const answerType = 'QuestionnaireResponse.item.answer';

/** Letter case, space around and width variants do not count. */
const normalized = (text: string): string => text.normalize('NFKC').trim().toLowerCase();

/** The rules on the answers of an item, added to those on the answers of the items that it stands in. */
export function answerTakers(place: Place, item: JsonObject, outer: readonly Taker[]): readonly Taker[] {
  const found = place.reading.policy.answerRules.flatMap(({ rule, linkIds, texts, definitions }): Taker[] => {
    const truth = either(
      either(meant(place, item, 'linkId', linkIds), meant(place, item, 'text', texts)),
      meant(place, item, 'definition', definitions),
    );
    return truth === no ? [] : [{ rule, isSure: truth === yes }];
  });
  return found.length === 0 ? outer : inOrder([...found, ...outer]);
}

/** Whether the source's word was one of these. */
function meant(place: Place, item: JsonObject, key: string, words: ReadonlySet<string>): Truth {
  if (words.size === 0) return no;
  const child = place.child(key);
  const word = Object.hasOwn(item, key) ? item[key] : undefined;
  if (typeof word !== 'string') return child.isKept && !place.reading.isGuarded ? no : maybe;
  if (!child.isUnchanged) return maybe;
  if (words.has(normalized(word))) return yes;
  return word.includes('[') ? maybe : no; // masked by the guard
}

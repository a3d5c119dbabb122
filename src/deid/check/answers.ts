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

const closing = ':?*.';

/** The words of a text in small letters of one width, without what stands behind the last of them. */
function normalized(text: string): string {
  const parts = text
    .normalize('NFKC')
    .toLowerCase()
    .split(/\s+/)
    .filter((part) => part !== '');
  const plain = parts.join(' ');
  for (let last = parts.pop(); last !== undefined; last = parts.pop()) {
    let length = last.length;
    while (length > 0 && closing.includes(last.charAt(length - 1))) length -= 1;
    if (length > 0) return [...parts, last.slice(0, length)].join(' ');
  }
  return plain;
}

/** Without its version, which stands between `|` and the end or `#`. */
function unversioned(url: string): string {
  const [address = '', ...fragment] = url.split('#');
  const bar = address.indexOf('|');
  return normalized([bar < 0 ? address : address.slice(0, bar), ...fragment].join('#'));
}

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
  if (words.has(key === 'definition' ? unversioned(word) : normalized(word))) return yes;
  return word.includes('[') ? maybe : no; // masked by the guard
}

/**
 * The parts of a union. FHIRPath's `|` drops values that equal an earlier one; a rule is meant for each place, so each part
 * is asked by itself. Source: https://hl7.org/fhirpath/N1/#union-collections
 */

/** What stands between the outermost `|` of an expression; a `|` in brackets or quotes is left to the library. */
export function unionParts(expression: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  let quote = '';
  for (let at = 0; at < expression.length; at++) {
    const character = expression.charAt(at);
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if ('\'"`'.includes(character)) quote = character;
    else if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === '|' && depth === 0) {
      parts.push(expression.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, expression.slice(start).trim()];
}

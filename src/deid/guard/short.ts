/**
 * Short identifiers: too short to be sought in every text, where two digits are a dose and four may be a year. They are
 * told where nothing else is meant: as a whole value (`X-99`), behind a word that announces a number (`MRN 47`), and
 * alone in a text from four digits on, years aside, or three with a leading zero.
 *
 * Three digits are what half of all measurements have, so `120` in a note is nobody's number before a word says so.
 */

const announcing = new Set('mrn id pid mpi nr no num number acct account chart file record ref reference'.split(' '));

const lengths = { min: 2, max: 4 };
/** Of digits alone two are a score, also where they are all that is written. */
const wholeDigitsMin = 3;
const wholeTextMax = 8;
const yearForm = /^(?:1[89]|2[01])[0-9]{2}$/;
const tellingForm = /^(?:[0-9]{4}|0[0-9]{2})$/;

/** The token of a removed identifier, without its separators; undefined for what is not short, or has no digit. */
export const shortToken = (joined: string): string | undefined =>
  joined.length >= lengths.min && joined.length <= lengths.max && /[0-9]/.test(joined) ? `s:${joined}` : undefined;

/** The token of a number in one with the word that announces it: `MRN47`. */
export const shortBehind = (word: string, digits: string): string | undefined =>
  announcing.has(word) ? shortToken(digits) : undefined;

/** Neither within a measurement, date or version (`4711.5`, `12:47`, `4711-2`), nor a share (`47%`). */
function standsAlone(text: string, start: number, end: number): boolean {
  const before = text.charAt(start - 1);
  const after = text.charAt(end);
  if (before !== '' && '-/._+'.includes(before)) return false;
  if (before !== '' && ':,'.includes(before) && /[0-9]/.test(text.charAt(start - 2))) return false;
  if (after !== '' && '-/_%'.includes(after)) return false;
  return after === '' || !'.,:'.includes(after) || !/[0-9]/.test(text.charAt(end + 1));
}

/** The token of a run of a text, by what stands before it; undefined where it could be anything. */
export function shortTokenAt(text: string, start: number, end: number, wordBefore: string): string | undefined {
  const token = shortToken(text.slice(start, Math.min(end, start + lengths.max + 1)));
  if (token === undefined || !standsAlone(text, start, end)) return undefined;
  if (announcing.has(wordBefore) || text.charAt(start - 1) === '#') return token;
  const run = text.slice(start, end);
  return tellingForm.test(run) && !yearForm.test(run) ? token : undefined;
}

/** The token of a value that is nothing but a short identifier. */
export function shortWhole(text: string): string | undefined {
  const trimmed = text.length > wholeTextMax ? '' : text.trim();
  const joined = trimmed.replace(/[ ./_#-]/g, '');
  if (!/^[a-z0-9]+$/.test(joined)) return undefined;
  return /[a-z]/.test(joined) || joined.length >= wholeDigitsMin ? shortToken(joined) : undefined;
}

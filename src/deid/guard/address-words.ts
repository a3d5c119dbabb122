/**
 * Pairs of neighbouring words: what an address is recognised by. 'Main' tells nothing, 'main st' and '123 main' do.
 * The removed line and the kept text go through the same function, so they cannot disagree about what a pair is.
 */
import { wordKind } from './lexicon.ts';

/** Words of streets and buildings by their usual abbreviation (USPS Publication 28, appendices B and C2, and a few more). */
const abbreviations = new Map(
  Object.entries({
    street: 'st',
    saint: 'st',
    sainte: 'ste',
    suite: 'ste',
    avenue: 'ave',
    av: 'ave',
    road: 'rd',
    boulevard: 'blvd',
    drive: 'dr',
    lane: 'ln',
    court: 'ct',
    place: 'pl',
    square: 'sq',
    highway: 'hwy',
    parkway: 'pkwy',
    terrace: 'ter',
    circle: 'cir',
    trail: 'trl',
    crossing: 'xing',
    apartment: 'apt',
    floor: 'fl',
    building: 'bldg',
    room: 'rm',
    north: 'n',
    south: 's',
    east: 'e',
    west: 'w',
    northeast: 'ne',
    northwest: 'nw',
    southeast: 'se',
    southwest: 'sw',
    fort: 'ft',
    mount: 'mt',
    strasse: 'str',
  }),
);

/** Part of so many addresses that it says nothing of one. */
const generic = new Set(
  (
    'st ave rd blvd dr ln ct pl sq hwy pkwy ter cir trl xing way loop row walk apt ste fl bldg rm unit box po n s e w ne nw se sw ' +
    'ft mt str platz weg gasse rue calle via city town village county state country floor house flat lot block level number no ' +
    'route rural usa uk'
  ).split(' '),
);

const hasDigit = (word: string): boolean => /[0-9]/.test(word);

function abbreviated(word: string): string {
  if (word.length > 8 && word.endsWith('strasse')) return word.slice(0, -4);
  return abbreviations.get(word) ?? word;
}

/** Whether a word of letters tells one address from another. */
function tells(word: string): boolean {
  if (word.length < 3 || generic.has(word)) return false;
  const kind = wordKind(word);
  return kind !== 'function' && kind !== 'particle';
}

/** 'Main St' and 'Elmwood Ward' tell, 'Medical Center' and 'the hospital' do not. */
function wordsTell(a: string, b: string): boolean {
  const tellsA = tells(a);
  const tellsB = tells(b);
  if ((tellsA && wordKind(a) !== 'common') || (tellsB && wordKind(b) !== 'common')) return true;
  return (tellsA && generic.has(b)) || (tellsB && generic.has(a));
}

/** Neither 'apt 3' (an appointment) nor '2 main' (two main vessels) is an address; '5th ave' and '350 st' are. */
function houseNumberTells(number: string, word: string): boolean {
  const long = number.length >= 3;
  if (tells(word)) return long || wordKind(word) === undefined;
  return generic.has(word) && long;
}

/** The pair's token, undefined where the pair says nothing. */
export function pairToken(first: string, second: string): string | undefined {
  const a = abbreviated(first);
  const b = abbreviated(second);
  const digitsInA = hasDigit(a);
  const digitsInB = hasDigit(b);
  if (digitsInA && digitsInB) return undefined;
  const says = digitsInA ? houseNumberTells(a, b) : digitsInB ? houseNumberTells(b, a) : wordsTell(a, b);
  return says ? `${a} ${b}` : undefined;
}

/** A line of one word: a town, mostly. Undefined where it is a word of any address. */
export function singleToken(word: string): string | undefined {
  if (hasDigit(word)) return word.length >= 5 ? word : undefined;
  const short = abbreviated(word);
  if (short.length < 3 || generic.has(short)) return undefined;
  const kind = wordKind(word);
  if (kind === 'title') return undefined;
  return kind === undefined ? word : `c:${word}`;
}

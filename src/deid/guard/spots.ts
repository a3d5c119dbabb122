/**
 * E-mail addresses and URLs in folded text: spans found from what gives them away, `@`, `://` and `www.`.
 * Both ways from there only so many characters, so that a megabyte of `@` takes time in proportion.
 */

import { breakUnit, softUnit } from './fold.ts';

export interface Spot {
  readonly start: number;
  readonly end: number;
}

/** RFC 5321, 4.5.3.1: 64 octets of local part, 255 of domain. */
const localMax = 64;
const domainMax = 255;
const schemeMax = 20;
/** What is longer is compared by its begin. */
const urlMax = 500;

const localUnit = /[\p{L}\p{M}0-9.!#$%&*+/?^_'{|}~-]/u;
const domainUnit = /[\p{L}\p{M}0-9.-]/u;
const edge = /[.'!?/{}|*#&-]/;
const schemeUnit = /[a-z0-9+.-]/;
const urlEnd = new Set(` \t\r\n<>"\\^\`{|}[]${softUnit}${breakUnit}`);
const urlTrail = /[.,;:!?')*]/;

const unitAt = (text: string, at: number): string => text.charAt(at);

/** Spans of e-mail addresses, in order. */
export function emailSpots(text: string): Spot[] {
  const spots: Spot[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < localMax && localUnit.test(unitAt(text, start - 1))) start--;
    while (start < at && edge.test(unitAt(text, start))) start++;
    let end = at + 1;
    while (end < text.length && end - at <= domainMax && domainUnit.test(unitAt(text, end))) end++;
    while (end > at + 1 && edge.test(unitAt(text, end - 1))) end--;
    if (start < at && text.slice(at + 1, end).includes('.')) spots.push({ start, end });
  }
  return spots;
}

/** Spans of URLs with a scheme and an authority, or that begin with `www.`, in order and apart. */
export function urlSpots(text: string): Spot[] {
  const spots: Spot[] = [];
  let done = 0;
  let colon = text.indexOf('://');
  let www = text.indexOf('www.');
  while (colon >= 0 || www >= 0) {
    const first = www < 0 || (colon >= 0 && colon < www) ? colon : www;
    let start = first;
    if (first === colon)
      while (start > done && first - start < schemeMax && schemeUnit.test(unitAt(text, start - 1))) start--;
    let end = first === colon ? first + 3 : first + 4;
    const least = end;
    while (end < text.length && !urlEnd.has(unitAt(text, end))) end++;
    done = end;
    while (end > least && urlTrail.test(unitAt(text, end - 1))) end--;
    if (end > least && (first === www || start < first)) spots.push({ start, end });
    if (colon >= 0 && colon < done) colon = text.indexOf('://', done);
    if (www >= 0 && www < done) www = text.indexOf('www.', done);
  }
  return spots;
}

/** An e-mail address as it is compared; without what stands after a plus too, where there is such a part. */
export function emailTokens(email: string): string[] {
  const plain = email.replace(/\+[^@]*@/, '@');
  return plain === email ? [`e:${email}`] : [`e:${email}`, `e:${plain}`];
}

/** A URL as it is compared: host and path. */
export function urlToken(url: string): string | undefined {
  const hostAndPath = url
    .slice(0, urlMax)
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/^[^/?#]*@/, '')
    .replace(/^www\./, '')
    .replace(/[?#].*$/s, '')
    .replace(/\/+$/, '');
  return hostAndPath.length >= 4 ? `u:${hostAndPath}` : undefined;
}

/** Character references of XHTML: numeric ones, XML's five, and HTML 4's for Latin letters and punctuation. */

/** HTML 4.01, 24.2.1: U+00A0 to U+00FF in order. */
const latin1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot ' +
  'cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml ' +
  'Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig ' +
  'agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ' +
  'ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';

const named = new Map<string, number>(
  Object.entries({
    amp: 0x26,
    lt: 0x3c,
    gt: 0x3e,
    quot: 0x22,
    apos: 0x27,
    OElig: 0x152,
    oelig: 0x153,
    Scaron: 0x160,
    scaron: 0x161,
    Yuml: 0x178,
    ensp: 0x2002,
    emsp: 0x2003,
    thinsp: 0x2009,
    zwnj: 0x200c,
    zwj: 0x200d,
    lrm: 0x200e,
    rlm: 0x200f,
    ndash: 0x2013,
    mdash: 0x2014,
    lsquo: 0x2018,
    rsquo: 0x2019,
    ldquo: 0x201c,
    rdquo: 0x201d,
    bull: 0x2022,
    hellip: 0x2026,
    prime: 0x2032,
    minus: 0x2212,
  }),
);
for (const [index, name] of latin1.split(' ').entries()) named.set(name, 0xa0 + index);

const reference = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));/y;

export interface Entity {
  readonly length: number;
  /** Undefined for a name that is not known here. */
  readonly code: number | undefined;
}

/** The reference that begins at `at`, where there is an ampersand; undefined where it is none. */
export function entityAt(text: string, at: number): Entity | undefined {
  reference.lastIndex = at;
  const match = reference.exec(text);
  if (match === null) return undefined;
  const [whole, decimal, hex, name] = match;
  const code =
    decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : named.get(name ?? '');
  return { length: whole.length, code: code === undefined || code > 0x10ffff ? undefined : code };
}

export function decodeEntities(text: string): string {
  let out = '';
  let done = 0;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    const entity = entityAt(text, at);
    if (entity?.code === undefined) continue;
    out += text.slice(done, at) + String.fromCodePoint(entity.code);
    done = at + entity.length;
  }
  return out + text.slice(done);
}

/**
 * A narrative as a reader sees it: the text outside of tags, entities decoded, with the way back; and what stands in tags.
 *
 * Not a parser of XHTML: it finds where text may stand in anything that calls itself a narrative. An inline tag ties what
 * it stands between (`Sm<b>ith</b>` is one word, and `<b>Jo</b><i>Smith</i>` is two as well), any other ends a line. A
 * `<` that begins no tag is text; a tag that never ends goes with the attributes, whole.
 */
import { decodeEntities, entityAt } from './entities.ts';
import { FoldBuilder, foldText, softUnit } from './fold.ts';
import type { Folded } from './fold.ts';

/** What a tag says that is not its own name: attribute values, comments, processing instructions. */
export interface TagText {
  readonly folded: Folded;
  /** Values that are chosen from a list or name things of the page are compared as codes. */
  readonly kind: 'text' | 'code';
}

export interface Narrative {
  readonly text: Folded;
  readonly inTags: readonly TagText[];
}

const inlineTags = new Set(
  'a abbr acronym b bdo big cite code del dfn em font i img ins kbd label mark q s samp small span strong sub sup tt u var wbr'.split(
    ' ',
  ),
);

const codeAttributes = new Set(
  (
    'align bgcolor border cellpadding cellspacing char charoff charset class clear color cols colspan compact ' +
    'coords dir face frame height hreflang hspace lang media nowrap rel rev rows rowspan rules scope shape size span ' +
    'start style type valign vspace width xml:lang xml:space xmlns'
  ).split(' '),
);

const attribute = /([^\s=<>"'/]{1,100})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

/** Images within a page: base64, in which any short name stands somewhere. */
const isData = (value: string): boolean => /^\s{0,20}data:/i.test(value);

function decodedUri(value: string): string {
  return value.replace(/(?:%[0-9a-fA-F]{2})+/g, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return Buffer.from(escaped.replaceAll('%', ''), 'hex').toString('latin1');
    }
  });
}

/** A URI with its percent-encoding (RFC 3986, 2.1) taken off. */
export const foldUri = (uri: string): Folded => foldText(uri.includes('%') ? decodedUri(uri) : uri);

function readTag(tag: string, inTags: TagText[]): void {
  const name = /^[^\s/>]*/.exec(tag)?.[0] ?? '';
  for (const [, key = '', quoted, single, bare] of tag.slice(name.length).matchAll(attribute)) {
    const value = decodeEntities(quoted ?? single ?? bare ?? '');
    if (value === '' || isData(value)) continue;
    const isCode = codeAttributes.has(key.toLowerCase()) || key.toLowerCase().startsWith('xmlns:');
    inTags.push({ folded: foldUri(value), kind: isCode ? 'code' : 'text' });
  }
}

/** Where the tag that begins at `at` ends, the `>` with it; quoted values may hold one. */
function tagEnd(raw: string, at: number): number {
  let quote = 0;
  for (let unit = at + 1; unit < raw.length; unit++) {
    const code = raw.charCodeAt(unit);
    if (quote !== 0) {
      if (code === quote) quote = 0;
    } else if (code === 0x22 || code === 0x27) quote = code;
    else if (code === 0x3e) return unit + 1;
  }
  return -1;
}

const tagName = /<\/?([A-Za-z][A-Za-z0-9:]{0,30})/y;

export function readNarrative(raw: string): Narrative {
  const builder = new FoldBuilder();
  const inTags: TagText[] = [];
  let textStart = 0;
  let at = 0;
  const flush = (end: number): void => {
    if (end > textStart) builder.addText(raw.slice(textStart, end), textStart);
  };
  while (at < raw.length) {
    const code = raw.charCodeAt(at);
    if (code === 0x26) {
      const entity = entityAt(raw, at);
      if (entity !== undefined) {
        flush(at);
        if (entity.code === undefined) builder.addMark(softUnit, at);
        else builder.addCodePoint(entity.code, at, at + entity.length);
        textStart = at + entity.length;
      }
      at += entity?.length ?? 1;
      continue;
    }
    if (code !== 0x3c) {
      at++;
      continue;
    }
    tagName.lastIndex = at;
    const name = tagName.exec(raw)?.[1];
    const comment = raw.startsWith('<!--', at);
    if (name === undefined && !comment && raw[at + 1] !== '?' && raw[at + 1] !== '!') {
      at++;
      continue;
    }
    flush(at);
    const close = comment ? raw.indexOf('-->', at + 4) + 3 : tagEnd(raw, at);
    const end = close < at + 2 ? raw.length : close;
    if (name !== undefined && end === close) readTag(raw.slice(at + 1, end - 1), inTags);
    else inTags.push({ folded: foldText(decodeEntities(raw.slice(at, end))), kind: 'text' });
    builder.addMark(name === undefined || inlineTags.has(name.toLowerCase()) ? softUnit : '\n', end);
    textStart = end;
    at = end;
  }
  flush(raw.length);
  return { text: builder.build(raw), inTags };
}

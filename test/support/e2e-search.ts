/**
 * Looks for canaries, strings that stand for a person's data, byte by byte wherever a leak could come to rest: plain,
 * as Base64 (at each of its three alignments), in URLs, in JSON escapes, as hexadecimal digits and in UTF-16.
 */

/** Where something could have leaked to, and what lies there. */
export interface Sink {
  readonly name: string;
  readonly bytes: Buffer;
}

interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}

/** What was found, as `<sink>: <canary> (<encoding>)`; empty where all is well. */
export function search(sinks: readonly Sink[], canaries: readonly string[]): string[] {
  const needles = canaries.flatMap(encodings);
  return sinks.flatMap(({ name, bytes }) =>
    needles.filter((needle) => bytes.includes(needle.bytes)).map(({ what }) => `${name}: ${what}`),
  );
}

/** A canary as it may stand somewhere. */
function encodings(canary: string): Needle[] {
  const plain = Buffer.from(canary);
  const escaped = canary.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const url = encodeURIComponent(canary);
  const texts: [string, string][] = [
    ['plain', canary],
    ['json', escaped],
    ['url', url],
    ['url', url.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())],
    ['url', new URLSearchParams({ v: canary }).toString().slice(2)],
    ['hex', plain.toString('hex')],
    ['hex', plain.toString('hex').toUpperCase()],
    ...[0, 1, 2].flatMap((offset) => {
      const base64 = base64At(plain, offset);
      return [
        ['base64', base64],
        ['base64url', base64.replaceAll('+', '-').replaceAll('/', '_')],
      ] as [string, string][];
    }),
  ];
  // The first name of a text that several encodings give.
  const unique = new Map(texts.map(([kind, text]): [string, string] => [text, kind]).reverse());
  return [
    ...[...unique].map(([text, kind]) => ({ what: `${canary} (${kind})`, bytes: Buffer.from(text) })),
    { what: `${canary} (utf-16)`, bytes: Buffer.from(canary, 'utf16le') },
  ];
}

/** The characters of Base64 that depend on the text alone where `offset` bytes (mod 3) stand before it. */
function base64At(text: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), text])
    .toString('base64')
    .replaceAll('=', '');
  const start = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + text.length) * 8) / 6);
  return encoded.slice(start, end);
}

/** How a JSON document is written, so that its output can be written likewise. */

/** What stands before a member one level down; empty for a document on one line. */
export type Indent = string;

/** JSON.stringify takes no more. */
const indentMax = 10;

export function indentOf(bytes: Uint8Array): Indent {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('utf8');
  return /^\s*\{[ \t\r]*\n([ \t]+)"/.exec(start.replace(/^\uFEFF/, ''))?.[1]?.slice(0, indentMax) ?? '';
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** JSON text with other white space and the same tokens: `1.50` stays `1.50`. */
export function reindented(text: string, indent: Indent): string {
  if (indent === '') return text;
  let out = '';
  let depth = 0;
  let last = '';
  const line = (): string => `\n${indent.repeat(depth)}`;
  for (const [part] of text.matchAll(token)) {
    const opened = last === '{' || last === '[';
    if (part === '}' || part === ']') {
      depth -= 1;
      out += opened ? part : line() + part;
    } else if (part === ',') out += part;
    else if (part === ':') out += ': ';
    else out += opened || last === ',' ? line() + part : part;
    if (part === '{' || part === '[') depth += 1;
    last = part;
  }
  return out;
}

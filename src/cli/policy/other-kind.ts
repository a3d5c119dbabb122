/**
 * What a file is that is no policy: bytes, or data. Told before it is parsed, since a parser of YAML has a mistake for each of
 * its lines, and would quote the keys of data.
 */
import { isUtf8 } from 'node:buffer';

/** Names the kind; undefined for what may be a policy or another tool's configuration. */
export function otherKind(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0) || !isUtf8(bytes)) return 'no text in UTF-8';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  if (!/^\s*\{/.test(text)) return undefined;
  const [first = '', second] = text.split('\n').filter((line) => line.trim() !== '');
  const line = objectOf(first);
  if (line !== undefined && second?.trim().startsWith('{') === true) return 'lines of JSON (NDJSON)';
  const whole = line ?? objectOf(text);
  return typeof whole?.resourceType === 'string' ? 'a FHIR resource' : undefined;
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

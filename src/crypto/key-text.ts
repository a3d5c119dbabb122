/**
 * Keys as text: what a key file or an environment variable holds.
 *
 * One key a line, `v<version>:<base64 of 32 bytes>`; commas separate entries as well as line ends do, so that a whole
 * ring fits an environment variable. Blank lines and `#` comments are skipped.
 */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { KeyProblem } from './keyring.ts';

/** AES-256 and HMAC-SHA-256 both take 32 bytes. */
export const KEY_BYTES = 32;

/** More than a thousand keys is a wrong file, not a keyring. */
const KEY_TEXT_BYTES_MAX = 64 * 1024;
const KEY_VERSION_MAX = 0xffff_ffff;
const READABLE_BY_OTHERS = 0o077;

/** One entry of a key text. */
export interface KeyEntry {
  readonly version: number;
  readonly key: Uint8Array;
}

/** Parses key text. Throws `KeyProblem` naming `label` and the line number, never the text. */
export function parseKeyText(label: string, text: string): KeyEntry[] {
  const entries: KeyEntry[] = [];
  const versions = new Set<number>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  lines.forEach((line, index) => {
    const where = `${label} key, line ${String(index + 1)}`;
    for (const part of line.replace(/#.*$/, '').split(',')) {
      const entryText = part.trim();
      if (entryText === '') continue;
      const entry = parseEntry(entryText, where);
      if (versions.has(entry.version)) throw new KeyProblem('key-duplicate-version', where);
      versions.add(entry.version);
      entries.push(entry);
    }
  });
  if (entries.length === 0) throw new KeyProblem('key-empty', `${label} key`);
  return entries;
}

function parseEntry(text: string, where: string): KeyEntry {
  const match = /^v([1-9][0-9]{0,9}):([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const version = Number(match?.[1]);
  const base64 = match?.[2];
  if (base64 === undefined || version > KEY_VERSION_MAX) throw new KeyProblem('key-malformed', where);
  const key = Buffer.from(base64, 'base64');
  // Node's decoder forgives missing padding and stray bits; a key that does not read back as written was mistyped.
  if (key.toString('base64') !== base64) throw new KeyProblem('key-malformed', where);
  if (key.length !== KEY_BYTES) throw new KeyProblem('key-wrong-length', where);
  return { version, key: new Uint8Array(key) };
}

/** A fresh random key as a line of key text (without the line end). */
export function generateKeyLine(version: number): string {
  if (!Number.isSafeInteger(version) || version < 1 || version > KEY_VERSION_MAX) {
    throw new KeyProblem('key-malformed', 'a key version is a whole number from 1 on');
  }
  return `v${String(version)}:${randomBytes(KEY_BYTES).toString('base64')}`;
}

/**
 * Reads a key file's text. A file that its group or others may touch is refused: whoever could read it has the key
 * already, and going on would hide that.
 */
export async function readKeyFile(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => {
    throw new KeyProblem('key-file-unreadable', path);
  });
  try {
    // Asked of the open file, not of the path: what is checked is what is read.
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > KEY_TEXT_BYTES_MAX) throw new KeyProblem('key-file-unreadable', path);
    if ((stat.mode & READABLE_BY_OTHERS) !== 0) {
      throw new KeyProblem('key-file-open', `group or others may read ${path}; run: chmod 600 ${path}`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

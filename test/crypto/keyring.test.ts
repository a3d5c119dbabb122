import { describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { generateKeyLine, readKeyFile } from '../../src/crypto/key-text.ts';
import type { KeyProblem } from '../../src/crypto/keyring.ts';
import { parseKeyring, requireDistinctKeys } from '../../src/crypto/local-keyring.ts';

const one = Buffer.alloc(32, 1).toString('base64');
const two = Buffer.alloc(32, 2).toString('base64');

function problemOf(work: () => unknown): KeyProblem {
  try {
    work();
  } catch (error) {
    return error as KeyProblem;
  }
  throw new Error('nothing was thrown');
}

describe('key text', () => {
  it('reads lines, comments, blank lines, and commas; the highest version is current', () => {
    const ring = parseKeyring('staging', `# staging keys\r\n\r\nv2:${two} # since May\n v1:${one}\n`);
    expect(ring.currentVersion).toBe(2);
    expect(Buffer.from(ring.key(1)).toString('base64')).toBe(one);
    expect(parseKeyring('staging', `v1:${one},v10:${two}`).currentVersion).toBe(10);
  });

  it.each([
    ['key-empty', '# none\n\n'],
    ['key-malformed', 'v1'],
    ['key-malformed', one],
    ['key-malformed', `v0:${one}`],
    ['key-malformed', `v01:${one}`],
    ['key-malformed', `v9999999999:${one}`],
    ['key-malformed', `v1:${one.slice(0, -1)}`],
    ['key-malformed', `v1:${one.slice(0, 20)} ${one.slice(20)}`],
    // Not canonical: the last character carries bits that no byte has.
    ['key-malformed', `v1:${one.slice(0, -2)}F=`],
    ['key-wrong-length', `v1:${Buffer.alloc(16).toString('base64')}`],
    ['key-wrong-length', `v1:${Buffer.alloc(33).toString('base64')}`],
    ['key-duplicate-version', `v1:${one}\nv1:${two}`],
  ])('refuses with %s', (code, text) => {
    expect(problemOf(() => parseKeyring('staging', text)).code).toBe(code);
  });

  it('names the line of a bad key and never its text', () => {
    const { message } = problemOf(() => parseKeyring('payload', `v1:${one}\n\nv2:${two}SECRET`));
    expect(message).toBe('key-malformed: payload key, line 3');
  });

  it('makes lines that it reads', () => {
    const line = generateKeyLine(7);
    expect(parseKeyring('payload', line).key(7)).toHaveLength(32);
    expect(generateKeyLine(7)).not.toBe(line);
    expect(problemOf(() => generateKeyLine(0)).code).toBe('key-malformed');
  });
});

describe('keyring', () => {
  const ring = parseKeyring('staging', `v1:${one}\nv3:${two}`);

  it('does not know versions it was not given', () => {
    expect(problemOf(() => ring.key(2)).code).toBe('key-version-unknown');
  });

  it('prints no key', () => {
    const shown = `${inspect(ring, { depth: 9, showHidden: true })} ${JSON.stringify(ring)}`;
    expect(shown).not.toMatch(/01, 1|Uint8Array|AQEB/);
  });

  it('hands out copies', () => {
    ring.key(1).fill(9);
    expect(ring.key(1)[0]).toBe(1);
  });

  it('refuses one key in two purposes', () => {
    const payload = parseKeyring('payload', `v5:${two}`);
    expect(
      problemOf(() => {
        requireDistinctKeys([ring, payload]);
      }).message,
    ).toBe('key-shared: staging v3 and payload v5');
    expect(() => {
      requireDistinctKeys([ring, parseKeyring('payload', generateKeyLine(1))]);
    }).not.toThrow();
  });
});

describe('key file', () => {
  it('is read only while it is its owner’s alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-key-'));
    try {
      const path = join(folder, 'staging.key');
      await writeFile(path, `v1:${one}\n`, { mode: 0o600 });
      expect(parseKeyring('staging', await readKeyFile(path)).currentVersion).toBe(1);
      for (const mode of [0o640, 0o604, 0o620, 0o601]) {
        await chmod(path, mode);
        await expect(readKeyFile(path)).rejects.toMatchObject({
          code: 'key-file-open',
          message: expect.stringContaining('chmod 600'),
        });
      }
      await expect(readKeyFile(join(folder, 'absent'))).rejects.toMatchObject({ code: 'key-file-unreadable' });
      await expect(readKeyFile(folder)).rejects.toMatchObject({ code: 'key-file-unreadable' });
      await writeFile(join(folder, 'large'), Buffer.alloc(70_000), { mode: 0o600 });
      await expect(readKeyFile(join(folder, 'large'))).rejects.toMatchObject({ code: 'key-file-unreadable' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** A file that is written at the end: what it refuses to write over, and what becomes of the one that stood there. */
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { targetFile } from '../../../src/cli/deid/replace-file.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-replace-'))));
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

describe('a file that is read as well', () => {
  it.each<[string, (file: string, other: string) => Promise<void>]>([
    ['by its name', async () => undefined],
    ['by a symbolic link', symlink],
    ['by a hard link', link],
  ])('is refused %s, and stays as it is', async (how, make) => {
    await writeFile(at('data'), 'patients');
    await make(at('data'), at('other'));
    const target = how === 'by its name' ? at('data') : at('other');
    await expect(targetFile(target, [{ what: 'the input', file: at('data') }])).rejects.toThrow(
      `${target}: the same file as the input ${at('data')}; nothing was written`,
    );
    expect(await readFile(at('data'), 'utf8')).toBe('patients');
  });

  it('is not taken for another of the same content, or for a file that is not there', async () => {
    await writeFile(at('data'), 'patients');
    await writeFile(at('copy'), 'patients');
    const reads = [
      { what: 'the input', file: at('data') },
      { what: 'the policy', file: at('safe-harbor') },
    ];
    await (await targetFile(at('copy'), reads)).write('report');
    expect(await readFile(at('copy'), 'utf8')).toBe('report');
  });
});

describe('the file that stood there', () => {
  it('stays until all is written, and keeps its mode', async () => {
    await writeFile(at('report'), 'earlier', { mode: 0o640 });
    await chmod(at('report'), 0o640);
    const target = await targetFile(at('report'), []);
    expect(await readFile(at('report'), 'utf8')).toBe('earlier');
    await target.write('later');
    expect(await readFile(at('report'), 'utf8')).toBe('later');
    expect((await stat(at('report'))).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(['report']);
  });

  it('is replaced behind a symbolic link, which stays', async () => {
    await mkdir(at('real'));
    await writeFile(at('real/report'), 'earlier');
    await symlink(at('real/report'), at('report'));
    await (await targetFile(at('report'), [])).write('later');
    expect(await readFile(at('real/report'), 'utf8')).toBe('later');
    expect((await readdir(folder)).toSorted()).toEqual(['real', 'report']);
  });

  it('is made where there was none, and nothing else is', async () => {
    await (await targetFile(at('report'), [])).write('report');
    expect(await readdir(folder)).toEqual(['report']);
  });
});

describe('what cannot be written', () => {
  it('is told beforehand', async () => {
    for (const file of [folder, at('no/such/folder'), '', `${at('report')}/`]) {
      await expect(targetFile(file, [])).rejects.toThrow(`${file}: cannot be written`);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('is told at the end where the folder went, with the code alone', async () => {
    await mkdir(at('gone'));
    const target = await targetFile(at('gone/report'), []);
    await rm(at('gone'), { recursive: true });
    await expect(target.write('report')).rejects.toThrow(`${at('gone/report')}: cannot be written (ENOENT)`);
  });

  it('is no device: that is written to as it is', async () => {
    await (await targetFile('/dev/null', [{ what: 'the input', file: '/dev/null' }])).write('report');
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });
});

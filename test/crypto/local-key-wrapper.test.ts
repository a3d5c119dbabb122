import { describe, expect, it } from '@jest/globals';
import { localKeyWrapper } from '../../src/crypto/local-key-wrapper.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';

/** The data key of 32 sevens, wrapped under v1 for 'batch-1', by another implementation (Python). */
const VECTOR =
  '001f3e5d7c9bbad9f81736557493b2d1f00f2e4d6c8baac9e80726456483a2c17d8c6e09ef2d3ad52a0d624cf9108d783467' +
  '6397c34d0c74dd716b248ad0e1f0c9bc1eb783b851070e67d3df945c1e7ea6dfdcff30e6da5ccf1de27bd94f96a2d58b176b' +
  '4633a4f2dcddfae0f59a73aa';

const line = (version: number): string => `v${version}:${Buffer.alloc(32, version).toString('base64')}`;
const wrapper = localKeyWrapper(parseKeyring('staging', line(1)));
const dataKey = Buffer.alloc(32, 7);
const context = Buffer.from('batch-1');

describe('local key wrapper', () => {
  it('opens the published vector', async () => {
    const opened = await wrapper.unwrap({ keyVersion: 1, wrapped: Buffer.from(VECTOR, 'hex') }, context);
    expect(Buffer.from(opened).equals(dataKey)).toBe(true);
  });

  it('wraps under the current version and unwraps older ones', async () => {
    const old = await wrapper.wrap(dataKey, context);
    const rotated = localKeyWrapper(parseKeyring('staging', `${line(1)},${line(2)}`));
    expect(Buffer.from(await rotated.unwrap(old, context)).equals(dataKey)).toBe(true);
    const fresh = await rotated.wrap(dataKey, context);
    expect([old.keyVersion, fresh.keyVersion]).toEqual([1, 2]);
    await expect(wrapper.unwrap(fresh, context)).rejects.toMatchObject({ code: 'key-version-unknown' });
  });

  it('refuses another context, another version and every flipped byte', async () => {
    const { wrapped } = await wrapper.wrap(dataKey, context);
    await expect(wrapper.unwrap({ keyVersion: 1, wrapped }, Buffer.from('batch-2'))).rejects.toThrow('seal-broken');
    const twin = Buffer.alloc(32, 1).toString('base64');
    const twins = localKeyWrapper(parseKeyring('staging', `v1:${twin},v2:${twin}`));
    await expect(twins.unwrap({ keyVersion: 2, wrapped }, context)).rejects.toThrow('seal-broken');
    for (let at = 0; at < wrapped.length; at += 1) {
      const altered = Buffer.from(wrapped);
      altered[at] = altered[at]! ^ 1;
      await expect(wrapper.unwrap({ keyVersion: 1, wrapped: altered }, context)).rejects.toThrow('seal-broken');
    }
    await expect(wrapper.unwrap({ keyVersion: 1, wrapped: new Uint8Array(3) }, context)).rejects.toThrow('seal-broken');
  });

  it('takes the staging keyring only', () => {
    expect(() => localKeyWrapper(parseKeyring('payload', line(1)))).toThrow('key-wrong-purpose');
  });
});

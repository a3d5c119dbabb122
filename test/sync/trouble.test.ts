import { describe, expect, it } from '@jest/globals';

import { isTroubleCode, troubleOfStatus, troubles } from '../../src/sync/trouble.ts';

describe('the table of troubles', () => {
  it.each(Object.entries(troubles))('says of %s its kind, what it means and what mends it', (code, trouble) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(['transient', 'operator', 'lost', 'resync', 'bug']).toContain(trouble.kind);
    expect(trouble.means).toMatch(/^[A-Z].*\.$/);
    expect(trouble.cure).toMatch(/^[A-Z].*[.`]$/);
  });

  it('names the resync where only that helps', () => {
    for (const { kind, cure } of Object.values(troubles))
      if (kind === 'resync') expect(cure).toContain('sluice resync');
  });

  it('has the same codes for a source as for a target', () => {
    const of = (side: string): string[] =>
      Object.keys(troubles)
        .filter((code) => code.startsWith(`${side}-`))
        .map((code) => code.slice(side.length + 1))
        .filter((code) => code !== 'restored' && code !== 'conflict');
    expect(of('source')).toEqual(of('target'));
  });
});

describe('a code', () => {
  it('is known or not, also where it is the name of something else', () => {
    expect(isTroubleCode('state-lost')).toBe(true);
    for (const other of ['', 'STATE-LOST', 'toString', '__proto__', null, undefined])
      expect(isTroubleCode(other)).toBe(false);
  });
});

describe('the trouble of a status', () => {
  const expected: Record<number, string> = {
    300: 'refuses',
    302: 'refuses',
    400: 'refuses',
    401: 'unauthenticated',
    403: 'forbidden',
    404: 'lacks-route',
    405: 'lacks-route',
    408: 'failing',
    409: 'failing',
    410: 'lacks-route',
    412: 'failing',
    413: 'refuses',
    415: 'refuses',
    422: 'refuses',
    425: 'failing',
    429: 'busy',
    500: 'failing',
    502: 'failing',
    503: 'busy',
    504: 'failing',
    599: 'failing',
  };
  it.each(Object.entries(expected))('%s is %s, on either side', (status, code) => {
    expect(troubleOfStatus('source', Number(status))).toBe(`source-${code}`);
    expect(troubleOfStatus('target', Number(status))).toBe(`target-${code}`);
  });

  it('is a code of the table for every status', () => {
    for (let status = 0; status < 1_000; status++) expect(isTroubleCode(troubleOfStatus('target', status))).toBe(true);
  });
});

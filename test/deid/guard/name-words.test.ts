/** A family and a given name that are written as one word. */
import { describe, expect, it } from '@jest/globals';
import { wholeNameWords } from '../../../src/deid/guard/name-words.ts';
import { tokensIn } from '../../../src/deid/guard/tokens.ts';

const isFound = (family: string, given: readonly string[], text: string): boolean => {
  const words = wholeNameWords(family, given);
  return tokensIn(text, 'text').some((token) => words.includes(token));
};

describe('a whole name', () => {
  it.each<[string, string[], string]>([
    ['李', ['小龙'], '患者李小龙先生'],
    ['김', ['철수'], '환자김철수는'],
    ['Smith', ['Prince'], 'user princesmith'],
    ['Smith', ['Prince'], 'SMITHPRINCE'],
    ['Kowalczyk', ['Zbigniew', 'Jan'], 'zbigniewkowalczyk'],
    ['Kowalczyk', ['Zbigniew', 'Jan'], 'kowalczykzbigniewjan'],
    ['Müller', ['Jörg'], 'jorgmuller'],
  ])('%s, %j is found in %j', (family, given, text) => {
    expect(isFound(family, given, text)).toBe(true);
  });

  it('has no words where one of the two is not there', () => {
    expect(wholeNameWords('Smith', [])).toEqual([]);
    expect(wholeNameWords('', ['Prince'])).toEqual([]);
  });

  it('is no everyday word put together of two', () => {
    expect(wholeNameWords('An', ['Me'])).not.toContain('mean');
  });
});

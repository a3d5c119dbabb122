/** Work side by side, results in order, bounded. */
import { describe, expect, it } from '@jest/globals';

import { inOrder } from '../../../src/cli/deid/in-order.ts';

async function* numbers(count: number, onNext: () => void = () => {}): AsyncGenerator<number> {
  for (let index = 0; index < count; index++) {
    onNext();
    yield index;
  }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

describe('inOrder', () => {
  it('gives results in the order of the pieces, whichever is done first', async () => {
    const results: number[] = [];
    const run = async (piece: number): Promise<number> => {
      await turns(((piece * 7) % 5) * 20);
      return piece;
    };
    for await (const result of inOrder(numbers(30), run, 4)) results.push(result);
    expect(results).toEqual([...Array(30).keys()]);
  });

  it('reads no further ahead than it may', async () => {
    let read = 0;
    const results = inOrder(
      numbers(30, () => (read += 1)),
      async (piece) => piece,
      3,
    );
    for (let taken = 1; taken <= 10; taken++) {
      await results.next();
      expect(read).toBeLessThanOrEqual(taken + 2);
    }
    await results.return(undefined);
  });

  it('fails with what failed, when its turn comes, after the others have ended', async () => {
    let ended = 0;
    const run = async (piece: number): Promise<number> => {
      if (piece === 2) throw new Error('piece 2');
      await turns(piece * 10);
      ended += 1;
      return piece;
    };
    const results: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const result of inOrder(numbers(6), run, 5)) results.push(result);
    };
    await expect(reading()).rejects.toThrow('piece 2');
    expect(results).toEqual([0, 1]);
    expect(ended).toBeGreaterThanOrEqual(4);
  });
});

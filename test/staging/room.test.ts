import { describe, expect, it } from '@jest/globals';
import { Room } from '../../src/staging/room.ts';

const full = { code: 'staging-full' };

describe('room', () => {
  it('is taken, given back and filled within its bound, without a count', async () => {
    const room = new Room(100, () => Promise.reject(new Error('counted')));
    await room.take(60);
    room.giveBack(60);
    await room.take(100);
    room.filled(100);
    room.freed(100);
    await room.take(100);
  });

  it('is counted before it is refused', async () => {
    let stored = 100;
    const room = new Room(100, () => Promise.resolve(stored));
    await room.recount();
    await expect(room.take(1)).rejects.toMatchObject(full);
    stored = 40;
    await room.take(60);
    await expect(room.take(1)).rejects.toMatchObject(full);
  });

  it('is counted once for all who ask at the same time', async () => {
    let counts = 0;
    const room = new Room(0, async () => {
      counts += 1;
      await Promise.resolve();
      return 0;
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => room.take(1)));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(counts).toBe(1);
  });

  it('is never more than there is: what is filled during a count is added to it', async () => {
    let finish = (_: number): void => undefined;
    const room = new Room(100, () => new Promise((resolve) => (finish = resolve)));
    await room.take(60);
    const counting = room.recount();
    room.filled(60);
    finish(0);
    await counting;
    const refused = expect(room.take(50)).rejects.toMatchObject(full);
    await Promise.resolve();
    finish(60);
    await refused;
  });

  it('does not grow by deletions of what was never counted', async () => {
    const room = new Room(100, () => Promise.resolve(0));
    room.freed(1000);
    await expect(room.take(101)).rejects.toMatchObject(full);
  });
});

/**
 * The bound on all objects of a bucket together. It counts this process's writes as they happen, and everybody's when it counts
 * anew: at the start, with each sweep, and before it refuses. It may count too much in between (an object that was replaced
 * counts twice), never for longer than that.
 */
import { StagingProblem } from './staging.ts';

export class Room {
  readonly #bytesMax: number;
  readonly #count: () => Promise<number>;
  /** Bytes of finished objects. */
  #storedBytes = 0;
  /** Bytes that this process is writing. */
  #writingBytes = 0;
  /** Bytes that this process has finished writing; only goes up. */
  #filledBytes = 0;
  #counting: Promise<void> | undefined;

  /** `count` counts all objects there are. */
  constructor(bytesMax: number, count: () => Promise<number>) {
    this.#bytesMax = bytesMax;
    this.#count = count;
  }

  /** Takes room for what is about to be written. Throws `staging-full`, having taken nothing. */
  async take(bytes: number): Promise<void> {
    if (!this.#fits(bytes)) {
      await this.recount();
      if (!this.#fits(bytes)) throw new StagingProblem('staging-full');
    }
    this.#writingBytes += bytes;
  }

  /** What was taken is an object now. */
  filled(bytes: number): void {
    this.#writingBytes -= bytes;
    this.#storedBytes += bytes;
    this.#filledBytes += bytes;
  }

  /** What was taken was not written. */
  giveBack(bytes: number): void {
    this.#writingBytes -= bytes;
  }

  /** Objects were deleted; some may never have been counted, being another process's. */
  freed(bytes: number): void {
    this.#storedBytes = Math.max(0, this.#storedBytes - bytes);
  }

  /** Counts anew, once for all who ask meanwhile. */
  async recount(): Promise<void> {
    this.#counting ??= this.#countAll().finally(() => {
      this.#counting = undefined;
    });
    await this.#counting;
  }

  async #countAll(): Promise<void> {
    const before = this.#filledBytes;
    const bytes = await this.#count();
    // What was written meanwhile may not be among them.
    this.#storedBytes = bytes + this.#filledBytes - before;
  }

  #fits(bytes: number): boolean {
    return this.#storedBytes + this.#writingBytes + bytes <= this.#bytesMax;
  }
}

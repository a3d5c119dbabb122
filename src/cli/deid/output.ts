/** Standard output, with backpressure, and without a fuss when whoever reads it has had enough. */
import type { Writable } from 'node:stream';

export interface Output {
  /** Writes; false once nobody reads any more. Throws {@link OutputProblem} where it cannot be written. */
  write(bytes: Uint8Array | string): Promise<boolean>;
  /** When all is written. */
  end(): Promise<void>;
}

/** Output could not be written, for another reason than that nobody reads it. */
export class OutputProblem extends Error {
  constructor(code: string) {
    super(`standard output cannot be written (${code})`);
    this.name = 'OutputProblem';
  }
}

/** `head` and its like close a pipe as soon as they have what they want. */
const isClosed = (code: string): boolean => code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';

export function outputTo(stream: Writable = process.stdout): Output {
  let failure: string | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => (failure ??= error.code ?? 'unknown'));
  const failed = (): boolean => {
    if (failure === undefined) return false;
    if (isClosed(failure)) return true;
    throw new OutputProblem(failure);
  };
  // Called back when it is flushed, or can no longer be: that is the backpressure.
  const flushed = (bytes: Uint8Array | string): Promise<void> =>
    new Promise((resolve) => stream.write(bytes, () => resolve()));
  return {
    write: async (bytes) => {
      if (failed()) return false;
      await flushed(bytes);
      return !failed();
    },
    end: async () => {
      if (failed()) return;
      await flushed('');
      failed();
    },
  };
}

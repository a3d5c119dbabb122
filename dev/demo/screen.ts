/** What the demo says: lines, and one line of progress that stays where it is on a terminal. */

/** Elsewhere than on a terminal a line of progress is printed at most this often. */
const plainEveryMs = 2_000;
const plainColumns = 80;

type Output = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };

export class Screen {
  readonly #output: Output;
  readonly #now: () => number;
  #inPlace = '';
  #last = '';
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(output: Output = process.stdout, now: () => number = Date.now) {
    this.#output = output;
    this.#now = now;
  }

  /** A line, or several. */
  say(text: string): void {
    this.#leave();
    this.#output.write(`${text}\n`);
  }

  /** The line of progress: replaces the one before. */
  progress(line: string): void {
    if (this.#output.isTTY === true) {
      // A terminal that does not know its width says 0.
      const columns = this.#output.columns ?? 0;
      this.#inPlace = line.slice(0, (columns > 0 ? columns : plainColumns) - 1);
      this.#output.write(`\r\u001b[K${this.#inPlace}`);
      return;
    }
    if (line === this.#last || this.#now() - this.#lastAtMs < plainEveryMs) return;
    this.#last = line;
    this.#lastAtMs = this.#now();
    this.#output.write(`${line}\n`);
  }

  /** Ends the line of progress: what comes next stands below it. */
  #leave(): void {
    if (this.#inPlace !== '') this.#output.write('\n');
    this.#inPlace = '';
  }
}

/** What callers of the client do wrong. */

/** A type that is in none of the configuration's streams. */
export class UnknownTypeProblem extends Error {
  constructor(type: string, known: readonly string[]) {
    super(`${type} is in no stream of this sluice.yaml. Streams: ${known.join(', ')}`);
    this.name = 'UnknownTypeProblem';
  }
}

/** A call that cannot be meant so; its message says why. */
export class UsageProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageProblem';
  }
}

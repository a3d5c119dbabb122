import type { JsonObject } from '../fhir/resource.ts';

/** Which requests a fault hits; all that is given must fit. */
export interface FaultMatch {
  readonly method?: string;
  /** Tried on the path with its query. */
  readonly pathRegex?: RegExp | string;
  readonly bodyIncludes?: string;
}

/** What goes wrong. */
export type FaultAction =
  /** Answers this; with `applied` the request has taken effect all the same, as behind a proxy that lost patience. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | JsonObject;
      readonly applied?: boolean;
    }
  /** Does what is asked and cuts the connection in the middle of the body. */
  | { readonly kind: 'cut' }
  /** Does what is asked and drops the connection without a byte of an answer. */
  | { readonly kind: 'drop' }
  /** Cuts the connection before anything is done. */
  | { readonly kind: 'refuse' }
  /** Never answers; with `applied` the request has taken effect. */
  | { readonly kind: 'hang'; readonly applied?: boolean }
  /** Waits, then goes on as usual. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Does what is asked and sends the first half of the answer's JSON as if that were all of it. */
  | { readonly kind: 'truncate' }
  /** Does nothing and answers 200 with something that is no JSON. */
  | { readonly kind: 'malformed' }
  /** The 412 of a transaction that could not be serialized; nothing is applied. */
  | { readonly kind: 'conflict' };

/** One planned fault. */
export interface Fault {
  readonly match?: FaultMatch;
  /** How many matching requests it hits; once by default. */
  readonly times?: number;
  /** How many matching requests pass before it begins. */
  readonly skip?: number;
  readonly action: FaultAction;
}

interface Planned {
  readonly fault: Fault;
  skip: number;
  times: number;
}

/** The faults that are still to come, in the order in which they are tried. */
export class Faults {
  #planned: Planned[] = [];
  #hitCount = 0;

  push(...faults: readonly Fault[]): void {
    for (const fault of faults) this.#planned.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 });
  }

  clear(): void {
    this.#planned = [];
  }

  /** Faults that have hits left. */
  get pendingCount(): number {
    return this.#planned.length;
  }

  /** Requests that were hit so far. */
  get hitCount(): number {
    return this.#hitCount;
  }

  /** The fault that hits a request, used up by one. */
  take(method: string, path: string, body: string): FaultAction | undefined {
    for (const planned of this.#planned) {
      if (!fits(planned.fault.match, method, path, body)) continue;
      if (planned.skip > 0) {
        planned.skip -= 1;
        continue;
      }
      planned.times -= 1;
      this.#hitCount += 1;
      if (planned.times <= 0) this.#planned = this.#planned.filter((other) => other !== planned);
      return planned.fault.action;
    }
    return undefined;
  }
}

function fits(match: FaultMatch | undefined, method: string, path: string, body: string): boolean {
  if (match === undefined) return true;
  if (match.method !== undefined && match.method !== method) return false;
  // A new RegExp, since one with the flag g remembers where it stopped.
  if (match.pathRegex !== undefined && !new RegExp(match.pathRegex).test(path)) return false;
  return match.bodyIncludes === undefined || body.includes(match.bodyIncludes);
}

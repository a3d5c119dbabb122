/**
 * Which request comes to which harm: decided by the seed, the server, what kind of request it is and how many of that
 * kind came before, so that streams that run side by side change nothing for each other.
 */
import type { Exchange } from './frames.ts';
import type { Dice } from './random.ts';

/** What may become of a request of HTTP, and of a message on a bare connection; slow ones cost somebody a time-out. */
const harms = {
  http: {
    quick: { reset: 4, truncate: 3, drip: 2, duplicate: 4, reorder: 3, gateway: 3, 'cut-request': 2 },
    slow: { late: 4, 'half-open': 2, 'slow-drip': 1 },
  },
  tcp: {
    quick: { reset: 4, truncate: 3, drip: 2, 'cut-request': 2 },
    slow: { late: 2, 'half-open': 3, 'slow-drip': 1 },
  },
} as const;

export type Fault =
  | { readonly kind: 'none' }
  /** The connection is reset before the server hears of the request, or after it has done what was asked. */
  | { readonly kind: 'reset'; readonly applied: boolean }
  /** Half-open: nobody answers ever. */
  | { readonly kind: 'half-open'; readonly applied: boolean }
  /** The request lies somewhere and arrives when its sender has long given up. */
  | { readonly kind: 'late'; readonly ms: number }
  /** The server gets the first half of the request, and then nothing. */
  | { readonly kind: 'cut-request' }
  /** The answer comes in small pieces. */
  | { readonly kind: 'drip'; readonly pieces: number; readonly everyMs: number }
  /** The answer ends in its middle; `honest`: its head says how long it should be. */
  | { readonly kind: 'truncate'; readonly honest: boolean }
  /** The request arrives twice: together, or the second time a while later. Whose answer is returned? */
  | { readonly kind: 'duplicate'; readonly afterMs: number; readonly answer: 'first' | 'second' }
  /** The answer is held back until other requests have been answered. */
  | { readonly kind: 'reorder'; readonly others: number }
  /** Something in between answers in the server's place; with `applied` the server has done it all the same. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly applied: boolean;
    };

export interface Weather {
  /** Share of the requests that come to harm. */
  readonly share: number;
  /** Share of the requests at which a storm of 429 and 503 begins. */
  readonly stormShare: number;
  /** So many faults at most that cost somebody a time-out. */
  readonly slowMax: number;
  /** How long a sender waits for its answer. */
  readonly timeoutMs: number;
}

const page = '<html><body>Gateway</body></html>';

export class Schedule {
  /** How often each fault has hit. */
  readonly hits = new Map<string, number>();
  readonly #dice: Dice;
  readonly #weather: Weather;
  readonly #protocol: keyof typeof harms;
  readonly #counts = new Map<string, number>();
  #slowLeft: number;
  #stormLeft = 0;
  #calm = false;

  constructor(dice: Dice, weather: Weather, protocol: keyof typeof harms = 'http') {
    this.#dice = dice;
    this.#weather = weather;
    this.#protocol = protocol;
    this.#slowLeft = weather.slowMax;
  }

  /** From now on everything goes well. */
  calm(): void {
    this.#calm = true;
  }

  /** @param kind - what is asked, in words that are the same in another run of the seed */
  take(kind: string): Fault {
    if (this.#calm) return { kind: 'none' };
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const dice = this.#dice.of(`${kind}#${String(count)}`);
    const fault = this.#draw(dice);
    if (fault.kind !== 'none') this.#note(fault);
    return fault;
  }

  #note(fault: Fault): void {
    const name = fault.kind === 'answer' ? `answer-${String(fault.status)}` : fault.kind;
    this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
  }

  #draw(dice: Dice): Fault {
    if (this.#stormLeft > 0) {
      this.#stormLeft -= 1;
      return stormy(dice);
    }
    if (dice.chance(this.#weather.stormShare)) {
      this.#stormLeft = dice.between(1, 6);
      return stormy(dice);
    }
    if (!dice.chance(this.#weather.share)) return { kind: 'none' };
    const slow = this.#slowLeft > 0;
    const harm = harms[this.#protocol];
    const kind = dice.weighted<string>({ ...harm.quick, ...(slow ? harm.slow : {}) });
    if (kind === 'late' || kind === 'half-open' || kind === 'slow-drip') this.#slowLeft -= 1;
    return this.#fault(kind, dice);
  }

  #fault(kind: string, dice: Dice): Fault {
    const { timeoutMs } = this.#weather;
    switch (kind) {
      case 'reset':
        return { kind, applied: dice.chance(0.6) };
      case 'truncate':
        return { kind, honest: dice.chance(0.6) };
      case 'drip':
        return { kind, pieces: dice.between(2, 8), everyMs: 1 };
      case 'slow-drip':
        return { kind: 'drip', pieces: 4, everyMs: Math.ceil(timeoutMs / 2) };
      case 'duplicate':
        return {
          kind,
          afterMs: dice.pick([0, 0, 5, 30, timeoutMs]),
          answer: dice.pick(['first', 'second']),
        };
      case 'reorder':
        return { kind, others: dice.between(1, 3) };
      case 'late':
        return { kind, ms: timeoutMs + dice.between(5, timeoutMs) };
      case 'half-open':
        return { kind, applied: dice.chance(0.6) };
      case 'gateway':
        return {
          kind: 'answer',
          status: dice.pick([500, 502, 504, 408, 200]),
          headers: { 'content-type': 'text/html' },
          body: page,
          applied: dice.chance(0.5),
        };
      default:
        return { kind: 'cut-request' };
    }
  }
}

function stormy(dice: Dice): Fault {
  const retryAfter = dice.pick([
    '0',
    '1',
    '3',
    '40',
    new Date(Date.now() + 2_000).toUTCString(),
    new Date(Date.now() - 60_000).toUTCString(),
    'soon',
    '-5',
    '1e9',
    '',
  ]);
  return {
    kind: 'answer',
    status: dice.pick([429, 503]),
    headers: { 'content-type': 'text/plain', ...(retryAfter !== '' && { 'retry-after': retryAfter }) },
    body: 'not now',
    applied: dice.chance(0.2),
  };
}

/** What is asked, without what another run would call by another name (batches have random ones). */
export function kindOf({ method, path, body }: Exchange): string {
  const bare = path.split('?')[0] ?? '';
  if (method === 'GET') return `GET ${bare}${path.includes('version=') ? ' page' : ''}`;
  const text = body.toString('utf8');
  const type = /"url":"([A-Za-z]+)/g;
  const types = [...new Set([...text.matchAll(type)].map((match) => match[1]))].sort();
  const cursor = /"(?:id|url)":"(?:ChangesInfo\/)?[a-z]+\.((?:up|down)\.[A-Za-z]+)/.exec(text)?.[1] ?? '';
  return `${method} ${bare} ${text.includes('"transaction"') ? 'transaction' : 'batch'} ${types.join('+')} ${cursor}`;
}

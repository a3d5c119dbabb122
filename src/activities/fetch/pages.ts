/** Reads one pinned range of versions, page by page, within bounds. */
import type { ChangeSource, FeedRow } from '../../fhir/server.ts';
import { ServerProblem } from '../../fhir/server-problem.ts';
import type { VersionRange } from '../../sync/window.ts';
import { cancelSignal, heartbeat, onSide } from '../failures.ts';

export interface RangeBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** What a range holds; `oversized` are rows that the server could not send within `pageBytesMax`, by id. */
export interface RangeRows {
  readonly rows: readonly FeedRow[];
  readonly oversized: readonly FeedRow[];
  /** Bytes of the answers. */
  readonly bytes: number;
}

/** Reads a source's ranges and learns from it how many rows a page may hold. */
export class PageReader {
  requests = 0;
  readonly #source: ChangeSource;
  readonly #type: string;
  readonly #count: number;
  /** The fullest page that this source ever sent: a shorter one is the range's last. */
  #fullestPage = 0;

  constructor(source: ChangeSource, type: string, pageRowsMax: number) {
    this.#source = source;
    this.#type = type;
    this.#count = pageRowsMax;
  }

  /** All rows of a range, or `'too-many'` as soon as it exceeds the bounds. */
  async range(range: VersionRange, bounds: RangeBounds): Promise<RangeRows | 'too-many'> {
    for (let count = this.#count; ; count = Math.max(1, Math.floor(count / 8))) {
      const read = await this.#withPages(range, bounds, count);
      if (read !== 'answer-too-large') return read;
      // A narrower range may do; one version alone has to be read in smaller pages.
      if (range.hi - range.lo > 1) return 'too-many';
      if (count === 1) return this.#oneByOne(range, bounds);
    }
  }

  async #withPages(
    range: VersionRange,
    bounds: RangeBounds,
    count: number,
  ): Promise<RangeRows | 'too-many' | 'answer-too-large'> {
    const rows: FeedRow[] = [];
    let bytes = 0;
    for (let page = 1; ; page++) {
      const answer = await this.#page(range, count, page);
      if (answer === 'answer-too-large') return answer;
      rows.push(...answer.rows);
      bytes += answer.bytes;
      if (rows.length > bounds.rowsMax || bytes > bounds.bytesMax) return 'too-many';
      if (this.#isLast(answer.rows.length, count)) return { rows, oversized: [], bytes };
    }
  }

  /**
   * A server may send fewer rows than asked for, by a limit of its own; a short page is the last only where it is
   * shorter than one that was sent before. An empty one always is.
   */
  #isLast(rows: number, count: number): boolean {
    if (rows === 0) return true;
    const last = rows < count && rows < this.#fullestPage;
    if (count === this.#count) this.#fullestPage = Math.max(this.#fullestPage, rows);
    return last;
  }

  async #page(
    range: VersionRange,
    count: number,
    page: number,
    idsOnly = false,
  ): Promise<{ rows: readonly FeedRow[]; bytes: number } | 'answer-too-large'> {
    this.requests += 1;
    heartbeat({ requests: this.requests });
    const request = { ...range, count, page, ...(idsOnly ? { idsOnly } : {}) };
    return onSide('source', async () => {
      try {
        return await this.#source.page(this.#type, request, cancelSignal());
      } catch (error) {
        if (error instanceof ServerProblem && error.failure === 'answer-too-large') return 'answer-too-large';
        throw error;
      }
    });
  }

  /** One row a page: those that are still too large are asked for by id alone. */
  async #oneByOne(range: VersionRange, bounds: RangeBounds): Promise<RangeRows | 'too-many'> {
    const rows: FeedRow[] = [];
    const oversized: FeedRow[] = [];
    let bytes = 0;
    for (let page = 1; ; page++) {
      const answer = await this.#page(range, 1, page);
      if (answer === 'answer-too-large') {
        const ids = await this.#page(range, 1, page, true);
        if (ids !== 'answer-too-large') oversized.push(...ids.rows);
        continue;
      }
      if (answer.rows.length === 0) return { rows, oversized, bytes };
      rows.push(...answer.rows);
      bytes += answer.bytes;
      if (rows.length > bounds.rowsMax || bytes > bounds.bytesMax) return 'too-many';
    }
  }
}

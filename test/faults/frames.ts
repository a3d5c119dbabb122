/** HTTP/1.1 on a raw socket, as far as a proxy needs it: whole requests out of bytes, answers as bytes. */

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Gathers bytes and gives whole requests. Bodies have a `content-length`; the client under test sends no chunks. */
export class RequestFramer {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Exchange[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const found: Exchange[] = [];
    for (let one = this.#take(); one !== undefined; one = this.#take()) found.push(one);
    return found;
  }

  #take(): Exchange | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [line = '', ...fields] = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers['content-length'] ?? 0);
    if (this.#bytes.length < end + 4 + length) return undefined;
    const body = this.#bytes.subarray(end + 4, end + 4 + length);
    this.#bytes = this.#bytes.subarray(end + 4 + length);
    const [method = '', path = ''] = line.split(' ');
    return { method, path, headers, body };
  }
}

/** The bytes of an answer; `claimed` is the length that its head says, where that is not the truth. */
export function answerBytes({ status, headers, body }: RawAnswer, claimed = body.length): Buffer {
  const bodiless = status === 204 || status === 304;
  const fields = Object.entries(headers).filter(
    ([name]) => !['content-length', 'transfer-encoding', 'connection', 'keep-alive'].includes(name),
  );
  const lines = [
    `HTTP/1.1 ${String(status)} x`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(bodiless ? [] : [`content-length: ${String(claimed)}`]),
    'connection: keep-alive',
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return bodiless ? head : Buffer.concat([head, body]);
}

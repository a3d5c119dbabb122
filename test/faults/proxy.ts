/**
 * A TCP proxy in front of one double that does to each request what the schedule says. On the client's side it is a raw
 * socket, so that connections can be reset, left half-open and cut in the middle of an answer.
 */
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { answerBytes, type Exchange, type RawAnswer, RequestFramer } from './frames.ts';
import type { Fault, Schedule } from './schedule.ts';

export interface ProxyOptions {
  /** Port of the double on 127.0.0.1. */
  readonly port: number;
  readonly schedule: Schedule;
  /** What is asked, in words that are the same in another run of the seed. */
  readonly kindOf: (request: Exchange) => string;
  /** Sees every request as it came. */
  readonly onRequest: (request: Exchange) => void;
  /** Sees what the double answered, whatever becomes of it. */
  readonly onAnswer: (request: Exchange, status: number) => void;
}

export class FaultProxy {
  readonly url: string;
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #sockets = new Set<Socket>();
  /** Requests that are on their way to the double, or lie somewhere. */
  readonly #underWay = new Set<Promise<unknown>>();
  #answered = 0;
  #closed = false;

  private constructor(options: ProxyOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    server.on('connection', (socket: Socket) => {
      this.#serve(socket);
    });
  }

  static async start(options: ProxyOptions): Promise<FaultProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(options, server);
  }

  /** Waits until nothing lies anywhere on its way to the double any more. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    const framer = new RequestFramer();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const exchange of framer.push(chunk)) this.#take(socket, exchange);
    });
  }

  #take(socket: Socket, exchange: Exchange): void {
    this.#options.onRequest(exchange);
    const fault = this.#options.schedule.take(this.#options.kindOf(exchange));
    const work = this.#carry(socket, exchange, fault).catch(() => {
      // The double closed the connection, or we did.
      socket.destroy();
    });
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  async #carry(socket: Socket, exchange: Exchange, fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'none': {
        this.#answer(socket, await this.#forward(exchange));
        return;
      }
      case 'reset':
        if (fault.applied) await this.#forward(exchange);
        socket.resetAndDestroy();
        return;
      case 'half-open':
        if (fault.applied) await this.#forward(exchange);
        return;
      case 'late':
        await sleep(fault.ms);
        {
          this.#answer(socket, await this.#forward(exchange));
          return;
        }
      case 'cut-request':
        await this.#forwardHalf(exchange);
        socket.resetAndDestroy();
        return;
      case 'drip':
        return this.#drip(socket, await this.#forward(exchange), fault.pieces, fault.everyMs);
      case 'truncate': {
        const answer = await this.#forward(exchange);
        const half = answer.body.subarray(0, Math.floor(answer.body.length / 2));
        if (!fault.honest) {
          this.#answer(socket, { ...answer, body: half });
          return;
        }
        socket.end(answerBytes({ ...answer, body: half }, answer.body.length));
        return;
      }
      case 'duplicate':
        return this.#twice(socket, exchange, fault);
      case 'reorder': {
        const answer = await this.#forward(exchange);
        const until = this.#answered + fault.others;
        for (let turn = 0; turn < 20 && this.#answered < until; turn += 1) await sleep(1);
        this.#answer(socket, answer);
        return;
      }
      case 'answer':
        if (fault.applied) await this.#forward(exchange);
        {
          this.#answer(socket, { ...fault, body: Buffer.from(fault.body) });
          return;
        }
    }
  }

  async #twice(socket: Socket, exchange: Exchange, fault: Extract<Fault, { kind: 'duplicate' }>): Promise<void> {
    const first = this.#forward(exchange);
    const second = sleep(fault.afterMs).then(() => this.#forward(exchange));
    this.#answer(socket, await (fault.answer === 'first' ? first : second));
    await Promise.all([first, second]);
  }

  #answer(socket: Socket, answer: RawAnswer): void {
    this.#answered += 1;
    if (!socket.destroyed) socket.write(answerBytes(answer));
  }

  async #drip(socket: Socket, answer: RawAnswer, pieces: number, everyMs: number): Promise<void> {
    const bytes = answerBytes(answer);
    const size = Math.ceil(bytes.length / pieces);
    for (let start = 0; start < bytes.length && !socket.destroyed; start += size) {
      socket.write(bytes.subarray(start, start + size));
      await sleep(everyMs);
    }
  }

  #forward(exchange: Exchange): Promise<RawAnswer> {
    const { method, path, headers, body } = exchange;
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new Error('closed');
      const { connection: _ours, ...rest } = headers;
      const outgoing = httpRequest(
        { host: '127.0.0.1', port: this.#options.port, method, path, headers: rest, agent: this.#agent },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const said = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
            this.#options.onAnswer(exchange, incoming.statusCode ?? 0);
            resolve({
              status: incoming.statusCode ?? 0,
              headers: Object.fromEntries(said) as Record<string, string>,
              body: Buffer.concat(chunks),
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** A sender that dies while it sends: the double gets half a body and a closed connection. */
  async #forwardHalf({ method, path, headers, body }: Exchange): Promise<void> {
    const socket = connect(this.#options.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(`${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`);
    socket.write(body.subarray(0, Math.floor(body.length / 2)));
    await sleep(1);
    socket.destroy();
  }
}

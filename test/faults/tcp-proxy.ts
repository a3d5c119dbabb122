/**
 * A TCP proxy in front of a server whose protocol it does not speak (PostgreSQL): bytes go on as they came, but for what the
 * schedule says of a message. One for each process of a site, so that a killed process's connections end with it.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Fault, Schedule } from './schedule.ts';

export interface TcpProxyOptions {
  /** Port of the server on 127.0.0.1. */
  readonly port: number;
  readonly schedule: Schedule;
  /** What a message is, in words that are the same in another run of the seed. */
  readonly kindOf: (message: Buffer) => string;
}

export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #lines = new Set<Line>();

  private constructor(options: TcpProxyOptions, server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client: Socket) => {
      const line: Line = new Line(client, options, () => this.#lines.delete(line));
      this.#lines.add(line);
    });
  }

  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(options, server);
  }

  /** The process is dead: its connections end, as the system sees to. */
  sever(): void {
    for (const line of this.#lines) line.reset();
  }

  /** The network is back: both ends of a half-open connection hear of it. */
  heal(): void {
    for (const line of this.#lines) if (line.isDeaf) line.reset();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.sever();
    await closed;
  }
}

/** One connection and its counterpart. */
class Line {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #options: TcpProxyOptions;
  /** What happens to the answer that comes next. */
  #answer: Fault = { kind: 'none' };
  #deaf = false;
  #toServer: Promise<void> = Promise.resolve();
  #toClient: Promise<void> = Promise.resolve();

  constructor(client: Socket, options: TcpProxyOptions, onEnd: () => void) {
    this.#client = client;
    this.#options = options;
    this.#upstream = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, this.#upstream]) socket.on('error', () => undefined);
    client.on('data', (message: Buffer) => {
      this.#toServer = this.#toServer.then(() => this.#carry(message));
    });
    this.#upstream.on('data', (bytes: Buffer) => {
      this.#toClient = this.#toClient.then(() => this.#bring(bytes));
    });
    // What one side still has to say is said before the other hears of the end; nobody hears of it who is cut off.
    client.on('close', () => {
      if (!this.#deaf) void this.#toServer.then(() => this.#upstream.end());
    });
    this.#upstream.on('close', () => {
      onEnd();
      if (!this.#deaf) void this.#toClient.then(() => this.#client.end());
    });
  }

  get isDeaf(): boolean {
    return this.#deaf;
  }

  reset(): void {
    if (!this.#client.destroyed) this.#client.resetAndDestroy();
    this.#upstream.destroy();
  }

  async #carry(message: Buffer): Promise<void> {
    if (this.#deaf) return;
    const fault = this.#options.schedule.take(this.#options.kindOf(message));
    switch (fault.kind) {
      case 'reset':
      case 'half-open':
        if (!fault.applied) {
          this.#end(fault);
          return;
        }
        break;
      case 'cut-request':
        this.#upstream.write(message.subarray(0, Math.floor(message.length / 2)));
        await sleep(1);
        this.reset();
        return;
      case 'late':
        await sleep(fault.ms);
        break;
      default:
    }
    if (fault.kind !== 'late') this.#answer = fault;
    this.#upstream.write(message);
  }

  async #bring(bytes: Buffer): Promise<void> {
    if (this.#deaf) return;
    const fault = this.#answer;
    this.#answer = { kind: 'none' };
    switch (fault.kind) {
      case 'reset':
      case 'half-open':
        this.#end(fault);
        return;
      case 'truncate':
        this.#client.end(bytes.subarray(0, Math.floor(bytes.length / 2)));
        this.#upstream.destroy();
        return;
      case 'drip':
        return this.#drip(bytes, fault.pieces, fault.everyMs);
      default:
        this.#client.write(bytes);
    }
  }

  #end(fault: Fault): void {
    if (fault.kind === 'half-open') this.#deaf = true;
    else this.reset();
  }

  async #drip(bytes: Buffer, pieces: number, everyMs: number): Promise<void> {
    const size = Math.ceil(bytes.length / pieces);
    for (let start = 0; start < bytes.length && !this.#client.destroyed; start += size) {
      this.#client.write(bytes.subarray(start, start + size));
      await sleep(everyMs);
    }
  }
}

/** A message to PostgreSQL by what it asks, without the values in it. */
export function kindOfMessage(message: Buffer): string {
  const text = message.toString('latin1');
  const asked = /\b(BEGIN|COMMIT|ROLLBACK|(?:insert into|update|delete from) "\w+"|select )/.exec(text);
  if (asked?.[1] !== 'select ') return asked?.[1] ?? 'other';
  return `select ${/ from "(\w+)"/.exec(text)?.[1] ?? ''}`;
}

/** A small S3 server in this process, which tests make fail: just what the store asks for, in one bucket. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { S3StoreOptions } from '../../src/staging/s3-store.ts';

/** A request as the server has read it. */
export interface Asked {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Says `true` where it has answered, or broken off, itself. */
export type Fault = (asked: Asked, response: ServerResponse) => boolean;

export class S3Double {
  readonly objects = new Map<string, Buffer>();
  readonly log: Asked[] = [];
  /** Comes before everything else. */
  fault: Fault = () => false;
  /** A server of old ignores the header. */
  conditional = true;
  readonly #server: Server;
  readonly #scheme: string;

  /** With a certificate, on https. */
  constructor(certificate?: { readonly key: string; readonly certificate: string }) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#answer(request, response);
    };
    this.#scheme = certificate === undefined ? 'http' : 'https';
    this.#server =
      certificate === undefined
        ? createServer(answer)
        : createTlsServer({ key: certificate.key, cert: certificate.certificate }, answer);
  }

  async start(): Promise<S3StoreOptions> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const endpoint = `${this.#scheme}://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
    const credentials = { accessKeyId: 'id-of-tests', secretAccessKey: 'secret-of-tests' };
    const bucket = { endpoint, region: 'eu-test-1', bucket: 'bucket', forcePathStyle: true, credentials };
    return { ...bucket, bytesMax: 100_000_000, requestTimeoutSeconds: 5 };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://double');
    const { method = '', headers } = request;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return;
    }
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''));
    const asked = { method, key, query: url.searchParams, headers, body: Buffer.concat(chunks) };
    this.log.push(asked);
    if (this.fault(asked, response)) return;
    if (key === '') this.#bucket(asked, response);
    else this.#object(asked, response);
  }

  #bucket({ method, query, body }: Asked, response: ServerResponse): void {
    if (method === 'POST') {
      for (const [, key = ''] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) this.objects.delete(key);
      xml(response, 200, '<DeleteResult/>');
      return;
    }
    if (query.has('uploads')) {
      xml(response, 200, '<ListMultipartUploadsResult/>');
      return;
    }
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '')).sort();
    const rows = keys.map(
      (key) => `<Contents><Key>${key}</Key><Size>${this.objects.get(key)!.length}</Size></Contents>`,
    );
    xml(response, 200, `<ListBucketResult>${rows.join('')}</ListBucketResult>`);
  }

  #object({ method, key, headers, body }: Asked, response: ServerResponse): void {
    const there = this.objects.get(key);
    if (method === 'PUT') {
      if (there !== undefined && headers['if-none-match'] === '*' && this.conditional)
        refuse(response, 412, 'PreconditionFailed');
      else {
        this.objects.set(key, body);
        response.writeHead(200, { etag: etagOf(body) }).end();
      }
    } else if (method === 'DELETE') {
      this.objects.delete(key);
      response.writeHead(204).end();
    } else if (there === undefined) refuse(response, 404, 'NoSuchKey');
    else this.#read(there, headers, response);
  }

  #read(object: Buffer, headers: IncomingMessage['headers'], response: ServerResponse): void {
    const etag = etagOf(object);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    if (headers['if-match'] !== undefined && headers['if-match'] !== etag) {
      refuse(response, 412, 'PreconditionFailed');
      return;
    }
    const range = { 'content-range': `bytes ${from}-${object.length - 1}/${object.length}` };
    const length = { 'content-length': object.length - from, etag };
    response.writeHead(from > 0 ? 206 : 200, { ...length, ...(from > 0 ? range : {}) }).end(object.subarray(from));
  }
}

export const etagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;

/** An error as S3 tells it; its message quotes what no error of ours may. */
export function refuse(response: ServerResponse, status: number, code: string): true {
  return xml(response, status, `<Error><Code>${code}</Code><Message>MARKER ${code}</Message></Error>`);
}

export function xml(response: ServerResponse, status: number, body: string): true {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>\n${body}`);
  return true;
}

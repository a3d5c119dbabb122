/** Connections to Temporal: TLS, mTLS and API key by configuration; payloads through the site's codec. */
import { Client, type ConnectionLike, type ConnectionOptions } from '@temporalio/client';

import type { Config, TemporalConfig } from '../config/config.ts';
import { sluiceDataConverter } from '../crypto/data-converter.ts';

type SharedOptions = { address: string; tls?: NonNullable<ConnectionOptions['tls']>; apiKey?: string };

/** Options that a client's and a worker's connection share. */
export function connectionOptions({ address, tls, apiKey }: TemporalConfig): SharedOptions {
  return {
    address,
    ...(tls && { tls }),
    ...(apiKey !== undefined && { apiKey }),
  };
}

/** A client over a connection, with the site's data converter. */
export const temporalClient = (config: Pick<Config, 'temporal' | 'keys'>, connection: ConnectionLike): Client =>
  new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: sluiceDataConverter(config.keys.payload),
  });

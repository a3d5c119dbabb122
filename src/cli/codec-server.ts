/** `sluice codec-server`: lets Temporal's UI show summaries and details, which are ciphertext to Temporal itself. */
import type { Command } from 'commander';

import { startCodecServer } from '../codec-server/server.ts';
import { type CommonOptions, configOption } from './options.ts';
import { configOrExit } from './run.ts';

interface CodecServerOptions extends CommonOptions {
  readonly host: string;
  readonly port: string;
  readonly origin: string[];
  readonly tokenEnv?: string;
}

export function addCodecServer(program: Command): void {
  program
    .command('codec-server')
    .description('decode payloads for Temporal’s UI and CLI (they hold counts and versions, never data)')
    .addOption(configOption())
    .option('--host <address>', 'address to listen on; beyond loopback a token is needed', '127.0.0.1')
    .option('--port <n>', 'port to listen on', '8888')
    .option('--origin <url...>', 'origins of the UI that may ask', ['http://127.0.0.1:8233', 'http://localhost:8233'])
    .option('--token-env <name>', 'environment variable that holds the bearer token which requests must carry')
    .action(async ({ config: file, host, port, origin, tokenEnv }: CodecServerOptions) => {
      const config = await configOrExit(file);
      const token = tokenEnv === undefined ? undefined : process.env[tokenEnv];
      try {
        const server = await startCodecServer({
          keyring: config.keys.payload,
          host,
          port: Number(port),
          allowedOrigins: origin,
          ...(token !== undefined && { token }),
        });
        console.error(`decoding at ${server.url}; in Temporal's UI set it as the remote codec endpoint`);
        const stop = (): void => void server.close();
        process.once('SIGTERM', stop);
        process.once('SIGINT', stop);
      } catch (error) {
        console.error(error instanceof Error ? error.message : 'the codec server failed');
        process.exitCode = 2;
      }
    });
}

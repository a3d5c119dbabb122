/**
 * Runs a server for as long as its parent lives, however the parent ends.
 *
 *     node dev/temporal-guard.ts <log file> <binary> [arguments]
 *
 * Standard input is the leash: the system closes it when the parent dies, by SIGKILL too, which no handler in the parent
 * could answer. SIGTERM to the guard ends the server as well. The guard's exit code is the server's.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';

/** After this long a server that ignores SIGTERM gets SIGKILL. */
const graceSeconds = 5;

const [logFile = '', binary = '', ...args] = process.argv.slice(2);
const log = openSync(logFile, 'a', 0o600);
const server = spawn(binary, args, { stdio: ['ignore', log, log] });

let ending = false;
const end = (): void => {
  if (ending) return;
  ending = true;
  server.kill('SIGTERM');
  setTimeout(() => server.kill('SIGKILL'), graceSeconds * 1_000).unref();
};

process.on('SIGTERM', end);
process.on('SIGINT', end);
process.stdin.on('end', end).on('close', end).on('error', end).resume();
server.on('error', () => process.exit(127));
server.on('exit', (code) => process.exit(code ?? 1));

/** `sluice keygen`: a new key line. */
import { type Command, InvalidArgumentError } from 'commander';

import { generateKeyLine } from '../crypto/key-text.ts';

export function addKeygen(program: Command): void {
  program
    .command('keygen')
    .description(
      'print a new random key line for a key file (one file for each of staging, pseudonym, payload; chmod 600)',
    )
    .option('--key-version <n>', 'version of the key; the highest in a file is the current one', parseVersion, 1)
    .action(({ keyVersion }: { keyVersion: number }) => {
      console.log(generateKeyLine(keyVersion));
    });
}

function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('a version is a whole number from 1.');
  return Number(text);
}

/** Options that several commands share. */
import { Option } from 'commander';

/** `--config`, the same for every command. */
export const configOption = (): Option =>
  new Option('-c, --config <file>', 'the configuration').default('sluice.yaml').env('SLUICE_CONFIG');

/** `--json`, for commands that print data. */
export const jsonOption = (): Option => new Option('--json', 'print JSON instead of text');

export interface CommonOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** How commands begin and end: configuration, client, exit codes. */
import type { SluiceClient as SluiceClientType } from '../client.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigProblem } from '../config/problems.ts';

const usage = 2;
const failed = 1;

/** Loads the configuration, or says what is wrong with it and exits with 2. */
export async function configOrExit(file: string): Promise<Config> {
  try {
    return await loadConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigProblem)) throw error;
    console.error(error.message);
    process.exit(usage);
  }
}

/** Runs something with a client of the configuration's Temporal; problems end with a message and a code. */
export async function withClient(
  file: string,
  run: (client: SluiceClientType, config: Config) => Promise<void>,
): Promise<void> {
  const config = await configOrExit(file);
  const { NoWorkerProblem, SluiceClient, UnknownTypeProblem, UsageProblem } = await import('../client.ts');
  let client: SluiceClientType;
  try {
    client = await SluiceClient.connect(config);
  } catch {
    console.error(
      `Temporal does not answer at ${config.temporal.address}. Is it running? (temporal.address in ${file})`,
    );
    process.exit(failed);
  }
  try {
    await run(client, config);
  } catch (error) {
    if (error instanceof UnknownTypeProblem || error instanceof UsageProblem) {
      console.error(error.message);
      process.exitCode = usage;
    } else if (error instanceof NoWorkerProblem) {
      console.error(error.message);
      process.exitCode = failed;
    } else {
      // Only the kind of the error: its message may quote what was sent.
      console.error(`failed: ${error instanceof Error ? error.constructor.name : 'unknown error'}${hint(error)}`);
      process.exitCode = failed;
    }
  } finally {
    await client.close();
  }
}

function hint(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  const unset = error instanceof Error && /search attribute|no mapping defined/i.test(error.message);
  return unset ? `${code}: Temporal lacks the search attributes; run 'sluice schedule' first` : code;
}

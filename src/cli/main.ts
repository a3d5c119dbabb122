/** The `sluice` command. */
import { createProgram } from './program.ts';

await createProgram().parseAsync();

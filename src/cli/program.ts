/** The command's grammar and help texts; what each command does stands in a file of its own. */
import { Command } from 'commander';

import { addCheck } from './check.ts';
import { addCodecServer } from './codec-server.ts';
import { addControl } from './control.ts';
import { addDeidentify } from './deid/command.ts';
import { addKeygen } from './keygen.ts';
import { addLeave } from './leave.ts';
import { addPolicy } from './policy/index.ts';
import { addQuarantine } from './quarantine.ts';
import { addReconcile } from './reconcile.ts';
import { addResync } from './resync.ts';
import { addSchedule } from './schedule.ts';
import { addStatus } from './status.ts';
import { addSync } from './sync.ts';
import { addWorker } from './worker.ts';

const after = `
Exit codes: 0 done · 1 a stream is denied, blocked, paused or has quarantined resources, or the command failed ·
2 wrong usage, configuration or policy, nothing was started · 3 done, but something was withheld or could not be read

Examples:
  $ sluice check --config sluice.yaml            is the configuration right? prints the policy digest
  $ sluice worker --config sluice.yaml           run the site's background service
  $ sluice schedule --config sluice.yaml         create, update and remove its Schedules
  $ sluice sync Patient Encounter --wait         look for changes now, return when caught up
  $ sluice pause Observation                     finish the batch in hand, then hold
  $ sluice quarantine list                       what was refused, and why
  $ sluice reconcile Patient --wait              do source and target agree? --repair mends what does not
  $ sluice deidentify -p safe-harbor a.ndjson    de-identify a file, to standard output
  $ sluice policy check policy.yaml              is a policy right? shows its digest, and what to look at twice
`;

export function createProgram(): Command {
  const program = new Command('sluice')
    .description('Syncs a hospital’s Aidbox with a research hub: de-identified up, reference data down, on Temporal.')
    .showHelpAfterError('(sluice --help shows all commands)')
    .addHelpText('after', after)
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  for (const add of [
    addCheck,
    addWorker,
    addSchedule,
    addSync,
    addControl,
    addResync,
    addStatus,
    addQuarantine,
    addReconcile,
    addLeave,
    addKeygen,
    addCodecServer,
    addPolicy,
    addDeidentify,
  ])
    add(program);
  return program;
}

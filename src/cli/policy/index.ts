/** `sluice policy`: everything about a policy that needs neither a site nor a hub. */
import type { Command } from 'commander';

import { addPolicyCheck } from './check.ts';
import { addConvert } from './convert.ts';
import { addCoverage } from './coverage.ts';
import { addDiff } from './diff.ts';
import { addExplain } from './explain.ts';
import { addRisk } from './risk.ts';
import { addSchema } from './schema.ts';

export function addPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .description('check, explain, compare and measure de-identification policies (sluice policy --help)');
  for (const add of [addPolicyCheck, addExplain, addCoverage, addDiff, addRisk, addConvert, addSchema]) add(policy);
}

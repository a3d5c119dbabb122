/** `sluice policy schema`: the JSON Schema of a policy, for editors and checks elsewhere. */
import type { Command } from 'commander';
import { z } from 'zod';

import { policySchema } from '../../deid/policy/document.ts';

/** Made from the schema that reads policies, so the two cannot differ. */
export function policyJsonSchema(): object {
  const made = z.toJSONSchema(policySchema, { io: 'input' });
  const { $schema, $ref, $defs = {} } = made;
  const id = $ref?.replace('#/$defs/', '') ?? '';
  // zod files a schema with an id under it; editors show more of one that stands at the top.
  const { [id]: policy, ...rest } = $defs;
  const $id = { $id: id, ...policy };
  return { $schema, ...$id, ...(Object.keys(rest).length === 0 ? {} : { $defs: rest }) };
}

export function addSchema(policy: Command): void {
  policy
    .command('schema')
    .description('print the JSON Schema of a policy document')
    .action(() => {
      console.log(JSON.stringify(policyJsonSchema(), null, 2));
    });
}

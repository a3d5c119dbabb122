/** `npm run bundle -- FILE`: bundles the workflows into a file for `sluice worker --bundle FILE`. */
import { writeFile } from 'node:fs/promises';

import { bundleWorkflows } from '../src/workflow-bundle.ts';

const [file = 'workflows.bundle.js'] = process.argv.slice(2);
const code = await bundleWorkflows();
await writeFile(file, code);
console.log(`${file}: ${String(Math.round(code.length / 1_024))} KB`);

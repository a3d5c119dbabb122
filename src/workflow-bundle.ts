/** Bundles the workflows: at the worker's start, ahead of it, or once for many workers. */
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode } from '@temporalio/worker';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export const workflowsPath = pathOf('./workflows/index.ts');

const silent = (): undefined => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/** The bundle's JavaScript, with the failure converter that encodes messages and stacks. */
export async function bundleWorkflows(): Promise<string> {
  const failureConverterPath = pathOf('./crypto/failure-converter.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, failureConverterPath, logger: quiet });
  return code;
}

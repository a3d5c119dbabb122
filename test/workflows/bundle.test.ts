/** The workflows' bundle runs in a sandbox without Node: it must hold the SDK and pure rules, and nothing else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, jest } from '@jest/globals';
import { bundleWorkflowCode } from '@temporalio/worker';

import { bundleWorkflows, workflowsPath } from '../../src/workflow-bundle.ts';

jest.setTimeout(60_000);

const silent = (): undefined => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/** The files that webpack puts into a bundle, and the modules that they ask for. */
async function contentsOf(path: string): Promise<{ files: string[]; asked: string[] }> {
  const files = new Set<string>();
  const asked = new Set<string>();
  await bundleWorkflowCode({
    workflowsPath: path,
    logger: quiet,
    webpackConfigHook: (config) => ({
      ...config,
      plugins: [
        ...(config.plugins ?? []),
        {
          apply(compiler) {
            compiler.hooks.compilation.tap('contents', (compilation) => {
              compilation.hooks.finishModules.tap('contents', (modules) => {
                for (const module of modules) {
                  files.add((module as { resource?: string }).resource ?? '');
                  for (const { request } of module.dependencies as { request?: string }[]) {
                    if (request !== undefined) asked.add(request);
                  }
                }
              });
            });
          },
        },
      ],
    }),
  });
  return { files: [...files], asked: [...asked] };
}

/** Modules of Node, whatever they are called by. */
const nodeModules = (asked: readonly string[]): string[] =>
  asked.filter((request) => request.startsWith('node:') || builtinModules.includes(request)).sort();

/** What the SDK's workflow package asks for by itself; the bundler puts shims in their places. */
const ofTheSdk: readonly string[] = ['assert'];

const kilobytes = (text: string): string => String(Math.round(text.length / 1_024));

describe('the bundle', () => {
  it('is small', async () => {
    const bundle = await bundleWorkflows();
    // Two thirds of it are the source map, which grows with every comment.
    const [code = ''] = bundle.split('//# sourceMappingURL=');
    console.info(`the bundle: ${kilobytes(bundle)} KB, of which code ${kilobytes(code)} KB`);
    // 470 KB are the SDK's, and 130 KB our own.
    expect(code.length).toBeGreaterThan(500_000);
    expect(code.length).toBeLessThan(750_000);
  });

  it('reaches no module of Node, and of our own code nothing but workflows and pure rules', async () => {
    const { files, asked } = await contentsOf(workflowsPath);
    expect(nodeModules(asked).filter((name) => !ofTheSdk.includes(name))).toEqual([]);
    expect(files.filter((file) => /\/node_modules\/(zod|got|pino|kysely|yaml)\//.test(file))).toEqual([]);
    const own = files.filter((file) => file.includes('/src/') && !file.includes('/node_modules/'));
    const folders = own.flatMap((file) => [...file.matchAll(/\/src\/([\w-]+)[/.]/g)].at(-1)?.[1] ?? []);
    expect([...new Set(folders)].sort()).toEqual(['sync', 'workflows']);
  });

  it('is refused where a workflow imports a module of Node', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
    try {
      const path = join(folder, 'wrong.ts');
      await writeFile(
        path,
        `import { readFileSync } from 'node:fs';\nexport async function wrong() { return readFileSync; }\n`,
      );
      await expect(bundleWorkflowCode({ workflowsPath: path, logger: quiet })).rejects.toThrow();
      const seen = await contentsOf(path).catch(() => undefined);
      if (seen !== undefined) expect(nodeModules(seen.asked)).toContain('node:fs');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

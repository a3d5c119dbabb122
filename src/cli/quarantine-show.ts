/** Prints one quarantined resource, out of the site's own state and with the site's own keys. Nothing of it goes elsewhere. */
import type { Config } from '../config/config.ts';

const failed = 1;

/** Returns the exit code. */
export async function showQuarantined(config: Config, key: string): Promise<number> {
  // Loaded here: no other command should wait for it.
  const { openQuarantined, quarantinedJson } = await import('../activities/quarantined.ts');
  const { openState } = await import('../assemble.ts');
  const { sealerOf } = await import('../crypto/seal.ts');
  const { readQuarantined } = await import('../state/retries.ts');
  const db = await openState(config);
  try {
    const sealer = sealerOf(config.keys.staging, config.keys.pseudonym);
    for (const direction of ['up', 'down'] as const) {
      const entry = await readQuarantined(db, direction, key);
      if (entry === undefined) continue;
      if (entry.content === null) {
        console.error(withoutContent(entry));
        return failed;
      }
      const content = openQuarantined(sealer, direction, { key, content: entry.content });
      process.stdout.write(`${pretty(quarantinedJson(entry.form, content))}\n`);
      return 0;
    }
    console.error('no such resource is in quarantine; `sluice quarantine list` prints the keys');
    return failed;
  } finally {
    await db.destroy();
  }
}

function withoutContent({ form, isDiscarded }: { readonly form: string; readonly isDiscarded: boolean }): string {
  if (isDiscarded) return 'it was given up, and its content deleted; look for it at the source';
  if (form === 'delete') return 'a delete was refused: it has no content';
  return 'it was too large to be kept; look for it at the source';
}

const pretty = (json: Uint8Array): string =>
  JSON.stringify(JSON.parse(Buffer.from(json).toString('utf8')) as unknown, null, 2);

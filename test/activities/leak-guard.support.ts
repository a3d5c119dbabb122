/** What the tests of the leak guard in the pipeline share: a policy that lets notes pass, and people who are named in them. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Site, Stored } from '../support/site.ts';

export const family = 'Zephyrine';
export const given = 'Quill';
/** As they may stand in a text. */
export const names = [family, given];

export const guardPolicy = (more: object = {}): object => ({
  apiVersion: 'fhir-sluice/v1',
  default: 'keep',
  rules: [
    { path: 'Patient.name', method: 'redact' },
    { path: "nodesByName('identifier')", method: 'redact' },
  ],
  ...more,
});

export const named = (id: string, more: object = {}): Stored => ({
  resourceType: 'Patient',
  id,
  name: [{ family, given: [given] }],
  ...more,
});

export const observation = (id: string, patientId: string, text: string, more: object = {}): Stored => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'Body weight' },
  subject: { reference: `Patient/${patientId}` },
  note: [{ text }],
  ...more,
});

/** The note of an observation in the hub. */
export function noteInHub(site: Site, id: string): string | undefined {
  const found = site.inHub('Observation', id) as { note?: { text: string }[] } | undefined;
  return found?.note?.[0]?.text;
}

/** A staging that dies before it writes some part: what a worker that is killed there leaves behind. */
export function dyingAt(site: Site, isLast: (part: string) => boolean): Site['parts']['staging'] {
  const { staging } = site.parts;
  return {
    write: (batch, part, chunks) =>
      isLast(part) ? Promise.reject(new Error('killed')) : staging.write(batch, part, chunks),
    read: (batch, part) => staging.read(batch, part),
    has: (batch, part) => staging.has(batch, part),
    discard: (batch) => staging.discard(batch),
    sweep: (ageSecondsMax, keep) => staging.sweep(ageSecondsMax, keep),
  };
}

/** What the log said last of an event. */
export function lastEvent(site: Site, event: string): Record<string, unknown> | undefined {
  const lines = site.logged.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).findLast((line) => line.event === event);
}

/** All that the state and its journal hold, as bytes. */
export async function stateBytes(site: Site): Promise<Buffer> {
  const folder = dirname(site.stateFile);
  const files = (await readdir(folder)).filter((name) => name.startsWith('state.db'));
  return Buffer.concat(await Promise.all(files.map((name) => readFile(join(folder, name)))));
}

export const quarantined = (site: Site): Promise<{ key: string; reason: string }[]> =>
  site.parts.db.selectFrom('quarantine').select(['key', 'reason']).orderBy('key').execute();

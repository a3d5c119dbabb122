/** Quarantine against a model of it, by commands in any order: what is refused, accepted, tried again and given up. */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Database } from '../../src/state/database.ts';
import { type QuarantineForm, putInQuarantine, releaseFromQuarantine } from '../../src/state/quarantine.ts';
import {
  discardQuarantined,
  listQuarantine,
  orderedRetries,
  orderRetry,
  settleRetried,
  takeInHand,
} from '../../src/state/retries.ts';
import { withMemoryState } from '../state/state-file.ts';

const types = ['Patient', 'Observation'] as const;
const keys = types.flatMap((type) => ['a', 'b', 'c'].map((id) => `${type}/${id}`));
const forms: readonly QuarantineForm[] = ['raw', 'clean', 'delete', 'row', 'none'];
const retryable = new Set<QuarantineForm>(['raw', 'clean', 'delete']);

interface Entry {
  form: QuarantineForm;
  attempts: number;
  ordered: boolean;
  batch: string;
  discarded: boolean;
}

/** What should be in quarantine, or was given up there, by key. */
type Model = Map<string, Entry>;
type Command = fc.AsyncCommand<Model, Database>;

const direction = 'up';
const all = { direction, types: [], keys: [] } as const;
const chosen =
  (choice: readonly string[]): ((key: string) => boolean) =>
  (key) =>
    choice.length === 0 || choice.includes(key);

/** The tables say what the model says. */
async function compare(model: Model, db: Database): Promise<void> {
  for (const discarded of [false, true]) {
    const listed = await listQuarantine(db, { ...all, discarded }, '', 100);
    const entries = [...model].filter(([, entry]) => entry.discarded === discarded);
    expect(listed.map(({ key, attempts, ordered }) => ({ key, attempts, ordered }))).toEqual(
      entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { attempts, ordered }]) => ({ key, attempts, ordered })),
    );
  }
  for (const type of types) {
    const ordered = await orderedRetries(db, { direction, type }, forms, 100);
    const expected = [...model].filter(([key, entry]) => key.startsWith(type) && entry.ordered).map(([key]) => key);
    expect(ordered.map(({ key }) => key).sort()).toEqual(expected.sort());
  }
}

const command = (name: string, run: (model: Model, db: Database) => Promise<void>): Command => ({
  check: () => true,
  toString: () => name,
  run: async (model, db) => {
    await run(model, db);
    await compare(model, db);
  },
});

const refused = (key: string, form: QuarantineForm): Command =>
  command(`refused ${key} ${form}`, async (model, db) => {
    const entry = { key, form, reason: 'target-refused', status: 422, batch: 'b', content: Buffer.from(form) } as const;
    await putInQuarantine(db, direction, [entry], 1);
    // A state that was refused anew is not ordered any more: whoever ordered it meant the one before.
    model.set(key, {
      form,
      attempts: (model.get(key)?.attempts ?? 0) + 1,
      ordered: false,
      batch: '',
      discarded: false,
    });
  });

const accepted = (some: readonly string[]): Command =>
  command(`accepted ${some.join()}`, async (model, db) => {
    await releaseFromQuarantine(db, direction, some);
    for (const key of some) model.delete(key);
  });

const ordered = (some: readonly string[]): Command =>
  command(`ordered ${some.join()}`, async (model, db) => {
    await orderRetry(db, { ...all, keys: some });
    for (const [key, entry] of model) if (chosen(some)(key) && retryable.has(entry.form)) entry.ordered = true;
  });

const inHand = (type: (typeof types)[number], batch: string): Command =>
  command(`in hand ${type} ${batch}`, async (model, db) => {
    const taken = await orderedRetries(db, { direction, type }, ['raw', 'clean', 'delete'], 100);
    await takeInHand(
      db,
      { direction, type },
      taken.map(({ key }) => key),
      batch,
    );
    for (const { key } of taken) model.get(key)!.batch = batch;
  });

const committed = (batch: string): Command =>
  command(`committed ${batch}`, async (model, db) => {
    await settleRetried(db, direction, batch);
    for (const [key, entry] of model) if (entry.batch === batch) model.delete(key);
  });

const discarded = (some: readonly string[]): Command =>
  command(`discarded ${some.join()}`, async (model, db) => {
    const gone = await discardQuarantined(db, { ...all, keys: some }, { reason: 'duplicate', ticket: '', atMs: 1 });
    const standing = [...model].filter(([, entry]) => !entry.discarded).map(([key]) => key);
    expect(gone.sort()).toEqual(standing.filter(chosen(some)).sort());
    for (const key of gone)
      Object.assign(model.get(key)!, { form: 'none', ordered: false, batch: '', discarded: true });
  });

const key = fc.constantFrom(...keys);
const some = fc.uniqueArray(key, { maxLength: 3 });
const batch = fc.constantFrom('batch-1', 'batch-2');

const commands = fc.commands(
  [
    fc.tuple(key, fc.constantFrom(...forms)).map(([one, form]) => refused(one, form)),
    some.map(accepted),
    some.map(ordered),
    fc.tuple(fc.constantFrom(...types), batch).map(([type, name]) => inHand(type, name)),
    batch.map(committed),
    fc.uniqueArray(key, { minLength: 1, maxLength: 2 }).map(discarded),
  ],
  { maxCommands: 40 },
);

it('holds what was refused and not accepted, given up or tried again with success, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(commands, (script) =>
      withMemoryState((db) => fc.asyncModelRun(() => ({ model: new Map<string, Entry>(), real: db }), script)),
    ),
    { numRuns: 60 },
  );
}, 60_000);

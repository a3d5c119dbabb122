/**
 * Quarantined resources that are to be tried again: an operator said so, or what stood in their way has gone. The order
 * stands until they are committed, refused again or superseded: a worker that dies in between forgets none.
 */
import type { Database } from './database.ts';
import { chunksOf } from './database.ts';
import type { QuarantineForm, QuarantineReason } from './quarantine.ts';
import type { StreamKey } from './streams.ts';
import type { Direction } from './tables.ts';

/** Forms that can be tried again. */
const retryable = ['raw', 'clean', 'delete'] satisfies QuarantineForm[];

/** Which entries: of these types or keys; both empty: all. */
export interface QuarantineChoice {
  readonly direction: Direction;
  readonly types: readonly string[];
  readonly keys: readonly string[];
}

/** An entry as people see it: names, counts and times. */
export interface QuarantineView {
  readonly key: string;
  readonly type: string;
  readonly reason: QuarantineReason;
  readonly status: number;
  readonly attempts: number;
  readonly form: QuarantineForm;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Whether it is about to be tried again. */
  readonly ordered: boolean;
  /** Where an operator has given it up. */
  readonly discarded?: Discarded;
}

/** How a resource was given up. */
export interface Discarded {
  /** A code. */
  readonly reason: string;
  readonly ticket: string;
  readonly atMs: number;
}

/**
 * Entries in the order of their keys: those that stand in quarantine, or those that were given up and of which nothing newer
 * has come.
 * @param after - the last key of the page before; empty for the first
 */
export async function listQuarantine(
  db: Database,
  choice: QuarantineChoice & { readonly discarded?: boolean },
  after: string,
  limit: number,
): Promise<QuarantineView[]> {
  let query = db
    .selectFrom('quarantine')
    .select(['key', 'type', 'reason', 'status', 'attempts', 'form', 'first_ms', 'last_ms', 'retry'])
    .select(['discarded', 'ticket', 'discarded_ms'])
    .where('direction', '=', choice.direction)
    .where('discarded', choice.discarded === true ? '!=' : '=', '')
    .where('key', '>', after);
  if (choice.types.length > 0) query = query.where('type', 'in', choice.types);
  if (choice.keys.length > 0) query = query.where('key', 'in', choice.keys);
  const rows = await query.orderBy('key').limit(limit).execute();
  return rows.map(({ first_ms, last_ms, retry, reason, form, discarded, ticket, discarded_ms, ...rest }) => ({
    ...rest,
    reason: reason as QuarantineReason,
    form: form as QuarantineForm,
    firstMs: first_ms,
    lastMs: last_ms,
    ordered: retry === 1,
    ...(discarded !== '' && { discarded: { reason: discarded, ticket, atMs: discarded_ms } }),
  }));
}

/** Orders entries to be tried again. Returns how many of each type; those whose form allows it. */
export async function orderRetry(db: Database, choice: QuarantineChoice): Promise<Map<string, number>> {
  const ordered = new Map<string, number>();
  for (const keys of keyChunks(choice.keys)) {
    let query = db
      .updateTable('quarantine')
      .set({ retry: 1 })
      .where('direction', '=', choice.direction)
      .where('form', 'in', retryable);
    if (choice.types.length > 0) query = query.where('type', 'in', choice.types);
    if (keys !== undefined) query = query.where('key', 'in', keys);
    const rows = await query.returning('type').execute();
    for (const { type } of rows) ordered.set(type, (ordered.get(type) ?? 0) + 1);
  }
  return ordered;
}

/**
 * Gives entries up: their content is deleted for good. That they were refused, and given up, stays noted until something newer
 * comes: an attempt of the commit that refused them must not take them for written, and a comparison with the source has to
 * know why they are not in the target. Returns their keys.
 */
export async function discardQuarantined(
  db: Database,
  choice: QuarantineChoice,
  { reason, ticket, atMs }: Discarded,
): Promise<string[]> {
  const discarded: string[] = [];
  for (const keys of keyChunks(choice.keys)) {
    let query = db
      .updateTable('quarantine')
      .set({ form: 'none' satisfies QuarantineForm, content: null, retry: 0, retry_batch: '' })
      .set({ discarded: reason, ticket, discarded_ms: atMs })
      .where('direction', '=', choice.direction)
      .where('discarded', '=', '');
    if (choice.types.length > 0) query = query.where('type', 'in', choice.types);
    if (keys !== undefined) query = query.where('key', 'in', keys);
    const rows = await query.returning('key').execute();
    discarded.push(...rows.map(({ key }) => key));
  }
  return discarded;
}

/** Lists of keys that a statement takes; once without a list where all are meant. */
const keyChunks = (keys: readonly string[]): Iterable<readonly string[] | undefined> =>
  keys.length === 0 ? [undefined] : chunksOf(keys);

/** A resource has gone from the target: deletes that something stood in the way of are tried again. */
export async function orderHeldDeletes(db: Database, direction: Direction): Promise<void> {
  await db
    .updateTable('quarantine')
    .set({ retry: 1 })
    .where('direction', '=', direction)
    .where('reason', '=', 'still-referenced' satisfies QuarantineReason)
    .where('discarded', '=', '')
    .where('retry', '=', 0)
    .execute();
}

/** What is ordered of a stream. */
export interface OrderedRetry {
  readonly key: string;
  readonly form: QuarantineForm;
  readonly content: Uint8Array | null;
}

/** The ordered retries of some forms, oldest first. */
export async function orderedRetries(
  db: Database,
  { direction, type }: StreamKey,
  forms: readonly QuarantineForm[],
  limit: number,
): Promise<OrderedRetry[]> {
  const rows = await db
    .selectFrom('quarantine')
    .select(['key', 'form', 'content'])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('retry', '=', 1)
    .where('form', 'in', forms)
    .orderBy('first_ms')
    .orderBy('key')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, form: row.form as QuarantineForm }));
}

/** Notes which batch tries entries again: once it is committed, what was not refused anew is settled. */
export async function takeInHand(
  db: Database,
  { direction }: StreamKey,
  keys: readonly string[],
  batch: string,
): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db
      .updateTable('quarantine')
      .set({ retry_batch: batch })
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .where('retry', '=', 1)
      .execute();
  }
}

/** The batch that tried entries again is committed: they are in the target, parked, or of no use any more. */
export async function settleRetried(db: Database, direction: Direction, batch: string): Promise<void> {
  await db.deleteFrom('quarantine').where('direction', '=', direction).where('retry_batch', '=', batch).execute();
}

/** Whether anything of a stream is to be tried again. */
export async function hasOrderedRetries(db: Database, { direction, type }: StreamKey): Promise<boolean> {
  const row = await db
    .selectFrom('quarantine')
    .select('key')
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('retry', '=', 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** One entry with its content, for those at the site who may see it. */
export async function readQuarantined(
  db: Database,
  direction: Direction,
  key: string,
): Promise<
  { readonly form: QuarantineForm; readonly content: Uint8Array | null; readonly isDiscarded: boolean } | undefined
> {
  const row = await db
    .selectFrom('quarantine')
    .select(['form', 'content', 'discarded'])
    .where('direction', '=', direction)
    .where('key', '=', key)
    .executeTakeFirst();
  return row && { form: row.form as QuarantineForm, content: row.content, isDiscarded: row.discarded !== '' };
}

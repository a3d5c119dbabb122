/** Judges what source, target and ledger said of each key; and repairs it, where that is asked for. */
import { fixedLimits } from '../../limits.ts';
import { addConflicts, type ConflictKind } from '../../state/conflicts.ts';
import type { Database } from '../../state/database.ts';
import { dropDeletionsOf, orderDeletions } from '../../state/deletions.ts';
import { markStale, noteVersions } from '../../state/ledger.ts';
import { standingOf } from '../../state/standing.ts';
import { readStream } from '../../state/streams.ts';
import { isOwner, type Survey, surveyPage, type SurveyRow } from '../../state/survey.ts';
import { orderWanted } from '../../state/wanted.ts';
import { type DriftKind, driftOf, found, hangsOnTarget, isDeletedBy } from '../../sync/drift.ts';
import { heartbeat, TroubleError } from '../failures.ts';
import { versionsInTarget } from '../own-in-target.ts';
import type { Parts } from '../parts.ts';
import type { Tally } from './tally.ts';

export interface Judging {
  readonly survey: Survey;
  readonly tally: Tally;
  readonly repair: boolean;
  /** Where it has changed a resync has begun, and nothing of this is true any more. */
  readonly epoch: number;
  /** False where a commit may have written to the target what nobody has noted. */
  readonly trustsTarget: boolean;
}

/** Judges all that is left in the survey. False where a resync has begun meanwhile. */
export async function judgeAll(parts: Parts, judging: Judging): Promise<boolean> {
  const { survey, repair } = judging;
  // What an earlier repair has ordered is judged anew.
  if (repair) await parts.db.transaction().execute((tx) => whileOwned(tx, judging, () => dropDeletionsOf(tx, survey)));
  for (let after = ''; ;) {
    const rows = await surveyPage(parts.db, survey, after, fixedLimits.reconcileKeysMax);
    const last = rows.at(-1);
    if (last === undefined) return true;
    after = last.key;
    const absent = rows.filter(
      ({ digest, listed, found: now }) => digest !== '' && listed === null && now !== found.nothing,
    );
    // What is deleted while pages are read moves the others, and one may fall between two of them.
    const back = await versionsInTarget(
      parts,
      survey.direction,
      absent.map(({ key }) => key),
    );
    const nowMs = parts.now();
    const isSame = await parts.db
      .transaction()
      .execute((tx) => whileOwned(tx, judging, () => judgePage(tx, judging, rows, back, nowMs)));
    if (!isSame) return false;
    heartbeat({ undecided: judging.tally.undecided });
  }
}

/** Throws where a newer reconciliation has taken over; false where a resync has begun. */
async function whileOwned(tx: Database, { survey, epoch }: Judging, work: () => Promise<void>): Promise<boolean> {
  if (!(await isOwner(tx, survey))) throw new TroubleError('lost-race');
  if ((await readStream(tx, survey)).epoch !== epoch) return false;
  await work();
  return true;
}

type Judged = SurveyRow & { readonly kind: DriftKind };

async function judgePage(
  tx: Database,
  judging: Judging,
  rows: readonly SurveyRow[],
  back: ReadonlyMap<string, string>,
  nowMs: number,
): Promise<void> {
  const { survey, tally, repair, trustsTarget } = judging;
  const keys = rows.map(({ key }) => key);
  const standing = await standingOf(tx, survey.direction, keys);
  const differing: Judged[] = [];
  const firstSeen = new Map<string, string>();
  for (const row of rows) {
    const present = standing.get(row.key);
    const kind = present === undefined ? 'moving' : driftOf(row, present);
    if (kind === 'moving' || (kind !== undefined && isUnsure(kind, row, trustsTarget, back))) tally.undecided += 1;
    else {
      if (trustsTarget && row.digest !== '' && row.version === '' && row.listed !== null && row.listed !== '')
        firstSeen.set(row.key, row.listed);
      if (kind === undefined) continue;
      tally.count(kind, row.key);
      differing.push({ ...row, kind });
    }
  }
  await noteVersions(tx, survey.direction, firstSeen);
  if (repair) await orderRepair(tx, survey, differing, nowMs);
}

const isUnsure = (
  kind: DriftKind,
  { key }: SurveyRow,
  trustsTarget: boolean,
  back: ReadonlyMap<string, string>,
): boolean => (hangsOnTarget.has(kind) && !trustsTarget) || (kind === 'missing-in-target' && back.has(key));

/** The stream does the rest, as batches of its own between two of its feed's. */
async function orderRepair(tx: Database, survey: Survey, differing: readonly Judged[], foundMs: number): Promise<void> {
  const { direction } = survey;
  const deleted = differing.filter(({ kind }) => isDeletedBy.has(kind));
  const asked = differing.filter(({ kind }) => !isDeletedBy.has(kind));
  await orderDeletions(tx, survey, deleted);
  await markStale(
    tx,
    direction,
    asked.map(({ key }) => key),
  );
  await orderWanted(
    tx,
    survey,
    asked.flatMap(({ key, sourceId }) => (sourceId === null ? [] : [{ key, sourceId }])),
  );
  await addConflicts(
    tx,
    asked.flatMap(({ key, kind }) => {
      const conflict = conflictOf(kind);
      return conflict === undefined ? [] : [{ direction, key, kind: conflict, foundMs }];
    }),
  );
}

function conflictOf(kind: DriftKind): ConflictKind | undefined {
  if (kind === 'edited-in-target') return 'edited';
  return kind === 'missing-in-target' ? 'gone' : undefined;
}

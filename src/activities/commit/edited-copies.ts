/** Copies that somebody has edited in the target: the owner's state takes their place, and a conflict is noted. */
import { addConflicts } from '../../state/conflicts.ts';
import type { Direction, FenceMode } from '../../state/tables.ts';
import { troubleCodeOf } from '../failures.ts';
import { versionsInTarget } from '../own-in-target.ts';
import type { Parts } from '../parts.ts';
import { type CommitPlan, type PlannedWrite, type Sets, writesOf } from './planned.ts';

export interface EditedInput {
  readonly parts: Parts;
  readonly plan: CommitPlan;
  readonly mode: FenceMode;
}

export class EditedCopies {
  readonly #input: EditedInput;
  /** Keys whose copies in the target are written over, whatever they are by now. */
  readonly #overruled = new Set<string>();

  constructor(input: EditedInput) {
    this.#input = input;
  }

  /** The version that a write's copy has to have in the target, where the server looks at that. */
  versionOf({ key, method, version }: PlannedWrite): string | undefined {
    const isGuarded = this.#input.mode === 'if-match' && method === 'PUT' && !this.#overruled.has(key);
    return isGuarded ? version : undefined;
  }

  /**
   * A 412 that stays may be of a copy that somebody has edited: the owner's state takes its place all the same, and a conflict
   * is noted. Nothing else can have written there since: versions are forgotten before a commit is sent.
   */
  async find(sets: Sets): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    const guarded = writesOf(plan, sets).filter((write) => this.versionOf(write) !== undefined);
    if (guarded.length === 0) return;
    const keys = guarded.map(({ key }) => key);
    const present = await versionsNow(parts, direction, keys);
    const edited = guarded.filter(({ key, version }) => present === 'not-told' || present.get(key) !== version);
    for (const { key } of edited) this.#overruled.add(key);
    if (present === 'not-told') return;
    // The plan's time, so that a conflict which another attempt finds again is the same one.
    const foundMs = plan.plannedMs ?? parts.now();
    const conflicts = edited.map(({ key }) => {
      const kind = present.has(key) ? ('edited' as const) : ('gone' as const);
      return { direction, key, kind, foundMs };
    });
    await parts.db.transaction().execute((tx) => addConflicts(tx, conflicts));
  }
}

/** The versions of our copies in the target; `not-told` where it does not let us list them. */
async function versionsNow(
  parts: Parts,
  direction: Direction,
  keys: readonly string[],
): Promise<ReadonlyMap<string, string> | 'not-told'> {
  try {
    return await versionsInTarget(parts, direction, keys);
  } catch (error) {
    if (troubleCodeOf(error) === 'target-forbidden') return 'not-told';
    throw error;
  }
}

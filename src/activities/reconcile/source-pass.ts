/**
 * What the source has of a stream, in the states of one moment, taken the way that a batch goes: de-identified, compared by the
 * leak guard, through the extra steps and the output check. What is left of each resource is its key and a digest; nothing is
 * staged, and nothing of a resource stays in memory for longer than its lot.
 */
import { fixedLimits } from '../../limits.ts';
import type { Database } from '../../state/database.ts';
import { dropSurveyed, isOwner, noteFound, type Survey, surveyed } from '../../state/survey.ts';
import { found, isAlike } from '../../sync/drift.ts';
import type { DumpedResource } from '../../fhir/server.ts';
import { putLine } from '../../threads/lines.ts';
import { wantedContext } from '../commit/contexts.ts';
import { cancelSignal, heartbeat, onSide, TroubleError } from '../failures.ts';
import { examineRow } from '../fetch/rows.ts';
import { guardBytes, storeWords } from '../guard/batch.ts';
import { type Parts, policyOf, sourceName } from '../parts.ts';
import { targetKey } from '../target-key.ts';
import type { Tally } from './tally.ts';

export interface SourcePass {
  readonly survey: Survey;
  readonly tally: Tally;
  /** Whether the ids at the source are kept, sealed, of what differs. */
  readonly keepsIds: boolean;
}

/** Reads the source through. */
export async function readSource(parts: Parts, pass: SourcePass): Promise<void> {
  const { survey } = pass;
  const { resourceBytesMax } = parts.limits;
  const source = parts.servers[sourceName(survey.direction)];
  const asOf = new Date(parts.now()).toISOString();
  let lot = new Lot(parts, pass);
  const take = async (dumped: DumpedResource): Promise<void> => {
    lot.add(dumped);
    if (lot.bytes < fixedLimits.partBytesMax) return;
    await lot.compare(asOf);
    lot = new Lot(parts, pass);
  };
  await onSide('source', () => source.dump(survey.type, { resourceBytesMax }, take, cancelSignal()));
  await lot.compare(asOf);
}

/** Resources that are looked at together. */
class Lot {
  bytes = 0;
  readonly #parts: Parts;
  readonly #pass: SourcePass;
  readonly #lines: string[] = [];
  /** Ids at the source by key. */
  readonly #ids = new Map<string, string>();

  constructor(parts: Parts, pass: SourcePass) {
    this.#parts = parts;
    this.#pass = pass;
  }

  add(dumped: DumpedResource): void {
    const { survey, tally } = this.#pass;
    const resource =
      dumped.kind === 'too-large' ? { id: dumped.id ?? null, resourceType: survey.type } : dumped.resource;
    const row = { deleted: false, resource, pageBytes: 0 };
    const examined = examineRow(row, survey.type, Infinity, this.#parts.sealer);
    // What has no id of its own can be nothing that was ever written.
    if (examined.kind === 'bad') {
      tally.undecided += 1;
      return;
    }
    const key = targetKey(this.#parts, survey, examined.id);
    tally.count('source', key);
    this.#ids.set(key, examined.id);
    if (dumped.kind === 'too-large') return;
    const line = putLine(dumped.json.trim());
    this.#lines.push(line);
    // A character of UTF-16 is a byte at least: near enough for a lot's size.
    this.bytes += line.length;
  }

  /** Compares what was added with the survey, and leaves in there what differs. */
  async compare(asOf: string): Promise<void> {
    const { db, sealer } = this.#parts;
    const { survey, keepsIds } = this.#pass;
    await this.#requireOwner(db);
    const digests = await this.#digests(asOf);
    const rows = await surveyed(db, survey, [...this.#ids.keys()]);
    const alike: string[] = [];
    const differing: { key: string; found: string; sourceId: Uint8Array | null }[] = [];
    for (const [key, id] of this.#ids) {
      const row = rows.get(key) ?? { digest: '', version: '', listed: null };
      const now = digests.get(key) ?? found.refused;
      if (isAlike({ ...row, found: now })) alike.push(key);
      else {
        const context = wantedContext(survey.direction, key);
        differing.push({ key, found: now, sourceId: keepsIds ? sealer.seal(Buffer.from(id), context) : null });
      }
    }
    await db.transaction().execute(async (tx) => {
      await this.#requireOwner(tx);
      await dropSurveyed(tx, survey, alike);
      await noteFound(tx, survey, differing);
    });
    heartbeat({ sourceResources: this.#pass.tally.total('source') });
  }

  /** Digests by key; a key that is missing is that of a resource which may not pass. */
  async #digests(asOf: string): Promise<Map<string, string>> {
    if (this.#lines.length === 0) return new Map();
    const { pool, rulesets, steps } = this.#parts;
    const { direction, type } = this.#pass.survey;
    const ruleset = rulesets[direction];
    const raw = Buffer.from(this.#lines.join(''));
    const outcome = await pool.anonymize({ ruleset, type, asOf, lines: raw });
    // The words of what no feed has shown are words all the same.
    if (ruleset.guards)
      await storeWords(this.#parts, ruleset.hashKeyVersion, [outcome.removed], (tx) => this.#requireOwner(tx));
    let lines = await this.#guarded(outcome.lines);
    for (const { moduleUrl } of steps) {
      const context = { direction, type, policy: policyOf(this.#parts, direction) };
      ({ lines } = await pool.runStep({ moduleUrl, context, lines }));
    }
    if (steps.length > 0) lines = await this.#guarded(lines);
    const { items } = await pool.inspect({ ruleset, type, lines });
    return new Map(items.map((item) => [item.key, item.kind === 'put' ? item.digest : found.withheld]));
  }

  /** A newer reconciliation, or a leaving, ends this one. */
  async #requireOwner(db: Database): Promise<void> {
    if (!(await isOwner(db, this.#pass.survey))) throw new TroubleError('lost-race');
  }

  async #guarded(lines: Uint8Array): Promise<Uint8Array> {
    const { direction } = this.#pass.survey;
    if (!this.#parts.rulesets[direction].guards) return lines;
    return (await guardBytes(this.#parts, direction, lines)).bytes ?? lines;
  }
}

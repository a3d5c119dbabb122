/** The fence by markers: each transaction posts a resource with an id of its own, which no other can post again. */
import { createHash } from 'node:crypto';

import type { JsonObject } from '../../fhir/resource.ts';
import type { CommitTarget } from '../../fhir/server.ts';
import { cursorId } from '../../sync/cursor.ts';
import { TroubleError } from '../failures.ts';
import { cursorType, entry, isThrough, readMany } from './cursor-writes.ts';
import type { Closing, Fence, FenceInput, FenceOffInput, Progress } from './fence.ts';
import { isLastBundle } from './planned.ts';

/** Id of a marker: of a transaction's bundle, and of its turn among the pieces that the bundle was sent in. */
const markerId = (label: string, bundle: number, turn: number): string =>
  `m-${createHash('sha256')
    .update(`${label}|${String(bundle)}|${String(turn)}`)
    .digest('hex')
    .slice(0, 40)}`;

/**
 * The turns that were taken of some bundles: each transaction takes the next one, so that of two attempts only one gets
 * through, whatever pieces each of them sends.
 */
class Turns implements Progress {
  readonly #target: CommitTarget;
  readonly #label: string;
  readonly #next = new Map<number, number>();
  readonly #sets = new Map<number, number>();
  readonly #complete = new Set<number>();

  constructor(target: CommitTarget, label: string) {
    this.#target = target;
    this.#label = label;
  }

  /** The marker that a bundle's next transaction has to take. */
  markerOf(bundle: number): string {
    return markerId(this.#label, bundle, this.#next.get(bundle) ?? 0);
  }

  /** Every marker of the first bundles up to the next turn. */
  markersUpTo(bundles: number): string[] {
    return Array.from({ length: bundles }, (_, bundle) => bundle).flatMap((bundle) =>
      Array.from({ length: (this.#next.get(bundle) ?? 0) + 1 }, (_, turn) => markerId(this.#label, bundle, turn)),
    );
  }

  isApplied(bundle: number): boolean {
    return this.#complete.has(bundle);
  }

  setsSent(bundle: number): number {
    return this.#sets.get(bundle) ?? 0;
  }

  /** A turn was taken by a piece that ends at `upTo`, or by what completes the bundle. */
  take(bundle: number, upTo: number | undefined): void {
    if (upTo === undefined) {
      this.#complete.add(bundle);
      return;
    }
    this.#sets.set(bundle, upTo);
    this.#next.set(bundle, (this.#next.get(bundle) ?? 0) + 1);
  }

  /** Looks how far bundles have come. Throws `lost-race` where the commit was closed. */
  async look(bundles: readonly number[]): Promise<void> {
    for (let open = bundles.filter((bundle) => !this.isApplied(bundle)); open.length > 0;) {
      const ids = open.map((bundle) => this.markerOf(bundle));
      const found = await readMany(this.#target, ids);
      open = open.filter((bundle, index) => {
        const marker = found.get(ids[index] ?? '')?.resource;
        if (marker === undefined) return false;
        if (marker.batch !== this.#label) throw new TroubleError('lost-race');
        const isWhole = marker.sequence === bundle;
        // A piece of an older program does not say where it ends.
        const upTo = typeof marker.sets === 'number' ? marker.sets : this.setsSent(bundle);
        this.take(bundle, isWhole ? undefined : upTo);
        return !isWhole;
      });
    }
  }
}

export async function openMarkers(input: FenceInput): Promise<Fence> {
  const { instance, target, plan } = input;
  const { direction, type } = plan.stream;
  const id = cursorId(instance, direction, type);
  const turns = new Turns(target, plan.label);
  if (plan.bundles.length > 1) await turns.look([...plan.bundles.keys()]);
  const marker = (bundle: number, upTo: number | undefined): JsonObject => ({
    resourceType: cursorType,
    id: turns.markerOf(bundle),
    kind: 'marker',
    instance,
    direction,
    type,
    batch: plan.label,
    // A piece does not complete its bundle.
    sequence: upTo === undefined ? bundle : -1,
    ...(upTo !== undefined && { sets: upTo }),
  });
  return {
    isApplied: (bundle) => turns.isApplied(bundle),
    setsSent: (bundle) => turns.setsSent(bundle),
    entries: (bundle, upTo) => {
      const own = entry('POST', cursorType, marker(bundle, upTo));
      if (!isLastBundle(plan, bundle) || upTo !== undefined) return [own];
      const cursor = entry('PUT', `${cursorType}/${id}`, input.cursorContent);
      return [own, cursor, ...input.oldMarkers.map((old) => entry('DELETE', `${cursorType}/${old}`))];
    },
    passed: (bundle, upTo) => {
      turns.take(bundle, upTo);
      return Promise.resolve();
    },
    judge: async (bundle) => {
      if (await isThrough(target, id, plan.label, input.cursor)) return 'applied';
      await turns.look([bundle]);
      return turns.isApplied(bundle) ? 'applied' : 'retry';
    },
    markers: () => turns.markersUpTo(Math.max(1, plan.bundles.length)),
  };
}

/** Takes the markers that the lost attempt would have to post next. */
export async function takeMarkers({ instance, target, open }: FenceOffInput): Promise<Closing> {
  const bundles = Array.from({ length: Math.max(1, open.bundles) }, (_, bundle) => bundle);
  const turns = new Turns(target, open.label);
  await turns.look(bundles);
  const entries = bundles
    .filter((bundle) => !turns.isApplied(bundle))
    .map((bundle) =>
      entry('POST', cursorType, {
        resourceType: cursorType,
        id: turns.markerOf(bundle),
        kind: 'marker',
        instance,
        batch: `closed-${open.label}`,
      }),
    );
  return { entries, progress: turns };
}

/** Reads what a plan writes: out of the batch's staged forms, kept a part at a time, or out of the parked resources. */
import { readParked } from '../../state/parked.ts';
import { markIn, putFrame } from '../../threads/lines.ts';
import { TroubleError } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { readPart } from '../staged.ts';
import { parkedContext } from './contexts.ts';
import type { CommitPlan, PlannedWrite } from './planned.ts';

export interface Contents {
  /** A write's resource as JSON bytes. */
  readonly contentOf: (write: PlannedWrite) => Promise<Uint8Array>;
  /** Its mark of the leak guard; `undefined` where it has none, or stands beside it where it is parked. */
  readonly markOf: (write: PlannedWrite) => Promise<Uint8Array | undefined>;
}

export function contentsOf(parts: Parts, plan: CommitPlan): Contents {
  const { direction } = plan.stream;
  const staged = new Map<string, Promise<Buffer>>();
  const partOf = ({ form = plan.form, part }: NonNullable<PlannedWrite['at']>): Promise<Buffer> => {
    const name = `${form}/${String(part)}`;
    const bytes = staged.get(name) ?? readPart(parts.staging, plan.batch, form, part);
    staged.set(name, bytes);
    return bytes;
  };
  return {
    contentOf: async ({ at, key }) => {
      if (at !== undefined) return (await partOf(at)).subarray(at.start, at.end);
      const sealed = (await readParked(parts.db, direction, [key])).get(key);
      // Another stream has committed it meanwhile, or a newer state has taken its place.
      if (sealed === undefined) throw new TroubleError('lost-race');
      return parts.sealer.open(sealed, parkedContext(direction, key));
    },
    markOf: async ({ at }) => {
      if (at?.line === undefined) return undefined;
      const bytes = await partOf(at);
      const frame = putFrame(bytes, at.line.start, at.line.end);
      return frame === undefined ? undefined : markIn(bytes, frame);
    },
  };
}

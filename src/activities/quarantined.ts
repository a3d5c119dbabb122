/** What goes into quarantine, and how it comes out: sealed under its key, in the form it was refused in. */
import type { Sealer } from '../crypto/seal.ts';
import type { QuarantineEntry, QuarantineForm } from '../state/quarantine.ts';
import type { Direction } from '../state/tables.ts';
import { putFrame } from '../threads/lines.ts';
import { quarantineContext } from './commit/contexts.ts';

type Refused = Pick<QuarantineEntry, 'key' | 'reason'> &
  Partial<Pick<QuarantineEntry, 'status' | 'batch'>> & {
    readonly form: QuarantineForm;
    /** Empty for the forms `delete` and `none`. */
    readonly content: Uint8Array;
  };

/** An entry, its content sealed. */
export function quarantineEntry(sealer: Sealer, direction: Direction, refused: Refused): QuarantineEntry {
  const { key, reason, status = 0, batch = '', form, content } = refused;
  const kept = form === 'delete' || form === 'none' ? null : sealer.seal(content, quarantineContext(direction, key));
  return { key, reason, status, batch, form, content: kept };
}

/** The content as it was refused: a staged line, or a row's JSON. Throws `SealProblem` where it is another key's. */
export const openQuarantined = (
  sealer: Sealer,
  direction: Direction,
  { key, content }: { readonly key: string; readonly content: Uint8Array },
): Uint8Array => sealer.open(content, quarantineContext(direction, key));

/** The resource's own JSON of a content. */
export function quarantinedJson(form: QuarantineForm, content: Uint8Array): Uint8Array {
  const frame = form === 'row' ? undefined : putFrame(content, 0, content.length);
  return frame === undefined ? content : content.subarray(frame.start, frame.end);
}

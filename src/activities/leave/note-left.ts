/** note-left: a stream's cursor in its target says that the instance has left, since when, and what became of the data. */
import { cursorId } from '../../sync/cursor.ts';
import { amendCursor, readCursor } from '../commit/cursor-writes.ts';
import type { NoteLeftInput } from '../contract.ts';
import { guarded } from '../failures.ts';
import { type Parts, targetName } from '../parts.ts';
import { requireLeaving } from './here.ts';

export const createNoteLeft = (parts: Parts): ((input: NoteLeftInput) => Promise<void>) =>
  guarded('note-left', parts.log, (input: NoteLeftInput) => noteLeft(parts, input));

async function noteLeft(parts: Parts, { stream, data }: NoteLeftInput): Promise<void> {
  const { begunMs } = await requireLeaving(parts.db);
  const target = parts.servers[targetName(stream.direction)];
  const id = cursorId(parts.instance, stream.direction, stream.type);
  const cursor = await readCursor(parts, stream);
  const note = { left: new Date(begunMs).toISOString(), leftData: data };
  // A stream that never came so far has no cursor, and nothing in the target.
  if (cursor === undefined || (cursor.resource.left === note.left && cursor.resource.leftData === data)) return;
  await amendCursor(target, id, cursor, note);
}

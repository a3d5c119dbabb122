/** What the newest version of a source means for its streams. */
import { observeHead, readHeads } from '../state/heads.ts';
import type { StreamKey } from '../state/streams.ts';
import { maturedHead } from '../sync/window.ts';
import { type Parts, settleMsOf, sourceName } from './parts.ts';

/** Notes it, and gives back the newest one that can have nothing in flight at or below it any more. */
export async function noteHead(parts: Parts, { direction }: StreamKey, head: number): Promise<number> {
  const server = sourceName(direction);
  await observeHead(parts.db, server, head, parts.now());
  const settleMs = settleMsOf(parts.limits);
  const heads = await readHeads(parts.db, parts.heads, server, settleMs);
  return maturedHead(heads, parts.heads.nowMs(), settleMs);
}

/** For what a tick does once in a while only. */
import type { Parts } from './parts.ts';

/** Says for each site whether it is time again; asking counts as having done it. */
export function nowAndThen(everyMs: number): (parts: Pick<Parts, 'now'>) => boolean {
  const lastMs = new WeakMap<object, number>();
  return (parts) => {
    const now = parts.now();
    // Either way: a clock that was put back must not keep it from its turn for as long.
    if (Math.abs(now - (lastMs.get(parts) ?? 0)) < everyMs) return false;
    lastMs.set(parts, now);
    return true;
  };
}

/** What a pass holds on to, and what it allocates. */
import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// The same as `node --expose-gc`, without asking whoever runs it for the flag.
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** A full collection. Twice: what only a finalizer held goes the second time. */
export function collectGarbage(): void {
  gc();
  gc();
}

/** Bytes in the heap after a collection, before the first pass and after each. */
export function heapAfterPasses(pass: (number: number) => unknown, passes: number): number[] {
  const heap = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const found = [heap()];
  for (let done = 0; done < passes; done++) {
    pass(done);
    found.push(heap());
  }
  return found;
}

interface SampledNode {
  readonly selfSize: number;
  readonly children: readonly SampledNode[];
}

const total = ({ selfSize, children }: SampledNode): number =>
  children.reduce((sum, child) => sum + total(child), selfSize);

/** Bytes that one pass allocates, garbage included; an estimate from samples. */
export async function allocatedBy(pass: () => number): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 16_384,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    pass();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    return total(profile.head);
  } finally {
    session.disconnect();
  }
}

/** Seeded randomness, so that a failing run can be run again. */

/** Mixes 32 bits; the finalizer of MurmurHash3, public domain. */
export function mix32(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A generator of numbers in [0, 1) that a seed fixes. */
export function seededRandom(seed: number): () => number {
  let step = 0;
  return () => {
    step += 1;
    return mix32(mix32(seed) + Math.imul(step, 0x9e3779b9)) / 0x1_0000_0000;
  };
}

/**
 * The seed of every property test. It is fixed, so that the same commit passes or fails the same way everywhere;
 * `SLUICE_SEED=random npm test -- <paths>` looks further, and `SLUICE_SEED=<number>` runs a failure again.
 */
import fc from 'fast-check';

const asked = process.env.SLUICE_SEED ?? '20261124';

export const seed = asked === 'random' ? Date.now() % 2 ** 31 : Number(asked);

if (!Number.isInteger(seed)) throw new Error('SLUICE_SEED: expected a whole number, or random');
if (asked === 'random') console.info(`seed ${String(seed)}`);

fc.configureGlobal({ seed });

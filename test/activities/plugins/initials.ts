/** A plug-in for tests: the first letter of a text. */
import type { MethodPlugin } from '../../../src/deid/engine.ts';

const initials: MethodPlugin = {
  name: 'initials',
  version: '1',
  types: ['string'],
  apply: (value) => (typeof value === 'string' ? value.slice(0, 1) : undefined),
};

export default initials;

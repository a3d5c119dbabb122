/** Outside any site all of R4's types go up, and a Bundle's urns stay whole under other names. */
import type { ReferenceScope } from '../../deid/engine.ts';
import { r4ResourceTypes } from '../../deid/r4/model.ts';

export const scopeOf = (instance: string): ReferenceScope => ({
  instance,
  upTypes: r4ResourceTypes,
  downTypes: new Set(),
  urns: 'rename',
});

import type { ResolvedOptions } from './options.ts';
import type { Store } from './store.ts';

/** What every interaction needs: the data and the settings. */
export interface Context {
  readonly store: Store;
  readonly options: ResolvedOptions;
}

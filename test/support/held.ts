/**
 * Attempts that lose: a process of the site whose requests to the hub can be held on their way out, or whose answers
 * can be held on their way back, as in a process that was paused or a network that took its time.
 */
import type { Parts } from '../../src/activities/parts.ts';
import type { CommitTarget } from '../../src/fhir/server.ts';
import type { Site } from './site.ts';

export interface Held {
  /** Activities of that process. */
  readonly activities: Site['activities'];
  /** Resolves when the request is held. */
  readonly reached: Promise<void>;
  /** Lets it go. */
  release(): void;
}

interface HoldOptions {
  /** Whether to hold the answer of a request that has taken effect, rather than the request. */
  readonly answer?: boolean;
  /** Which of the requests that fit, from 0. */
  readonly skip?: number;
}

/** A process of which the first transaction that fits is held. `what` looks at the Bundle's text. */
export function holdTransaction(site: Site, what: (bundle: string) => boolean, options: HoldOptions = {}): Held {
  const gate = gateOf();
  let skip = options.skip ?? 0;
  const { hub } = site.parts.servers;
  const transaction: CommitTarget['transaction'] = async (bundle, signal) => {
    const fits = !gate.used && what(bundle.toString('utf8')) && skip-- <= 0;
    if (!fits) return hub.transaction(bundle, signal);
    if (options.answer !== true) await gate.pass();
    const answer = await hub.transaction(bundle, signal);
    if (options.answer === true) await gate.pass();
    return answer;
  };
  return { activities: site.process(withHub(site, { transaction })), reached: gate.reached, release: gate.release };
}

/** A process that is held before it reads several of the hub's resources whose ids fit. */
export function holdRead(site: Site, what: (ids: readonly string[]) => boolean): Held {
  const gate = gateOf();
  const { hub } = site.parts.servers;
  const readMany: CommitTarget['readMany'] = async (type, ids, signal) => {
    if (!gate.used && what(ids)) await gate.pass();
    return hub.readMany(type, ids, signal);
  };
  return { activities: site.process(withHub(site, { readMany })), reached: gate.reached, release: gate.release };
}

/** A process that dies right after the first transaction that fits has taken effect. */
export function dyingAfter(site: Site, what: (bundle: string) => boolean): Site['activities'] {
  const { hub } = site.parts.servers;
  const transaction: CommitTarget['transaction'] = async (bundle, signal) => {
    const answer = await hub.transaction(bundle, signal);
    if (what(bundle.toString('utf8'))) throw new Error('killed');
    return answer;
  };
  return site.process(withHub(site, { transaction }));
}

const withHub = (site: Site, methods: Partial<CommitTarget>): Partial<Parts> => ({
  servers: { ...site.parts.servers, hub: { ...site.parts.servers.hub, ...methods } },
});

/** Where something is held until it is released. */
export function gateOf(): { used: boolean; reached: Promise<void>; pass(): Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<undefined>();
  const open = Promise.withResolvers<undefined>();
  const gate = {
    used: false,
    reached: reached.promise,
    async pass() {
      gate.used = true;
      reached.resolve(undefined);
      await open.promise;
    },
    release: () => {
      open.resolve(undefined);
    },
  };
  return gate;
}

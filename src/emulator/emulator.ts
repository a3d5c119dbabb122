import type { JsonObject, Resource } from '../fhir/resource.ts';
import { AccessPolicies } from './access-policy.ts';
import { Authentication } from './auth.ts';
import { committer } from './commit.ts';
import type { RecordedRequest } from './counters.ts';
import { Counters } from './counters.ts';
import { Faults } from './faults.ts';
import type { EmulatorOptions, ResolvedOptions } from './options.ts';
import { resolveOptions } from './options.ts';
import { missingTargets } from './references.ts';
import { listen } from './server.ts';
import { Store } from './store.ts';
import { Transaction } from './transaction.ts';
import type { Stored } from './types.ts';

export type { Fault, FaultAction, FaultMatch } from './faults.ts';
export type { EmulatorOptions } from './options.ts';
export type { RecordedRequest } from './counters.ts';
export type { ChangeEvent, Stored, Version } from './types.ts';

/** What a bulk load found. */
export interface LoadReport {
  readonly count: number;
  /** Relative references that lead nowhere once everything is in, as `Type/id`, each once. */
  readonly missing: readonly string[];
}

/** A transaction that a test holds open: its txid is taken, its rows are not visible until `commit`. */
export interface Tx {
  readonly txid: number;
  put(resource: Resource & { id: string }): Stored;
  delete(type: string, id: string): Stored | undefined;
  commit(): void;
  rollback(): void;
}

/** A running emulator and what its owner may do behind the API's back, as the server's admin. */
export interface Emulator {
  /** Base of the Aidbox API; FHIR is at `${url}/fhir`. */
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  readonly options: ResolvedOptions;
  readonly faults: Faults;
  readonly counters: Counters;
  /** Requests kept as option `record` says, oldest first. */
  readonly requests: RecordedRequest[];
  /** Takes a txid now and commits when told. */
  beginTransaction(): Tx;
  /** Writes one resource, committed at once, without checking references. */
  put(resource: Resource & { id: string }): Stored;
  /** Deletes one resource, committed at once. */
  delete(type: string, id: string): Stored | undefined;
  /** The current state of a resource, parsed; undefined when it is absent or deleted. */
  read(type: string, id: string): Resource | undefined;
  /** The current states of a type's resources, parsed. */
  list(type: string): Resource[];
  /** Writes many resources, one txid each, and looks at their references when all are in. */
  load(resources: Iterable<Resource>): LoadReport;
  /** Removes a resource with its history, past every feed. */
  purge(type: string, id: string): void;
  /** Takes a resource out of every feed, its state staying as it is. */
  hide(type: string, id: string): void;
  /** Changes a resource's content without a new version: no feed shows it. What it leaves out goes, but for `meta`. */
  alter(resource: Resource & { id: string }): void;
  /** Creates a Client and, unless told otherwise, a policy that allows it everything. */
  addClient(id: string, secret: string, policy?: JsonObject | 'none'): void;
  /** Makes every OAuth token invalid. */
  revokeTokens(): void;
  close(): Promise<void>;
}

/**
 * Starts an Aidbox double on 127.0.0.1.
 * Source of the behaviour: Aidbox docs, pages named in each module; what they leave open is in {@link EmulatorOptions}.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const resolved = resolveOptions(options);
  const store = new Store(resolved.firstTxid, resolved.recreatedEvent);
  const counters = new Counters();
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  const context = { store, options: resolved };
  const authentication = new Authentication(store, resolved);
  const commit = committer(context, counters);
  const parts = { ...context, authentication, policies: new AccessPolicies(store), commit, counters };
  const listener = await listen(parts, faults, requests);
  return {
    url: `http://127.0.0.1:${String(listener.port)}`,
    port: listener.port,
    options: resolved,
    store,
    faults,
    counters,
    requests,
    ...adminOf(store, resolved),
    revokeTokens: () => {
      authentication.revokeTokens();
    },
    close: () => listener.close(),
  };
}

type Admin = Pick<
  Emulator,
  'beginTransaction' | 'put' | 'delete' | 'purge' | 'hide' | 'alter' | 'read' | 'list' | 'load' | 'addClient'
>;

function adminOf(store: Store, options: ResolvedOptions): Admin {
  const beginTransaction = (): Tx => {
    const tx = new Transaction(store, options);
    const { txid } = tx;
    return {
      txid,
      put: (resource) => tx.put(resource),
      delete: (type, id) => tx.delete(type, id),
      commit: () => {
        tx.commit();
      },
      rollback: () => {
        tx.rollback();
      },
    };
  };
  const once = <T>(act: (tx: Transaction) => T): T => {
    const tx = new Transaction(store, options);
    const result = act(tx);
    tx.commit();
    return result;
  };
  const put = (resource: Resource & { id: string }): Stored => once((tx) => tx.put(resource));
  return {
    beginTransaction,
    put,
    delete: (type, id) => once((tx) => tx.delete(type, id)),
    purge: (type, id) => {
      store.purge(type, id);
    },
    hide: (type, id) => {
      store.hide(type, id);
    },
    alter: (resource) => {
      store.alter(resource.resourceType, resource.id, (json) => {
        const { meta } = JSON.parse(json) as Resource;
        return JSON.stringify(meta === undefined ? resource : { ...resource, meta });
      });
    },
    read: (type, id) => parsed(store.read(type, id)),
    list: (type) => [...store.scan(type)].map((stored) => JSON.parse(stored.json) as Resource),
    load: (resources) => load(store, put, resources),
    addClient: (id, secret, policy = { engine: 'allow' }) => {
      put({ resourceType: 'Client', id, secret, grant_types: ['basic', 'client_credentials'] });
      if (policy === 'none') return;
      put({ link: [{ reference: `Client/${id}` }], ...policy, resourceType: 'AccessPolicy', id: `policy-of-${id}` });
    },
  };
}

function parsed(stored: Stored | undefined): Resource | undefined {
  return stored === undefined || stored.deleted ? undefined : (JSON.parse(stored.json) as Resource);
}

function load(
  store: Store,
  put: (resource: Resource & { id: string }) => Stored,
  resources: Iterable<Resource>,
): LoadReport {
  let count = 0;
  let waiting = new Set<string>();
  for (const resource of resources) {
    const { id } = resource;
    if (id === undefined) throw new Error(`a ${resource.resourceType} to load has no id`);
    put({ ...resource, id });
    for (const key of missingTargets(store, resource, (candidate) => waiting.has(candidate))) waiting.add(key);
    count += 1;
  }
  waiting = new Set([...waiting].filter((key) => !isLive(store, key)));
  return { count, missing: [...waiting] };
}

function isLive(store: Store, key: string): boolean {
  const [type = '', id = ''] = key.split('/');
  return store.read(type, id)?.deleted === false;
}

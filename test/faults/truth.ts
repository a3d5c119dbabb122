/** What the source's history says should be seen in the target: the output of each state, by the engine alone. */
import { createHash } from 'node:crypto';

import type { Parts } from '../../src/activities/parts.ts';
import { compilePolicy } from '../../src/deid/compile.ts';
import { deidentify } from '../../src/deid/deidentify.ts';
import { keysFor } from '../../src/deid/keys.ts';
import { passDown } from '../../src/deid/pass-through.ts';
import { pseudonymId } from '../../src/deid/pseudonym.ts';
import { resolvePolicy } from '../../src/deid/policy/resolve.ts';
import type { Json, JsonObject, Resource } from '../../src/fhir/resource.ts';
import type { Emulator, Version } from '../../src/emulator/emulator.ts';
import { deidKeys } from '../../src/threads/compiled.ts';

/** One state of a source's resource as the target should see it. */
export interface Expected {
  readonly kind: 'resource' | 'withheld' | 'deleted';
  /** In one spelling, without what servers add. */
  readonly text: string;
  /** What the state notes of it. */
  readonly digest: string;
  /** Why it cannot come. */
  readonly flaw: 'none' | 'poison' | 'large' | 'policy';
}

export type Rulesets = Pick<Parts, 'rulesets'>;

/** A resource in one spelling, without what servers add. */
export function canonicalText(resource: Resource | JsonObject): string {
  const { meta, ...rest } = resource as JsonObject;
  const { versionId: _version, lastUpdated: _time, ...kept } = (meta ?? {}) as JsonObject;
  return JSON.stringify(sorted({ ...rest, meta: kept }));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([name, member]): [string, Json] => [name, sorted(member)]);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export class Truth {
  readonly #direction: 'up' | 'down';
  readonly #limitBytes: number;
  readonly #poison: string;
  readonly #transform: (resource: Resource) => ReturnType<typeof deidentify>;
  readonly #nameOf: (type: string, id: string) => string;

  constructor(direction: 'up' | 'down', { rulesets }: Rulesets, options: { limitBytes: number; poison: string }) {
    this.#direction = direction;
    this.#limitBytes = options.limitBytes;
    this.#poison = `"${options.poison}"`;
    const { policy, scope } = rulesets[direction];
    const compiled = compilePolicy(policy, scope);
    const keys = deidKeys(rulesets[direction]);
    const idKeys = keysFor(keys, resolvePolicy(policy), 'pseudonym');
    const asOf = new Date('2026-01-05T08:00:00Z');
    this.#transform =
      direction === 'down'
        ? (resource) => passDown(resource, scope)
        : (resource) => deidentify(resource, compiled, keys, asOf);
    this.#nameOf = (type, id) => (direction === 'down' ? id : pseudonymId(idKeys, scope.instance, type, id));
  }

  /** The id in the target. */
  targetId(type: string, id: string): string {
    return this.#nameOf(type, id);
  }

  /** All ids that the source ever had of a type. */
  idsOf(source: Emulator, type: string): string[] {
    return [...new Set(source.store.rows(type).map(({ id }) => id))];
  }

  /** What each state of an id looks like in the target, in the order of their commits. */
  statesOf(source: Emulator, type: string, id: string): Expected[] {
    return source.store.versions(type, id).map((version) => this.#expected(version));
  }

  #expected(version: Version): Expected {
    if (version.deleted) return { kind: 'deleted', text: '', digest: '', flaw: 'none' };
    const result = this.#transform(JSON.parse(version.json) as Resource);
    if (result.kind !== 'resource') return { kind: 'withheld', text: '', digest: '', flaw: 'policy' };
    const json = JSON.stringify(result.resource);
    const digest = createHash('sha256').update(json).digest('base64url').slice(0, 32);
    // Whether the row or a read says `meta` makes the size a little uncertain: the workload keeps clear of the bound.
    const large = Buffer.byteLength(version.json) > this.#limitBytes;
    const poisonous = this.#direction === 'up' && json.includes(this.#poison);
    return {
      kind: 'resource',
      text: canonicalText(result.resource),
      digest,
      flaw: large ? 'large' : poisonous ? 'poison' : 'none',
    };
  }
}

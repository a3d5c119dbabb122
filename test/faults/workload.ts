/**
 * What happens at the two servers, made of the seed alone: resources are created, updated, deleted and created again, refer
 * to each other in circles and to nothing, are committed late and out of order, and are changed in their copies as well.
 */
import type { Emulator, Tx } from '../../src/emulator/emulator.ts';
import { idOf, makeResource, organization, type Stored } from './data.ts';
import type { Profile } from './profile.ts';
import type { Dice } from './random.ts';

/** What the workload asks of those who drive the site. */
export interface Operator {
  poll(): void;
  resync(direction: 'up' | 'down', type: string): void;
  allow(allowed: boolean): void;
  retryQuarantine(): void;
}

export interface WorkloadInput {
  readonly dice: Dice;
  readonly profile: Profile;
  readonly instance: Emulator;
  readonly hub: Emulator;
  readonly clock: { ms: number };
  readonly operator: Operator;
  /** Name at the hub of a source's resource. */
  readonly hubId: (type: string, id: string) => string;
}

interface Late {
  readonly tx: Tx;
  readonly deadlineMs: number;
  /** What nobody else may touch until it is over, as rows that a transaction has locked. */
  readonly held: ReadonlySet<string>;
  readonly atTheEnd: readonly { readonly type: string; readonly index: number; readonly deletes: boolean }[];
}

type Step =
  | 'put'
  | 'delete'
  | 'burst'
  | 'circle'
  | 'late'
  | 'end-late'
  | 'tick'
  | 'poll'
  | 'foreign-edit'
  | 'foreign-delete'
  | 'organization'
  | 'resync'
  | 'deny'
  | 'retry-quarantine';

export class Workload {
  /** Versions that somebody else has written into copies, as `server type txid`. */
  readonly foreign = new Set<string>();
  readonly hits = new Map<string, number>();
  readonly resyncs = new Map<string, number>();
  readonly #input: WorkloadInput;
  readonly #late: Late[] = [];
  #version = 0;
  #denied = false;

  constructor(input: WorkloadInput) {
    this.#input = input;
  }

  /** What there is before the site ever looks. */
  begin(): void {
    const { dice, profile, hub } = this.#input;
    for (let index = 0; index < 3; index += 1) hub.put(organization(index, (this.#version += 1)));
    const count = dice.pick([0, profile.ids, 3 * profile.ids]);
    for (let turn = 0; turn < count; turn += 1) this.#put();
  }

  step(): void {
    const step = this.#input.dice.weighted<Step>({
      put: 30,
      delete: 9,
      burst: 3,
      circle: 5,
      late: 9,
      'end-late': 7,
      tick: 16,
      poll: 22,
      'foreign-edit': 2,
      'foreign-delete': 1,
      organization: this.#input.profile.down ? 5 : 0,
      resync: 0.4,
      deny: 1,
      'retry-quarantine': 2,
    });
    this.hits.set(step, (this.hits.get(step) ?? 0) + 1);
    this.#do[step]();
  }

  /** Something newer of a type is committed while a transaction that has written one of it stays open. */
  strand(): void {
    const { profile, instance, clock } = this.#input;
    const type = this.#anyType();
    const free = Array.from({ length: profile.ids }, (_, index) => index).filter(
      (index) => !this.#isHeld(`${type}/${idOf(type, index)}`),
    );
    const [late, newer] = free;
    if (late === undefined || newer === undefined) return;
    const tx = instance.beginTransaction();
    tx.put(this.#state(type, late));
    const held = new Set([`${type}/${idOf(type, late)}`]);
    this.#late.push({ tx, deadlineMs: clock.ms + profile.settleMs, held, atTheEnd: [] });
    instance.put(this.#state(type, newer));
  }

  /** Everything that is open comes to its end. */
  end(): void {
    while (this.#late.length > 0) this.#endLate(0);
    if (this.#denied) this.#deny();
  }

  advance(ms: number): void {
    const until = this.#input.clock.ms + ms;
    for (let index = this.#late.length - 1; index >= 0; index -= 1) {
      if ((this.#late[index]?.deadlineMs ?? 0) <= until) this.#endLate(index);
    }
    this.#input.clock.ms = until;
  }

  readonly #do: Readonly<Record<Step, () => void>> = {
    put: () => this.#put(),
    delete: () => this.#delete(this.#anyType(), this.#input.dice.below(this.#input.profile.ids)),
    burst: () => {
      for (let turn = this.#input.dice.between(10, 50); turn > 0; turn -= 1) this.#put();
    },
    circle: () => this.#circle(),
    late: () => this.#beginLate(),
    'end-late': () => {
      if (this.#late.length > 0) this.#endLate(this.#input.dice.below(this.#late.length));
    },
    tick: () => {
      const { settleMs } = this.#input.profile;
      this.advance(this.#input.dice.pick([10, 300, 900, settleMs, 2 * settleMs]));
    },
    poll: () => this.#input.operator.poll(),
    'foreign-edit': () => this.#foreign(false),
    'foreign-delete': () => this.#foreign(true),
    organization: () => {
      this.#input.hub.put(organization(this.#input.dice.below(4), (this.#version += 1)));
    },
    resync: () => this.#resync(),
    deny: () => this.#deny(),
    'retry-quarantine': () => this.#input.operator.retryQuarantine(),
  };

  #anyType(): string {
    return this.#input.dice.pick(this.#input.profile.upTypes);
  }

  #isHeld(key: string): boolean {
    return this.#late.some(({ held }) => held.has(key));
  }

  #put(): void {
    const type = this.#anyType();
    const index = this.#input.dice.below(this.#input.profile.ids);
    if (!this.#isHeld(`${type}/${idOf(type, index)}`)) this.#input.instance.put(this.#state(type, index));
  }

  #delete(type: string, index: number): void {
    const id = idOf(type, index);
    if (!this.#isHeld(`${type}/${id}`)) this.#input.instance.delete(type, id);
  }

  /** A new state with some references, most of them to what is there. */
  #state(type: string, index: number, references: Record<string, string> = {}): Stored {
    const { dice, profile, instance } = this.#input;
    for (const to of profile.upTypes) {
      if (references[to] !== undefined || (to === type && !dice.chance(0.25)) || !dice.chance(0.6)) continue;
      const id = idOf(to, dice.below(profile.ids));
      if (instance.read(to, id) !== undefined || dice.chance(0.15)) references[to] = `${to}/${id}`;
    }
    if (profile.down && dice.chance(0.5)) references.Organization = `Organization/org-${String(dice.below(3))}`;
    const flaw = profile.flaws.length > 0 && dice.chance(0.04) ? dice.pick(profile.flaws) : undefined;
    return makeResource(type, index, { version: (this.#version += 1), references, ...(flaw && { flaw }) });
  }

  /** Two that refer to each other, of two types where there are two that can. */
  #circle(): void {
    const { dice, profile, instance } = this.#input;
    const [one, other] = profile.upTypes.includes('Condition')
      ? (['Encounter', 'Condition'] as const)
      : (['Observation', 'Observation'] as const);
    const first = dice.below(profile.ids);
    const second = dice.below(profile.ids);
    const keys = [`${one}/${idOf(one, first)}`, `${other}/${idOf(other, second)}`] as const;
    if (keys.some((key) => this.#isHeld(key))) return;
    instance.put(this.#state(one, first, { [other]: keys[1] }));
    instance.put(this.#state(other, second, { [one]: keys[0] }));
  }

  #beginLate(): void {
    const { dice, profile, instance, clock } = this.#input;
    const tx = instance.beginTransaction();
    const held = new Set<string>();
    const atTheEnd: { type: string; index: number; deletes: boolean }[] = [];
    for (let turn = dice.between(1, 4); turn > 0; turn -= 1) {
      const type = this.#anyType();
      const index = dice.below(profile.ids);
      const key = `${type}/${idOf(type, index)}`;
      const deletes = dice.chance(0.25);
      if (dice.chance(0.5) || this.#isHeld(key) || held.has(key)) {
        atTheEnd.push({ type, index, deletes });
        continue;
      }
      held.add(key);
      if (deletes) tx.delete(type, idOf(type, index));
      else tx.put(this.#state(type, index));
    }
    this.#late.push({ tx, deadlineMs: clock.ms + profile.settleMs, held, atTheEnd });
  }

  #endLate(index: number): void {
    const { dice } = this.#input;
    const [late] = this.#late.splice(index, 1);
    if (late === undefined) return;
    for (const { type, index: at, deletes } of late.atTheEnd) {
      const id = idOf(type, at);
      if (this.#isHeld(`${type}/${id}`)) continue;
      if (deletes) late.tx.delete(type, id);
      else late.tx.put(this.#state(type, at));
    }
    if (dice.chance(0.1)) late.tx.rollback();
    else late.tx.commit();
  }

  /** Somebody changes or deletes a copy where it was delivered. */
  #foreign(deletes: boolean): void {
    const { dice, profile, hub, instance, hubId } = this.#input;
    if (profile.down && dice.chance(0.3)) {
      const copy = instance.read('Organization', `org-${String(dice.below(3))}`);
      if (copy !== undefined) this.#note('instance', instance.put({ ...copy, name: 'edited here' } as Stored));
      return;
    }
    const type = this.#anyType();
    const id = hubId(type, idOf(type, dice.below(profile.ids)));
    const copy = hub.read(type, id);
    if (copy === undefined) return;
    const written = deletes ? hub.delete(type, id) : hub.put({ ...copy, language: 'edited' } as Stored);
    if (written !== undefined) this.#note('hub', written);
  }

  #note(server: string, { type, txid }: { type: string; txid: number }): void {
    this.foreign.add(`${server} ${type} ${String(txid)}`);
  }

  #resync(): void {
    const { dice, profile, operator } = this.#input;
    const [direction, type] =
      profile.down && dice.chance(0.2) ? (['down', 'Organization'] as const) : (['up', this.#anyType()] as const);
    const name = `${direction} ${type}`;
    this.resyncs.set(name, (this.resyncs.get(name) ?? 0) + 1);
    operator.resync(direction, type);
  }

  #deny(): void {
    this.#input.operator.allow(this.#denied);
    this.#denied = !this.#denied;
  }
}

/**
 * What the steps ask of a worker thread. Plain data in, plain data out. Lines are those of `lines.ts`.
 */
import type { ReferenceScope } from '../deid/engine.ts';
import type { PolicyDocument } from '../deid/policy/document.ts';

export type Direction = 'up' | 'down';

/** What every task needs to know; sent once a task, compiled once a thread. */
export interface Ruleset {
  /** Equal for equal rulesets: what threads keep compiled policies by. */
  readonly id: string;
  readonly direction: Direction;
  readonly policy: PolicyDocument;
  /** URLs of the modules of the policy's plug-ins. */
  readonly plugins: readonly string[];
  /** Whether outputs carry the leak guard's marks. */
  readonly guards: boolean;
  readonly scope: ReferenceScope;
  readonly pseudonymKeyVersion: number;
  readonly pseudonymKey: Uint8Array;
  /** Older versions of that key, for policies that hold a purpose at one of them. */
  readonly olderKeys: ReadonlyMap<number, Uint8Array>;
  /** The version that ids and the leak guard's hashes are under: the current one, unless the policy names another. */
  readonly hashKeyVersion: number;
}

export interface AnonymizeTask {
  readonly kind: 'anonymize';
  readonly ruleset: Ruleset;
  readonly type: string;
  readonly asOf: string;
  readonly lines: Uint8Array;
}

export interface RefusedLine {
  /** `Type/id` in the target. */
  readonly key: string;
  readonly reason: string;
  /** The line, for the quarantine. */
  readonly line: Uint8Array;
}

/** Lists of hashes (src/crypto/hash-list.ts) by patient hash. */
export type WordLists = ReadonlyMap<string, Uint8Array>;

export interface AnonymizeOutcome {
  /** Put lines carry their marks where the policy's leak guard is on. */
  readonly lines: Uint8Array;
  readonly resources: number;
  readonly withheld: number;
  readonly refused: readonly RefusedLine[];
  /** What rules removed, by patient. */
  readonly removed: WordLists;
}

/** Asks to look through outputs for words that rules removed of their patients. */
export interface GuardTask {
  readonly kind: 'guard';
  readonly ruleset: Ruleset;
  /** Put lines with marks. */
  readonly lines: Uint8Array;
  /** The words known of each patient that a mark names. */
  readonly words: WordLists;
}

/** What became of one line: nothing stood there, it was masked, or it may not pass. */
export type Guarded = 'same' | 'masked' | 'withheld';

export interface GuardOutcome {
  /** One for each line, in their order. */
  readonly outcomes: readonly Guarded[];
  /** Those that pass, in their order, with their new marks. */
  readonly lines: Uint8Array;
}

export interface StepTask {
  readonly kind: 'step';
  readonly moduleUrl: string;
  readonly context: { readonly direction: Direction; readonly type: string; readonly policy: string };
  readonly lines: Uint8Array;
}

export interface StepOutcome {
  readonly lines: Uint8Array;
  readonly resources: number;
  readonly withheld: number;
}

export interface InspectTask {
  readonly kind: 'inspect';
  readonly ruleset: Ruleset;
  readonly type: string;
  readonly lines: Uint8Array;
}

/** One state of the batch, ready to be planned. `start`/`end` cut the resource's JSON out of the lines, `line` is the whole. */
export type InspectedLine =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly digest: string;
      readonly needs: readonly string[];
      readonly line: LineRange;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'delete'; readonly key: string };

/** Where a line lies, without its line end. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

export interface InspectOutcome {
  readonly items: readonly InspectedLine[];
  readonly refused: readonly RefusedLine[];
}

export type Task = AnonymizeTask | GuardTask | StepTask | InspectTask;

/**
 * What the steps ask of a worker thread. Plain data in, plain data out.
 * Lines are NDJSON: `{"e":"put","r":{…}}` or `{"e":"del","id":"…"}`.
 */
import type { ReferenceScope } from '../deid/engine.ts';
import type { PolicyDocument } from '../deid/policy.ts';

export type Direction = 'up' | 'down';

/** What every task needs to know; sent once a task, compiled once a thread. */
export interface Ruleset {
  /** Equal for equal rulesets: what threads keep compiled policies by. */
  readonly id: string;
  readonly direction: Direction;
  readonly policy: PolicyDocument;
  readonly scope: ReferenceScope;
  readonly pseudonymKeyVersion: number;
  readonly pseudonymKey: Uint8Array;
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

export interface AnonymizeOutcome {
  readonly lines: Uint8Array;
  readonly resources: number;
  readonly withheld: number;
  readonly refused: readonly RefusedLine[];
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

/** One state of the batch, ready to be planned. `start`/`end` cut the resource's JSON out of the lines. */
export type InspectedLine =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly digest: string;
      readonly needs: readonly string[];
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'delete'; readonly key: string };

export interface InspectOutcome {
  readonly items: readonly InspectedLine[];
  readonly refused: readonly RefusedLine[];
}

export type Task = AnonymizeTask | StepTask | InspectTask;

/** What a thread is told: once what to do, then part after part. Plain data. */
import type { CompatConfig } from '../../deid/compat/index.ts';
import type { DeidKeys } from '../../deid/engine.ts';
import type { PolicyDocument } from '../../deid/policy/document.ts';
import type { InputMistake } from './mistakes.ts';
import type { Tally } from './tally.ts';
import type { PatientWords, SharedWords } from './words.ts';

export interface PolicyJob {
  readonly kind: 'policy';
  readonly document: PolicyDocument;
  readonly instance: string;
  readonly keys: DeidKeys;
  /** Addresses of the modules of plug-ins. */
  readonly plugins: readonly string[];
  /** ISO, so that every thread counts ages at the same time. */
  readonly asOf: string;
}

/** Another tool's configuration, run as it is. */
export interface CompatJob {
  readonly kind: 'compat';
  readonly config: CompatConfig;
  readonly asOf: string;
}

export type Job = PolicyJob | CompatJob;

/** Lines or a document; `mistake` parts never leave the main thread. */
export interface WorkPart {
  readonly kind: 'lines' | 'document';
  readonly file: string;
  readonly line: number;
  readonly bytes: Uint8Array;
}

export type WorkTask =
  /** The first reading: which words do rules remove? */
  | { readonly kind: 'words'; readonly part: WorkPart }
  /** The second: the output. Without `words` the leak guard is off. */
  | { readonly kind: 'write'; readonly part: WorkPart; readonly layout: Layout; readonly words?: SharedWords };

/** How output is written: each record on a line, or a document as it came. */
export type Layout = 'lines' | 'as-it-came';

export interface WordsOutcome {
  readonly words: PatientWords;
  readonly records: number;
}

export interface WriteOutcome {
  /** NDJSON, or a document. */
  readonly bytes: Uint8Array;
  readonly mistakes: readonly InputMistake[];
  readonly tally: Tally;
}

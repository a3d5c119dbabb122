/** One record in, one or none out: what all jobs have in common. */
import type { GuardTrace } from '../../deid/engine.ts';
import type { WordsOf } from '../../deid/guard/apply.ts';
import type { Indent } from './layout.ts';
import type { ParsedRecord } from './records.ts';
import type { Tally } from './tally.ts';

export interface Surroundings {
  readonly file: string;
  readonly indent: Indent;
  /** Undefined without a leak guard. */
  readonly words: WordsOf | undefined;
}

export interface Transform {
  /** What rules remove of a record. */
  traces(record: ParsedRecord): readonly GuardTrace[];
  /** The JSON of what is left of a record, counted; undefined where it is withheld. */
  output(record: ParsedRecord, tally: Tally, surroundings: Surroundings): string | undefined;
}

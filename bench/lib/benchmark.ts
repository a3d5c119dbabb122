/** What a benchmark is: one function from options to figures. */
export interface BenchOptions {
  /** Measured rounds. */
  readonly rounds: number;
  /** How often the set is run with new ids to see memory level off. */
  readonly editions: number;
  /** Folder of another set than the committed one. */
  readonly data: string | undefined;
  /** Folder for profiles. */
  readonly profile: string | undefined;
  /** Tells whoever waits what is going on; never part of the result. */
  readonly note: (text: string) => void;
}

/** A table of the printed result. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface BenchResult {
  /** For `--json`. Names say their unit or what is divided by what. */
  readonly figures: Readonly<Record<string, unknown>>;
  readonly sections: readonly Section[];
}

export type Benchmark = (options: BenchOptions) => Promise<BenchResult>;

/** What can be wrong with input: constant codes with a file and a line, never a word of what stands there. */

export type InputCode =
  | 'not-json' // no JSON, or more than one value
  | 'not-utf8' // bytes that are no UTF-8
  | 'record-too-large' // a line, resource or Bundle above the bound
  | 'gzip-broken' // cut off or damaged: what stands behind is unknown
  | 'file-unreadable' // reading failed midway
  | 'file-changed'; // another content the second time: the leak guard knows the first alone

const meanings: Readonly<Record<InputCode, string>> = {
  'not-json': 'not one JSON value',
  'not-utf8': 'not UTF-8',
  'record-too-large': 'larger than this command reads at once',
  'gzip-broken': 'the compressed data is damaged or cut off; what follows was not read',
  'file-unreadable': 'reading failed; what follows was not read',
  'file-changed': 'the file changed while it was read',
};

export interface InputMistake {
  /** As it was given on the command line. */
  readonly file: string;
  /** From 1; not known of a file as a whole. */
  readonly line?: number;
  readonly code: InputCode;
}

/** `north.ndjson:7: not one JSON value (not-json)`. */
export const mistakeText = ({ file, line, code }: InputMistake): string =>
  `${file}${line === undefined ? '' : `:${String(line)}`}: ${meanings[code]} (${code})`;

/** An input that cannot be read at all: wrong usage, found before anything is read. */
export class InputProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InputProblem';
  }
}

/** Reading failed midway. */
export class ReadingFailed extends Error {
  readonly code: InputCode;
  constructor(code: InputCode) {
    super(code);
    this.name = 'ReadingFailed';
    this.code = code;
  }
}

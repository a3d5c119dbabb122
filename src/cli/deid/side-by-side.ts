/** Two texts beside each other, with what is gone to the left and what is new to the right. */
import { edits } from './edits.ts';
import type { Edit } from './edits.ts';

export interface Columns {
  /** Characters of a line in all. */
  readonly width: number;
  readonly colour: boolean;
}

const colours = { gone: '\u001B[31m', new: '\u001B[32m', end: '\u001B[0m' } as const;
const gap = 3;

/** `left │ right`, `left -`, `+ right`; long lines are cut. */
export function sideBySide(before: string, after: string, { width, colour }: Columns): string {
  const half = Math.max(20, Math.floor((width - gap) / 2));
  const painted = (text: string, kind: 'gone' | 'new'): string =>
    colour && text.trim() !== '' ? `${colours[kind]}${text}${colours.end}` : text;
  return rowsOf(edits(visible(before), visible(after)))
    .map(({ left, right, mark }) => {
      const [one, other] = [fit(left ?? '', half), cut(right ?? '', half)];
      if (mark === ' ') return `${one} │ ${other}`.trimEnd();
      const gone = left === undefined ? one : painted(one, 'gone');
      return `${gone} ${mark} ${painted(other, 'new')}`.trimEnd();
    })
    .join('\n');
}

/** Lines without characters that would move a terminal's cursor, or colour it: the data must not write to it. */
const visible = (text: string): string[] => text.replace(/[^\P{C}\n]/gu, '\u00B7').split('\n');

interface Row {
  readonly left?: string;
  readonly right?: string;
  /** `|` changed, `<` gone, `>` new. */
  readonly mark: ' ' | '|' | '<' | '>';
}

/** What is gone and what is new in one place stands beside each other. */
function rowsOf(all: readonly Edit[]): Row[] {
  const rows: Row[] = [];
  let [gone, fresh]: [string[], string[]] = [[], []];
  const settle = (): void => {
    for (let index = 0; index < Math.max(gone.length, fresh.length); index++) {
      const [left, right] = [gone[index], fresh[index]];
      if (left !== undefined && right !== undefined) rows.push({ left, right, mark: '|' });
      else if (left !== undefined) rows.push({ left, mark: '<' });
      else if (right !== undefined) rows.push({ right, mark: '>' });
    }
    [gone, fresh] = [[], []];
  };
  for (const edit of all) {
    if (edit.kind === 'gone') gone.push(edit.line);
    else if (edit.kind === 'new') fresh.push(edit.line);
    else {
      settle();
      rows.push({ left: edit.line, right: edit.line, mark: ' ' });
    }
  }
  settle();
  return rows;
}

const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
const fit = (text: string, width: number): string => cut(text, width).padEnd(width);

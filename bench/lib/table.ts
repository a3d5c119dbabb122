/** Plain tables: the first column to the left, figures to the right. */
import type { Spread } from './rounds.ts';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}\n`;
}

/** `12,345`. */
export const whole = (figure: number): string => Math.round(figure).toLocaleString('en-US');

/** Three digits that count: `0.543`, `12.3`, `346`. */
export const short = (figure: number): string =>
  Math.abs(figure) >= 100 ? whole(figure) : String(Number(figure.toPrecision(3)));

/** Rates as cells: median, least, greatest. */
export const rateCells = ({ median, min, max }: Spread): string[] => [whole(median), whole(min), whole(max)];

/** Ratios as cells. */
export const ratioCells = ({ median, min, max }: Spread): string[] => [short(median), `${short(min)}–${short(max)}`];

/** For `--json`: `name` for each median, `nameRange` for least and greatest. */
export const spreads = (of: Readonly<Record<string, Spread>>): Record<string, number | number[]> =>
  Object.fromEntries(
    Object.entries(of).flatMap(([name, { median, min, max }]) => [
      [name, digits(median)],
      [`${name}Range`, [min, max].map(digits)],
    ]),
  );

const digits = (figure: number): number => Number(figure.toPrecision(4));

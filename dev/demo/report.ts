/** The verification's report: a line for each check, and the first few of what is wrong. */
import type { Check } from './verify.ts';

const problemsShownMax = 5;

export function reportText(title: string, checks: readonly Check[]): string {
  return [`${title}:`, ...checks.flatMap(linesOf)].join('\n');
}

function linesOf({ name, counts, problems }: Check): string[] {
  const [mark, what] = problems.length === 0 ? ['✓', counts] : ['✗', `${counts}; ${String(problems.length)} wrong`];
  const more = problems.length - problemsShownMax;
  return [
    `  ${mark} ${name} (${what})`,
    ...problems.slice(0, problemsShownMax).map((problem) => `      ${problem}`),
    ...(more > 0 ? [`      … and ${String(more)} more`] : []),
  ];
}

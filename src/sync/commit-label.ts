/** The label of a commit in cursors and fences: `<batch>` for the batch itself, `<batch>-r<round>` for a release round. */

export const commitLabel = (batch: string, round: number): string =>
  round === 0 ? batch : `${batch}-r${String(round)}`;

/** Batch and round of a label. */
export function splitLabel(label: string): [batch: string, round: number] {
  const match = /^(.*)-r(\d+)$/.exec(label);
  return match === null ? [label, 0] : [match[1] ?? '', Number(match[2])];
}

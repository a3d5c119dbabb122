/**
 * What was counted before a resync, as a sentence with a space before it; empty where nothing was. Pure.
 * @param counts - live resources at the source, and those in the target that this site put there
 */
export function countsText({ source, target }: { readonly source?: number; readonly target?: number } = {}): string {
  if (source === undefined && target === undefined) return '';
  const of = (count: number | undefined): string => (count === undefined ? 'an unknown number' : String(count));
  return ` The target held ${of(target)} of this site's resources, the source had ${of(source)}.`;
}

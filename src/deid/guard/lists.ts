/** Appends one by one: `push(...more)` puts all on the stack, and a removed value may be a megabyte. */
export function addAll(list: string[], more: Iterable<string>): void {
  for (const one of more) list.push(one);
}

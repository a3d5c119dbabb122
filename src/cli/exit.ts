/** What commands end with. */

/** `withheld`: done, but something did not pass or could not be read. */
export const exitCodes = { done: 0, failed: 1, usage: 2, withheld: 3 } as const;

/** Ends with 2 and what is wrong; nothing was read. */
export function usageExit(message: string): never {
  console.error(message);
  process.exit(exitCodes.usage);
}

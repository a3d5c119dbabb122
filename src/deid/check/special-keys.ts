/** JSON keys that mean something by themselves. */

/** What is special about a key's values, whatever the rules say. */
export type Role = 'literal' | 'fullUrl' | 'requestUrl' | 'extensionUrl' | 'value';

/** The role of a key in objects of a type. */
export function roleOf(holder: string, key: string): Role {
  if (holder === 'Reference' && key === 'reference') return 'literal';
  if (holder === 'Bundle.entry' && key === 'fullUrl') return 'fullUrl';
  if (holder === 'Bundle.entry.request' && key === 'url') return 'requestUrl';
  // It passes wherever the extension does: it says what the extension is.
  return holder === 'Extension' && key === 'url' ? 'extensionUrl' : 'value';
}

/** Stands for all keys that neither R4 nor a rule has: one place does for them. */
export const unnamedKey = '*';
/** Keys that mean something wherever they stand. */
export const tellingKeys = /^(?:contained|extension|id|meta|reference|resourceType)$|ur[il]$/i;

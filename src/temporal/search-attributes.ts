/**
 * Makes sure that a namespace has the search attributes that workflows set; a missing one fails their first task.
 */
import type { Connection } from '@temporalio/client';

/** Search attributes by name, with the type's name as the `temporal` CLI spells it. */
export type SearchAttributeTypes = Readonly<Record<string, keyof typeof indexedValueTypes>>;

/** temporal.api.enums.v1.IndexedValueType */
const indexedValueTypes = { Text: 1, Keyword: 2, Int: 3, Double: 4, Bool: 5, Datetime: 6, KeywordList: 7 } as const;

/** The namespace has the attribute, with another type: only an operator can mend that. */
export class SearchAttributeConflict extends Error {}

/** Adds what the namespace lacks. Throws where one exists with another type: using it would fail later and elsewhere. */
export const ensureSearchAttributes = async (
  connection: Connection,
  namespace: string,
  wanted: SearchAttributeTypes,
): Promise<void> => {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing: Record<string, number> = {};
  for (const [name, typeName] of Object.entries(wanted)) {
    const type: number = indexedValueTypes[typeName];
    const present = customAttributes[name] as number | undefined;
    if (present === undefined) missing[name] = type;
    else if (present !== type)
      throw new SearchAttributeConflict(`Search attribute ${name} exists, but not as ${typeName}`);
  }
  if (Object.keys(missing).length > 0) {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
  }
};

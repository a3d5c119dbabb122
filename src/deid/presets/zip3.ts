/**
 * Three-digit ZIP areas of 20,000 people or fewer, which become `000` under 164.514(b)(2)(i)(B). The rule asks for the
 * Census Bureau's current data, so these are dated lists and a policy names the one it was judged by.
 */
import type { Zip3Table } from '../policy/document.ts';

export interface Zip3List {
  /** Year of the census whose counts of ZIP Code Tabulation Areas these are. */
  readonly censusYear: number;
  readonly source: string;
  /** The first three digits of the areas' codes. */
  readonly smallAreas: ReadonlySet<string>;
}

const areas = (text: string): ReadonlySet<string> => new Set(text.split(' '));

export const zip3Lists: Readonly<Record<Zip3Table, Zip3List>> = {
  'census-2000': {
    censusYear: 2000,
    source:
      'HHS OCR, Guidance Regarding Methods for De-identification of Protected Health Information, 2012-11-26: the 17 restricted ZIP codes',
    smallAreas: areas('036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893'),
  },
  'census-2010': {
    censusYear: 2010,
    source:
      "By the method of HHS's guidance of 2012-11-26 from the counts of 2010: restrictedZipCodeTabulationAreas of microsoft/Tools-for-Health-Data-Anonymization",
    smallAreas: areas('036 059 102 203 205 369 556 692 821 823 878 879 884 893'),
  },
};

/** Whether an area of three digits is to become `000`. */
export const isSmallZip3 = (table: Zip3Table, area: string): boolean => zip3Lists[table].smallAreas.has(area);

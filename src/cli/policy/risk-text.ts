/** The result of a survey for a terminal. */
import type { RiskResult } from '../../deid/risk/result.ts';
import { countText } from '../deid/units.ts';
import { table } from '../table.ts';

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %`;

/** What a person wants to know first comes first. */
export function riskText(result: RiskResult): string {
  const { smallestK, k, belowK, patients, classes } = result;
  if (smallestK === undefined) return 'There is no patient in this data: nothing to measure.';
  const verdict =
    smallestK >= k
      ? `k-anonymity: ${String(smallestK)}, which is at least ${String(k)}`
      : `k-anonymity: ${String(smallestK)}, which is below ${String(k)}: ` +
        `${countText(belowK.patients, 'patient')} of ${patients.toLocaleString('en')} (${percent(belowK.share)}) ` +
        `in ${countText(belowK.classes, 'class', 'classes')} that ${belowK.classes === 1 ? 'is' : 'are'} too small`;
  return [
    verdict,
    `${countText(patients, 'patient')} in ${countText(classes, 'class', 'classes')}${remarks(result)}`,
    '',
    distributionTable(result),
    '',
    quasiTable(result),
    ...(result.sensitive.length === 0 ? [] : ['', sensitiveTable(result)]),
    '',
    riskTable(result),
    'Journalist and marketer as if they held this very set: upper bounds.',
    ...result.failures.map(({ path, resources }) => `${path} failed on ${countText(resources, 'resource')}.`),
  ].join('\n');
}

function remarks({ patientsWithoutResource, repeatedPatients }: RiskResult): string {
  const without =
    patientsWithoutResource === 0 ? [] : [`${countText(patientsWithoutResource, 'one')} by references alone`];
  const repeated = repeatedPatients === 0 ? [] : [`${countText(repeatedPatients, 'repeated Patient')} left out`];
  const all = [...without, ...repeated];
  return all.length === 0 ? '' : `; ${all.join('; ')}`;
}

function distributionTable({ distribution, smallCells, patients }: RiskResult): string {
  const bands = (['1', '2-4', '5-10', '11+'] as const).map((band) => {
    const cell = distribution[band];
    return [band.replace('-', '–'), cell.classes, cell.patients, percent(cell.patients / patients)] as const;
  });
  const small = smallCells.map(
    ({ size, classes, patients: inThem }) =>
      [`of ${String(size)}`, classes, inThem, percent(inThem / patients)] as const,
  );
  const head = (what: string): string[] => [what, 'classes', 'patients', 'share'];
  const tables = [table(head('class size'), bands)];
  if (small.length > 0) tables.push(table(head('small cells'), small));
  return tables.join('\n\n');
}

function quasiTable({ quasiIdentifiers }: RiskResult): string {
  const rows = quasiIdentifiers.map(({ path, patientsWithValue, values, smallestKWithout, belowKWithout }) => [
    path,
    patientsWithValue,
    values,
    smallestKWithout,
    belowKWithout,
  ]);
  return table(['quasi-identifier', 'patients', 'values', 'k without it', 'too few without it'], rows);
}

function sensitiveTable({ sensitive }: RiskResult): string {
  const rows = sensitive.map((one) => [
    one.path,
    one.patientsWithValue,
    one.smallestL,
    one.smallestEntropyL.toFixed(2),
    one.classesOfOneValue,
    one.patientsInThem,
  ]);
  return table(['sensitive', 'patients', 'l', 'entropy l', 'classes of one value', 'patients in them'], rows);
}

function riskTable({ risk }: RiskResult): string {
  return table(
    ['risk', 'highest', 'average'],
    [
      ['prosecutor', percent(risk.prosecutor.max), percent(risk.prosecutor.average)],
      ['journalist', percent(risk.journalist.max), percent(risk.journalist.average)],
      ['marketer', '–', percent(risk.marketer.average)],
    ],
  );
}

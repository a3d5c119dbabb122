/** tendQuarantine: an operator's order about quarantined resources, carried out at the site and recorded in its history. */
import type { TendInput, TendResult } from '../activities/contract.ts';
import { tendQuarantine as tend } from './steps.ts';

export async function tendQuarantine(input: TendInput): Promise<TendResult> {
  const what = input.types.length > 0 ? input.types.join(', ') : `${String(input.keys.length || 'all')} resources`;
  return tend.executeWithOptions({ summary: `quarantine: ${input.action} ${what}` }, [input]);
}

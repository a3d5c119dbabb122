import { anonymizeCompat, compileCompat, readCompatConfig } from '../../../src/deid/compat/index.ts';
import type { CompatConfig, CompatEngine, CompatOptions } from '../../../src/deid/compat/index.ts';

export const asOf = new Date('2026-06-15T12:00:00Z');

/** Random numbers that are none: half-way, and zero bytes. */
export const noRandom = { unit: () => 0.5, bytes: (count: number) => new Uint8Array(count) };

export interface Rule {
  path: string;
  method: string;
  [setting: string]: unknown;
}

export function configOf(text: string): CompatConfig {
  const reading = readCompatConfig(text);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.config;
}

export const jsonConfig = (rules: Rule[], parameters: object = {}, more: object = {}): string =>
  JSON.stringify({
    fhirVersion: 'R4',
    fhirPathRules: rules,
    parameters: { dateShiftKey: 'd', cryptoHashKey: 'k', encryptKey: '0123456789abcdef', ...parameters },
    ...more,
  });

export const engineOf = (text: string, options: CompatOptions = {}): CompatEngine =>
  compileCompat(configOf(text), { asOf, random: noRandom, ...options });

/** Runs rules over a resource, and leaves out the labels unless they are asked for. */
export function run(rules: Rule[], resource: object, parameters: object = {}, options: CompatOptions = {}): any {
  const result = anonymizeCompat(engineOf(jsonConfig(rules, parameters), options), resource);
  if (result.kind !== 'resource') throw new Error(result.reason);
  return result.resource;
}

export const withoutMeta = ({ meta: _meta, ...rest }: any): any => rest;

export const labelsOf = (resource: any): string[] => (resource.meta?.security ?? []).map(({ code }: any) => code);

export const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

/**
 * Redaction with its three exceptions: years of dates, ages up to 89, three digits of postal codes.
 * Source: Tools-for-Health-Data-Anonymization, RedactProcessor.cs, DateTimeUtility.cs, PostalCodeUtility.cs
 */
import { CompatProblem } from '../problem.ts';
import { textOf } from '../tree/node.ts';
import type { Node } from '../tree/node.ts';
import { isDateNode, redactDate } from './dates.ts';
import type { DateSettings } from './dates.ts';
import type { Method, Operation } from './method.ts';

export interface RedactSettings extends DateSettings {
  readonly enablePartialAges: boolean;
  readonly enablePartialZipCodes: boolean;
  readonly restrictedZipAreas: readonly string[];
}

const ageYearsMax = 89;
const zipDigitsKept = 3;

const isAge = (node: Node): boolean => node.type === 'decimal' && node.parent?.type === 'Age';

function redactAge(node: Node, enablePartial: boolean): Operation {
  if (!enablePartial) {
    node.value = undefined;
    return 'redact';
  }
  const text = textOf(node.value);
  // Microsoft's tool reads a whole number here, and fails on others.
  if (!/^\s*[+-]?\d{1,10}\s*$/.test(text) || Math.abs(Number(text)) >= 2 ** 31)
    throw new CompatProblem('age-not-whole');
  if (Number(text) > ageYearsMax) node.value = undefined;
  return 'redact';
}

const zeros = (text: string): string => text.replace(/\p{Nd}/gu, '0');

function redactZip(node: Node, settings: RedactSettings): Operation {
  if (!settings.enablePartialZipCodes) {
    node.value = undefined;
    return 'redact';
  }
  const text = textOf(node.value);
  if (settings.restrictedZipAreas.some((area) => text.startsWith(area))) node.value = zeros(text);
  else node.value = text.slice(0, zipDigitsKept) + zeros(text.slice(zipDigitsKept));
  return 'abstract';
}

export function redact(settings: RedactSettings): Method {
  return (node) => {
    if (textOf(node.value) === '') return undefined;
    if (isDateNode(node)) return redactDate(node, settings);
    if (isAge(node)) return redactAge(node, settings.enablePartialAges);
    if (node.name.toLowerCase() === 'postalcode') return redactZip(node, settings);
    node.value = undefined;
    return 'redact';
  };
}

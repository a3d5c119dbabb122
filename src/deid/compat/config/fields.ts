/**
 * Fields of a configuration, read with every mistake noted: a mistake never stops the reading.
 * Keys and values of parameters are secrets: what was found is described, not shown.
 */

export interface FieldProblem {
  readonly at: readonly PropertyKey[];
  readonly found: string;
  readonly expected: string;
}

export type Fieldset = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Fieldset =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const foundLimit = 80;

/** A value in words or, where it is no secret, as it is. */
export function described(value: unknown, isSecret = false): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (isSecret) return `a ${typeof value}`;
  const text = JSON.stringify(value);
  return text.length > foundLimit ? `${text.slice(0, foundLimit)}…` : text;
}

/** An object's fields. Newtonsoft finds the fields of a class in any letter case; those of a rule it takes as they are. */
export class Fields {
  readonly object: Fieldset;
  readonly at: readonly PropertyKey[];
  readonly problems: FieldProblem[];
  private readonly anyCase: boolean;
  private readonly isSecret: boolean;

  constructor(
    object: Fieldset,
    at: readonly PropertyKey[],
    problems: FieldProblem[],
    options: { anyCase?: boolean; isSecret?: boolean } = {},
  ) {
    this.object = object;
    this.at = at;
    this.problems = problems;
    this.anyCase = options.anyCase ?? false;
    this.isSecret = options.isSecret ?? false;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): unknown {
    if (Object.hasOwn(this.object, name)) return this.object[name];
    const key = this.anyCase
      ? Object.keys(this.object).find((candidate) => candidate.toLowerCase() === name.toLowerCase())
      : undefined;
    return key === undefined ? undefined : this.object[key];
  }

  mistake(name: string, expected: string, found = described(this.get(name), this.isSecret)): void {
    this.problems.push({ at: [...this.at, name], found, expected });
  }

  /** A text; what is missing, null or, with a mistake noted, of another kind is the fallback. */
  text(name: string, fallback: string): string {
    const value = this.get(name);
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    this.mistake(name, 'a text');
    return fallback;
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (value === undefined || value === null || value === '') return false;
    const text = typeof value === 'boolean' ? String(value) : typeof value === 'string' ? value.toLowerCase() : '';
    if (text !== 'true' && text !== 'false') this.mistake(name, 'true or false');
    return text === 'true';
  }

  /** A number, also one in quotes; undefined where nothing is said or, with a mistake noted, it is none that fits. */
  number(name: string, fits: (value: number) => boolean, expected: string): number | undefined {
    const value = this.get(name);
    if (value === undefined || value === null || value === '') return undefined;
    const number = typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : NaN;
    if (Number.isFinite(number) && fits(number)) return number;
    this.mistake(name, expected);
    return undefined;
  }

  /** One of some words, in any letter case. */
  word<const W extends string>(name: string, words: readonly W[], fallback: W): W {
    const value = this.get(name);
    if (value === undefined || value === null || value === '') return fallback;
    const found =
      typeof value === 'string' ? words.find((word) => word.toLowerCase() === value.toLowerCase()) : undefined;
    if (found === undefined) this.mistake(name, words.join(', '));
    return found ?? fallback;
  }
}

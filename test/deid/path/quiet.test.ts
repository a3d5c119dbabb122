/** FHIRPath's `trace` prints what it is given: nothing of a resource may reach a console. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { anonymizeCompat, compileCompat, readCompatConfig } from '../../../src/deid/compat/index.ts';
import { compileOnValue, compileToNodes } from '../../../src/deid/path/fhirpath.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';

const patient = { resourceType: 'Patient', id: 'a', name: [{ family: 'Zqsecret' }] };

const consoles = ['log', 'info', 'warn', 'error', 'debug'] as const;

function printed(action: () => void): number {
  const spies = consoles.map((name) => jest.spyOn(console, name).mockImplementation(() => undefined));
  action();
  return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a FHIRPath expression with trace', () => {
  it('prints nothing where it is evaluated on nodes or values', () => {
    expect(
      printed(() => {
        expect(compileToNodes("name.trace('x').family")(patient)).toHaveLength(1);
        expect(compileOnValue("$this.trace('x') = 'Zqsecret'", 'string')('Zqsecret')).toEqual([true]);
      }),
    ).toBe(0);
  });

  it('prints nothing in a configuration of another tool', () => {
    const reading = readCompatConfig(
      JSON.stringify({
        fhirVersion: 'R4',
        fhirPathRules: [{ path: "Patient.name.trace('x').family", method: 'redact' }],
      }),
    );
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    const engine = compileCompat(reading.config, {});
    let result: unknown;
    expect(printed(() => (result = anonymizeCompat(engine, patient)))).toBe(0);
    expect(JSON.stringify(result)).not.toContain('Zqsecret');
  });

  it.each(['trace', 'now', 'today', 'timeOfDay', 'resolve', 'memberOf'])(
    'and %s, which looks beyond the resource, is refused in a policy',
    (name) => {
      const path = `Patient.name.where(family.${name}('x').exists()).family`;
      const reading = readPolicy({
        apiVersion: 'fhir-sluice/v1',
        default: 'keep',
        rules: [{ path, method: 'redact' }],
      });
      expect(reading).toMatchObject({ ok: false, problems: [{ path: 'rules[0].path' }] });
    },
  );
});

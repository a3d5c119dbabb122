/** `sluice policy …` as a process: what it prints of policies and data, and what it ends with. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';

import { presetNames } from '../../../src/deid/policy/document.ts';
import { lines, note, patient, sluice } from '../process.ts';

jest.setTimeout(60_000);

let folder: string;
let site: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-policy-'));
  site = await file(
    'site.yaml',
    `apiVersion: fhir-sluice/v1
name: site
extends: safe-harbor
rules:
  - { path: "Patient.telecom.where(system = 'phone')", method: keep }
  - { path: Patient.gender, method: redact }
`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const policy = (...args: string[]): ReturnType<typeof sluice> => sluice(['policy', ...args]);

describe('policy --help', () => {
  it('names every command', async () => {
    const { code, out } = await policy('--help');
    expect(code).toBe(0);
    for (const command of ['check', 'explain', 'coverage', 'diff', 'risk', 'convert', 'schema']) {
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    }
  });
});

describe('policy check', () => {
  it('prints digest and summary, the same in text and JSON', async () => {
    const [text, json] = await Promise.all([policy('check', site), policy('check', site, '--json')]);
    expect([text.code, json.code]).toEqual([0, 0]);
    const checked = JSON.parse(json.out);
    expect(checked).toMatchObject({ extends: 'safe-harbor', default: 'drop', rules: { own: 2 }, warnings: [] });
    expect(text.out).toContain(checked.digest);
    expect(text.out).toContain('2 rules, then');
  });

  it('knows every preset, and warns of one that lets pass what no rule names', async () => {
    const ends = await Promise.all(presetNames.map((name) => policy('check', name, '--json')));
    for (const [index, { code, out }] of ends.entries()) {
      expect(code).toBe(0);
      const { warnings, default: fallback } = JSON.parse(out);
      const codes = warnings.map(({ code: of }: { code: string }) => of);
      expect({ preset: presetNames[index], warns: codes.includes('default-keep') }).toEqual({
        preset: presetNames[index],
        warns: fallback === 'keep',
      });
    }
  });

  it('warns of rules that let everything pass, and of those that a dropped type makes idle', async () => {
    const wide = await file(
      'wide.yaml',
      `apiVersion: fhir-sluice/v1
default: drop
rules:
  - { path: Patient.active, method: keep }
  - { path: Patient, method: dropResource }
  - { path: DomainResource.descendants(), method: keep }
  - { path: Resource, method: keep }
`,
    );
    const { code, out } = await policy('check', wide);
    expect(code).toBe(0);
    expect(out).toContain('Warning: all of what these rules name passes: Resource (keep-all)');
    expect(out).toContain('it may be anything: DomainResource.descendants() (keep-unbounded)');
    expect(out).toContain('a later one drops the whole type: Patient.active (type-dropped)');
  });

  it('tells every mistake with its line and ends with 2', async () => {
    const wrong = await file(
      'wrong.yaml',
      'apiVersion: fhir-sluice/v1\ndefault: maybe\nrules:\n  - { path: Patient.name, method: zap }\n  - { pth: Patient.name, method: keep }\n',
    );
    const { code, out, err } = await policy('check', wrong);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    for (const where of ['default (line 2)', 'rules[0].method (line 4)', 'rules[1].pth (line 5)']) {
      expect(err).toContain(where);
    }
  });
});

describe('a file that is no policy', () => {
  it('is told by its kind, in one line and without a word of it', async () => {
    const ndjson = await file('data.json', lines(...['1', '2', '3'].map((id) => patient(id, canary))));
    const resource = await file('one.json', JSON.stringify(patient('1', canary), null, 2));
    const bytes = await file('bytes.yaml', 'a\0b\n'.repeat(200));
    const ends = await Promise.all([
      policy('check', ndjson),
      policy('convert', ndjson),
      policy('check', resource),
      policy('check', bytes),
    ]);
    const kinds = ['lines of JSON (NDJSON)', 'lines of JSON (NDJSON)', 'a FHIR resource', 'no text in UTF-8'];
    for (const [index, { code, out, err }] of ends.entries()) {
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/^[^\n]*; a policy is one document of YAML or JSON\n$/);
      expect(err).toContain(kinds[index]);
      expect(err).not.toContain('Canary');
    }
  });

  it('has its first mistakes told, and how many more there are', async () => {
    const rules = Array.from({ length: 45 }, () => '  - { path: Patient.nam, method: redact }\n').join('');
    const wrong = await file('many.yaml', `apiVersion: fhir-sluice/v1\ndefault: keep\nrules:\n${rules}`);
    const { code, err } = await policy('check', wrong);
    expect(code).toBe(2);
    expect(err).toMatch(/^\S+: 45 mistakes, nothing was read\n/);
    expect(err).toMatch(/\n {2}… and 5 more\n$/);
    expect(err.match(/rules\[/g)).toHaveLength(40);
  });
});

describe('policy explain', () => {
  it('says which rule takes a path, where it stands, and what comes before and behind it', async () => {
    const { code, out } = await policy('explain', site, 'Patient.gender', 'Patient.telecom.value', 'Patient.id');
    expect(code).toBe(0);
    const [gender, telecom, id] = out.split('\n\n');
    expect(gender).toMatch(
      /^Patient\.gender \(code\) is removed\n {2}by {5}rules\[1\] \(line 6\): redact Patient\.gender/,
    );
    expect(gender).toMatch(/^ {2}then {3}preset safe-harbor rules\[\d+\]: keep nodesByType\('code'\)/m);
    expect(telecom).toContain('is removed\n  by     preset safe-harbor');
    expect(telecom).toContain(
      "unless rules[0] (line 5): keep Patient.telecom.where(system = 'phone') (depends on the data)",
    );
    expect(id).toContain('always become pseudonyms');
  });

  it('takes each choice of an element by itself, and says what no rule takes', async () => {
    const { out } = await policy('explain', 'safe-harbor', 'Observation.value', 'Patient.nickname', '--json');
    const places = JSON.parse(out);
    const of = (path: string): any => places.find((place: { path: string }) => place.path === path);
    expect(of('Observation.valueString')).toMatchObject({ outcome: 'removed', type: 'string' });
    expect(of('Observation.valueBoolean')).toMatchObject({ outcome: 'kept' });
    expect(of('Observation.valueQuantity')).toMatchObject({ outcome: 'parts' });
    expect(of('Patient.nickname')).toMatchObject({ outcome: 'removed', rule: { origin: 'default' } });
  });

  it('says of meta that parts of it pass by themselves, not that a policy’s default lets them', async () => {
    const { out } = await policy('explain', 'safe-harbor', 'Patient.meta.tag');
    expect(out).toContain('by     no rule; of meta, profile, security and tag pass by themselves');
    expect(out).not.toContain('default: keep');
  });

  it.each(['Patient.birthDate.year', 'HumanName', "Patient.name.where(use = 'x')", 'Pateint.name'])(
    '%s is refused with 2',
    async (path) => {
      const { code, out, err } = await policy('explain', site, path);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(path);
    },
  );
});

const canary = 'Canary-Quillfeather';

const data = (): Promise<string> =>
  file(
    'data.ndjson',
    lines(
      {
        ...patient('1', canary),
        telecom: [
          { system: 'phone', value: `${canary}-555` },
          { system: 'email', value: canary },
        ],
        nickname: canary,
        extension: [{ url: 'http://example.org/nick', valueString: canary }],
      },
      { ...patient('2', canary), extension: [{ url: canary, valueString: canary }] },
      { resourceType: 'CanaryType', id: '1', text: canary },
      { ...note('1', '1', canary), contained: [{ resourceType: 'Patient', id: 'c', petname: canary }] },
    ),
  );

describe('policy coverage', () => {
  it('lists paths, extensions, attributes and types that no rule names, with counts and without values', async () => {
    const keeping = await file(
      'keeping.yaml',
      'apiVersion: fhir-sluice/v1\ndefault: keep\nrules:\n  - { path: Patient.name, method: redact }\n',
    );
    const [json, text] = await Promise.all([
      policy('coverage', keeping, await data(), '--json'),
      policy('coverage', keeping, await data()),
    ]);
    expect([json.code, text.code]).toEqual([0, 0]);
    const { paths, extensions, types, resources } = JSON.parse(json.out);
    expect(resources).toBe(4);
    expect(paths).toContainEqual({ path: 'Patient.birthDate', leaves: 2, outcome: 'kept', isUnknown: false });
    expect(paths).toContainEqual({ path: 'Patient.telecom.value', leaves: 2, outcome: 'kept', isUnknown: false });
    expect(paths).toContainEqual({ path: 'Patient.nickname', leaves: 1, outcome: 'kept', isUnknown: true });
    expect(paths).toContainEqual({ path: 'Patient.petname', leaves: 1, outcome: 'kept', isUnknown: true });
    expect(JSON.stringify(paths)).not.toContain('Patient.name');
    expect(extensions.map(({ url, count }: any) => [url, count])).toEqual(
      expect.arrayContaining([
        ['http://example.org/nick', 1],
        ['(no address)', 1],
      ]),
    );
    expect(types).toEqual([{ type: 'CanaryType', resources: 1 }]);
    expect(text.out).toMatch(/^Patient\.birthDate +2 +kept$/m);
    for (const { out, err } of [json, text])
      expect(out.replaceAll('CanaryType', '') + err).not.toContain('Canary-Q-none');
  });

  it('shows no part of a url that may be a value', async () => {
    const urls = ['http://x.org/p/5551234567/n?mail=ann@x.org', 'http://x.org/p/5557654321/n'];
    const met = await file(
      'urls.json',
      JSON.stringify({ ...patient('1', canary), extension: urls.map((url) => ({ url, valueCode: 'x' })) }),
    );
    const { out } = await policy('coverage', 'safe-harbor', met, '--json');
    expect(JSON.parse(out).extensions).toMatchObject([{ url: 'http://x.org/p/…/n', count: 2 }]);
    expect(out).not.toMatch(/555|ann/);
  });

  it('of nothing is no share', async () => {
    expect((await policy('coverage', 'safe-harbor')).out).toBe('0 resources, 0 leaves: there is nothing to name\n');
  });

  it('of a policy that names everything is 100 %', async () => {
    const all = await file(
      'all.yaml',
      'apiVersion: fhir-sluice/v1\ndefault: drop\nrules:\n  - { path: Patient, method: keep }\n',
    );
    const only = await file('only.json', JSON.stringify(patient('1', canary)));
    expect((await policy('coverage', all, only)).out).toBe('1 resource, 6 leaves: 100.0 % are named by a rule\n');
  });
});

describe('policy diff', () => {
  it('counts what another policy removes, adds and changes, by path, and ends with 1', async () => {
    const { code, out } = await policy('diff', 'safe-harbor', site, await data(), '--json');
    expect(code).toBe(1);
    const { paths, differing, withheld } = JSON.parse(out);
    expect(differing).toBe(2);
    expect(withheld).toEqual([]);
    expect(paths).toContainEqual({ path: 'Patient.gender', removed: 2, added: 0, changed: 0 });
    expect(paths).toContainEqual({ path: 'Patient.telecom.value', removed: 0, added: 1, changed: 0 });
    expect(out).not.toContain(canary);
  });

  it('of a policy with itself is none', async () => {
    const { code, out } = await policy('diff', site, site, await data());
    expect({ code, out }).toEqual({ code: 0, out: '4 resources: no difference\n' });
  });

  it('says which resources are withheld by one of the two', async () => {
    const dropping = await file(
      'dropping.yaml',
      'apiVersion: fhir-sluice/v1\nextends: safe-harbor\nrules:\n  - { path: Observation, method: dropResource }\n',
    );
    const { out } = await policy('diff', 'safe-harbor', dropping, await data(), '--json');
    expect(JSON.parse(out).withheld).toEqual([{ before: 'passes', after: 'policy-drops-type', resources: 1 }]);
  });
});

describe('policy risk', () => {
  it('ends with 1 where a class is too small and 0 where none is, and prints counts alone', async () => {
    const set = await file('set.ndjson', lines(...['1', '2', '3'].map((id) => patient(id, canary))));
    const [small, enough] = await Promise.all([
      policy('risk', set),
      policy('risk', set, '--k', '3', '--qi', 'Patient.gender', '--qi', 'Patient.birthDate', '--json'),
    ]);
    expect(small.code).toBe(1);
    expect(small.out).toContain(
      'k-anonymity: 3, which is below 11: 3 patients of 3 (100.0 %) in 1 class that is too small',
    );
    expect(enough.code).toBe(0);
    expect(JSON.parse(enough.out)).toMatchObject({ patients: 3, smallestK: 3, belowK: { patients: 0 } });
    expect(small.out + enough.out).not.toMatch(/Canary|1951|female/);
  });

  it('ends with 2 for a path that would select nothing, and 3 where a line is no JSON', async () => {
    const [wrong, broken] = await Promise.all([
      policy('risk', '--qi', 'Patient.brithDate'),
      sluice(['policy', 'risk', '--k', '1'], { input: `${lines(patient('1', canary))}${canary}\n` }),
    ]);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toContain('it has no brithDate');
    expect(broken.code).toBe(3);
    expect(broken.err).toBe('standard input:2: not one JSON value (not-json)\n');
  });
});

describe('policy schema', () => {
  it('prints a JSON Schema that takes what is right and refuses what is not', async () => {
    const { code, out } = await policy('schema');
    expect(code).toBe(0);
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(out));
    expect(
      validate({
        apiVersion: 'fhir-sluice/v1',
        extends: 'safe-harbor',
        rules: [{ path: 'Patient.name', method: 'redact' }],
      }),
    ).toBe(true);
    expect(validate({ apiVersion: 'fhir-sluice/v1', rules: [{ path: 'Patient.name', method: 'zap' }] })).toBe(false);
    expect(validate({ apiVersion: 'fhir-sluice/v1', defualt: 'keep' })).toBe(false);
  });
});

describe('policy convert', () => {
  const microsoft = {
    fhirVersion: 'R4',
    fhirPathRules: [
      { path: "nodesByType('HumanName')", method: 'redact' },
      { path: 'Patient.birthDate', method: 'dateShift' },
      { path: 'Patient.gender', method: 'keep' },
    ],
    parameters: { dateShiftKey: 'secret-of-the-configuration' },
  };

  it('prints a policy that is right, and says on standard error what became stricter', async () => {
    const config = await file('ms.json', JSON.stringify(microsoft));
    const made = join(folder, 'made.yaml');
    const [printed, stored] = await Promise.all([
      policy('convert', config, '--from', 'ms'),
      policy('convert', config, '-o', made),
    ]);
    expect([printed.code, stored.code, stored.out]).toEqual([0, 0, '']);
    expect(printed.out).toMatch(/^apiVersion: fhir-sluice\/v1$/m);
    expect(printed.err).toMatch(/^stricter: /m);
    expect(printed.out + printed.err).not.toContain('secret-of-the');
    const { code, out } = await policy('check', made);
    expect({ code, right: out.includes('is right: 3 rules') }).toEqual({ code: 0, right: true });
  });

  it('never writes the policy over its source', async () => {
    const config = await file('source.json', JSON.stringify(microsoft));
    const { code, out, err } = await policy('convert', config, '-o', config);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(`${config}: the same file as the configuration ${config}; nothing was written\n`);
    expect(await readFile(config, 'utf8')).toBe(JSON.stringify(microsoft));
  });

  it('tells mistakes with 2, and a configuration that is the other tool’s', async () => {
    const wrong = await file(
      'wrong.json',
      JSON.stringify({ fhirPathRules: [{ path: 'Patient.name', method: 'zap' }] }),
    );
    const other = await file(
      'other.yaml',
      'fhirPathRules:\n  - { path: Patient.id, method: pseudonymize, domain: x }\n',
    );
    const [mistaken, mixed] = await Promise.all([policy('convert', wrong), policy('convert', other, '--from', 'ms')]);
    expect(mistaken).toMatchObject({ code: 2, out: '' });
    expect(mistaken.err).toContain('fhirPathRules[0].method');
    expect(mixed).toMatchObject({ code: 2, out: '' });
    expect(mixed.err).toContain('fhir-pseudonymizer');
  });
});

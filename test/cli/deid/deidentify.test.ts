/** `sluice deidentify` as a process: what it writes, what it tells, and what it ends with. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { generateKeyLine } from '../../../src/crypto/key-text.ts';
import { lines, note, patient, sluice } from '../process.ts';

jest.setTimeout(60_000);

let folder: string;
let key: string;
let keeping: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-deidentify-'));
  key = await file('pseudonym.key', `${generateKeyLine(2)}\n`, 0o600);
  keeping = await file(
    'keeping.yaml',
    `apiVersion: fhir-sluice/v1
default: keep
rules:
  - { path: Patient.name, method: redact }
  - { path: Binary, method: dropResource }
`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array, mode = 0o644): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode });
  return path;
}

const parsed = (out: string): any[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

const withKey = (...args: string[]): string[] => ['deidentify', '-p', keeping, '--key', key, '--quiet', ...args];

describe('what is written', () => {
  it('has the form it came in: a resource as it was laid out, NDJSON line by line, several files as NDJSON', async () => {
    const one = patient('1', 'Quillfeather');
    const pretty = await file('pretty.json', JSON.stringify(one, null, 4));
    const many = await file('many.ndjson.gz', gzipSync(lines(one, patient('2', 'Merriwold'))));
    const [compact, laidOut, fromLines, both] = await Promise.all([
      sluice(withKey(), { input: JSON.stringify(one) }),
      sluice(withKey(pretty)),
      sluice(withKey(many)),
      sluice(withKey(pretty, many)),
    ]);
    for (const { code, err } of [compact, laidOut, fromLines, both])
      expect({ code, err }).toEqual({ code: 0, err: '' });
    const [result] = parsed(compact.out);
    expect(compact.out).toBe(`${JSON.stringify(result)}\n`);
    expect(laidOut.out).toBe(`${JSON.stringify(result, null, 4)}\n`);
    expect(parsed(fromLines.out)).toHaveLength(2);
    expect(both.out).toBe(compact.out + fromLines.out);
    expect(result).toMatchObject({ resourceType: 'Patient', gender: 'female' });
    expect(result.id).toMatch(/^p2-/);
    expect(compact.out).not.toContain('Quillfeather');
  });

  it('is a whole Bundle, with its urns under other names', async () => {
    const urn = 'urn:uuid:5e6b0a51-8c4b-4f2a-9d0e-0d3c2f1b4a77';
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { fullUrl: urn, resource: patient('1', 'Quillfeather'), request: { method: 'POST', url: 'Patient' } },
        {
          resource: { ...note('2', '1', 'none'), subject: { reference: urn } },
          request: { method: 'POST', url: 'Observation' },
        },
      ],
    };
    const { code, out } = await sluice(withKey(), { input: JSON.stringify(bundle, null, 2) });
    expect(code).toBe(0);
    const { entry } = JSON.parse(out);
    expect(entry).toHaveLength(2);
    expect(entry[1].resource.subject.reference).toBe(entry[0].fullUrl);
    expect(out).not.toContain(urn);
  });

  it('is the same by one thread and by several, from files and from standard input, in the order of the input', async () => {
    const all = Array.from({ length: 3000 }, (_, id) =>
      note(String(id), String(id % 50), `visit ${String(id)} ${'x'.repeat(1500)}`),
    );
    const text = lines(patient('7', 'Quillfeather'), ...all);
    expect(text.length).toBeGreaterThan(4 * 2 ** 20);
    const big = await file('big.ndjson', text);
    const [one, three, stdin] = await Promise.all([
      sluice(withKey('--threads', '1', big)),
      sluice(withKey('--threads', '3', big)),
      sluice(withKey('--threads', '2'), { input: text }),
    ]);
    expect([one.code, three.code, stdin.code]).toEqual([0, 0, 0]);
    expect(
      parsed(one.out)
        .slice(1)
        .map(({ note: [first] }) => first.text),
    ).toEqual(all.map(({ note: [first] }) => first.text));
    expect(three.out === one.out && stdin.out === one.out).toBe(true);
  });

  it('holds nothing that was removed of the patient, wherever it stands in the input', async () => {
    // The words come last: the first reading has them before anything is written.
    const input = lines(
      note('1', 'p', 'Mrs. Quillfeather was seen.'),
      note('2', 'other', 'Mrs. Quillfeather is a neighbour.'),
      patient('p', 'Quillfeather'),
    );
    const { code, out, err } = await sluice(['deidentify', '-p', keeping, '--key', key], { input });
    expect(code).toBe(0);
    const [masked, neighbour] = parsed(out);
    expect(masked.note[0].text).not.toContain('Quillfeather');
    expect(masked.note[0].text).toContain('was seen');
    expect(neighbour.note[0].text).toContain('Quillfeather');
    expect(err).toBe('3 records in, 3 out, 1 value masked by the leak guard\n');
  });
});

describe('keys', () => {
  it('without one a random one is used, and standard error says what that means', async () => {
    const input = lines(patient('1', 'Quillfeather'));
    const [one, other] = await Promise.all([1, 2].map(() => sluice(['deidentify', '-p', 'safe-harbor'], { input })));
    expect(one!.out).not.toBe(other!.out);
    expect(one!.err).toContain('No --key');
    expect(one!.err).toContain('The next run gives others');
  });

  it('give the same pseudonyms each time, others for another site, and the age at the day that is named', async () => {
    const input = lines({ ...patient('1', 'Quillfeather'), birthDate: '1930-01-01' });
    const run = (...args: string[]): ReturnType<typeof sluice> =>
      sluice(['deidentify', '-p', 'safe-harbor', '--key', key, '--quiet', ...args], { input });
    const [one, again, south, young] = await Promise.all([
      run('--as-of', '2026-01-01'),
      run('--as-of', '2026-01-01'),
      run('--as-of', '2026-01-01', '--instance', 'south'),
      run('--as-of', '1990-01-01'),
    ]);
    expect(again.out).toBe(one.out);
    expect(parsed(south.out)[0].id).not.toBe(parsed(one.out)[0].id);
    expect(parsed(young.out)[0].birthDate).toBe('1930');
    expect(parsed(one.out)[0].birthDate).not.toBe('1930');
  });

  it('that anybody may read, or that the policy names and the file lacks, end with 2', async () => {
    const open = await file('open.key', generateKeyLine(1), 0o644);
    const old = await file('old.yaml', 'apiVersion: fhir-sluice/v1\nextends: safe-harbor\nkeys: { dateShift: 1 }\n');
    const [one, other] = await Promise.all([
      sluice(['deidentify', '-p', 'safe-harbor', '--key', open]),
      sluice(['deidentify', '-p', old, '--key', key]),
    ]);
    expect(one).toMatchObject({ code: 2, out: '' });
    expect(one.err).toContain('chmod 600');
    expect(other).toMatchObject({ code: 2, out: '' });
    expect(other.err).toContain('names version 1');
  });
});

describe('what does not pass', () => {
  it('is told by file, line and code, or by reason and count, never by content; the rest passes, and it ends with 3', async () => {
    const canary = 'Canary-Merriwold';
    const bad = await file(
      'bad.ndjson',
      `${lines(patient('1', canary))}{"resourceType":"Patient","id":"${canary}\n${lines(
        { resourceType: 'Patient', name: canary, id: '2' },
        { resourceType: canary.replace('-', ''), id: '3' },
        [canary],
        patient('4', canary),
      )}`,
    );
    const { code, out, err } = await sluice(['deidentify', '-p', 'safe-harbor', '--key', key, bad]);
    expect(code).toBe(3);
    expect(parsed(out)).toHaveLength(3);
    expect(err).toContain(`${bad}:2: not one JSON value (not-json)`);
    expect(err).toContain('withheld 1 record: R4 has no such type, and no rule names it (unknown-type)');
    expect(err).toContain('withheld 1 record: no resourceType or id, or one that R4 does not allow (not-a-resource)');
    expect(err).toContain('5 records in, 3 out');
    expect(out + err).not.toContain(canary);
  });

  it('because the policy drops its type is told, and is no trouble', async () => {
    const input = lines({ resourceType: 'Binary', id: 'b', contentType: 'text/plain' }, patient('1', 'Quillfeather'));
    const { code, out, err } = await sluice(withKey(), { input });
    expect(code).toBe(0);
    expect(parsed(out)).toHaveLength(1);
    expect(err).toBe('withheld 1 record: the policy drops their type (policy-drops-type)\n');
  });

  it('a cut off gzip ends with 3 after what was whole', async () => {
    const whole = gzipSync(lines(...Array.from({ length: 5000 }, (_, id) => note(String(id), '1', String(id * 7919)))));
    const { code, err } = await sluice(withKey(await file('cut.ndjson.gz', whole.subarray(0, -500))));
    expect(code).toBe(3);
    expect(err).toContain('cut.ndjson.gz: the compressed data is damaged or cut off');
  });
});

describe('the report', () => {
  it('counts by rule, reason and guard, and holds no data', async () => {
    const report = join(folder, 'report.json');
    const input = `${lines(patient('1', 'Quillfeather'), note('2', '1', 'Quillfeather'), { resourceType: 'Nothing', id: '1' })}no json\n`;
    const { code } = await sluice(withKey('--report', report, '--as-of', '2026-01-01'), { input });
    expect(code).toBe(3);
    const text = await readFile(report, 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      policy: { name: keeping, digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      instance: 'local',
      key: { version: 2, ephemeral: false },
      input: { files: 1, records: 3, unreadable: { 'not-json': 1 } },
      output: { records: 2, complete: true },
      withheld: { 'unknown-type': 1 },
      references: { pseudonymized: 1, detached: 0 },
      leakGuard: { mode: 'mask', records: 1, valuesMasked: 1 },
      rules: expect.arrayContaining([
        expect.objectContaining({ origin: 'site', index: 0, path: 'Patient.name', method: 'redact', leaves: 1 }),
      ]),
    });
    expect(text).not.toContain('Quillfeather');
  });
});

describe('a dry run', () => {
  it('writes nothing but the counts', async () => {
    const input = lines(patient('1', 'Quillfeather'));
    const { code, out, err } = await sluice(['deidentify', '-p', keeping, '--key', key, '--dry-run'], { input });
    expect({ code, out, err }).toEqual({ code: 0, out: '', err: '1 record in, 1 out\n' });
  });

  it('with --diff shows before and after, but into no file or pipe unless forced', async () => {
    const input = lines(patient('1', 'Quillfeather'), note('2', '1', 'Quillfeather'));
    const [refused, alone, forced] = await Promise.all([
      sluice(withKey('--dry-run', '--diff'), { input }),
      sluice(withKey('--diff', '--force'), { input }),
      sluice(withKey('--dry-run', '--diff', '--force'), { input }),
    ]);
    for (const { code, out, err } of [refused, alone]) {
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('patients’ data');
    }
    expect(forced.code).toBe(0);
    const [left, right] = [0, 1].map((side) =>
      forced.out
        .split('\n')
        .map((line) => line.split(/ [│|<>] ?/)[side] ?? '')
        .join('\n'),
    );
    expect(left).toContain('Quillfeather');
    expect(right).toContain('p2-');
    expect(right).not.toContain('Quillfeather');
  });
});

describe('another tool’s configuration', () => {
  it('runs as it is, with a word on what that means', async () => {
    const config = await file(
      'ms.json',
      JSON.stringify({
        fhirVersion: 'R4',
        fhirPathRules: [
          { path: "nodesByType('HumanName')", method: 'redact' },
          { path: 'Resource.id', method: 'cryptoHash' },
        ],
        parameters: { cryptoHashKey: 'secret-of-the-configuration' },
      }),
    );
    const input = JSON.stringify({ ...patient('1', 'Quillfeather'), multipleBirthInteger: 2 }, null, 2);
    const report = join(folder, 'compat.json');
    const { code, out, err } = await sluice(['deidentify', '-p', config, '--compat', 'ms', '--report', report], {
      input,
    });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ birthDate: '1951-03-14', id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(out).toContain('\n  "birthDate"');
    expect(out).not.toContain('Quillfeather');
    expect(err).toContain('no leak guard');
    expect(await readFile(report, 'utf8')).not.toContain('secret-of-the');
    const bare = await sluice(['deidentify', '-p', config], { input });
    expect(bare).toMatchObject({ code: 2, out: '' });
  });
});

describe('wrong usage', () => {
  it('a wrong policy is told with every mistake and its line, and nothing is read', async () => {
    const wrong = await file(
      'wrong.yaml',
      'apiVersion: fhir-sluice/v1\nextends: safe-harbour\nrules:\n  - { path: Patient.nam, method: redact }\n',
    );
    const { code, out, err } = await sluice(['deidentify', '-p', wrong, join(folder, 'no-such-file')]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('2 mistakes, nothing was read');
    expect(err).toContain('extends (line 2)');
    expect(err).toContain('rules[0].path (line 4)');
    expect(err).not.toContain('no-such-file');
  });

  it.each([
    ['no policy', ['deidentify']],
    ['no such policy', ['deidentify', '-p', 'no-such-policy.yaml']],
    ['no such file', ['deidentify', '-p', 'safe-harbor', 'no-such-file.ndjson']],
    ['a folder', ['deidentify', '-p', 'safe-harbor', 'src']],
    ['a day that is none', ['deidentify', '-p', 'safe-harbor', '--as-of', 'yesterday']],
    ['a site that is none', ['deidentify', '-p', 'safe-harbor', '--instance', 'North Hospital']],
    ['a report that cannot be written', ['deidentify', '-p', 'safe-harbor', '--report', '/no/such/folder/r.json']],
  ])('%s ends with 2', async (_what, args) => {
    const { code, out, err } = await sluice(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toMatch(/^ {4}at /m);
  });
});

describe('the reader of the output', () => {
  it('may stop: no error, no stack, and a word that there was more', async () => {
    const text = lines(...Array.from({ length: 20_000 }, (_, id) => note(String(id), '1', 'x'.repeat(100))));
    const { code, err } = await sluice(withKey(await file('long.ndjson', text)), { readsLittle: true });
    expect({ code, err }).toEqual({
      code: 0,
      err: 'Standard output was closed by its reader before the end: what follows was not written.\n',
    });
  });
});

describe('a file that the run reads', () => {
  it('is never written over by the report', async () => {
    const text = lines(patient('1', 'Quillfeather'));
    const input = await file('precious.ndjson', text);
    const policyText = 'apiVersion: fhir-sluice/v1\nextends: safe-harbor\n';
    const policy = await file('precious.yaml', policyText);
    const [overInput, overPolicy, overKey] = await Promise.all([
      sluice(withKey('--report', input, input)),
      sluice(['deidentify', '-p', policy, '--report', policy], { input: text }),
      sluice(withKey('--report', key, input)),
    ]);
    for (const { code, out } of [overInput, overPolicy, overKey]) expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(overInput.err).toBe(`--report ${input}: the same file as the input ${input}; nothing was written\n`);
    expect(overPolicy.err).toContain('the same file as the policy');
    expect(overKey.err).toContain('the same file as the key file');
    expect(await readFile(input, 'utf8')).toBe(text);
    expect(await readFile(policy, 'utf8')).toBe(policyText);
  });

  it('leaves the report before where a run finds out later that it cannot go on', async () => {
    const report = await file('earlier.json', 'earlier');
    const { code } = await sluice(withKey('--report', report, join(folder, 'no-such-file')));
    expect({ code, report: await readFile(report, 'utf8') }).toEqual({ code: 2, report: 'earlier' });
  });
});

describe('plug-ins', () => {
  const module = `export default {
  name: 'initials', version: '1', types: ['string'],
  apply: (value) => value.slice(0, 1) + '.',
};
`;
  const rules = `apiVersion: fhir-sluice/v1
default: drop
leakGuard: off
rules: [{ path: Patient.name, method: plugin, params: { name: initials } }]
`;

  it('that rules name run where their modules are named, in this thread and in others', async () => {
    const [policy, plugin] = [await file('plug.yaml', rules), await file('initials.mjs', module)];
    const many = lines(...Array.from({ length: 32_000 }, (_, id) => patient(String(id), 'Quillfeather')));
    const args = ['deidentify', '-p', policy, '--key', key, '--plugin', plugin, '--threads', '2'];
    const [one, all] = await Promise.all([
      sluice(args, { input: lines(patient('1', 'Quillfeather')) }),
      sluice(args, { input: many }),
    ]);
    expect(one).toMatchObject({ code: 0, err: '1 record in, 1 out\n' });
    expect(parsed(one.out)[0].name).toEqual([{ family: 'Q.', given: ['M.'] }]);
    expect(many.length).toBeGreaterThan(4 * 2 ** 20);
    expect(all.code).toBe(0);
    expect(all.out).not.toContain('Quillfeather');
    expect(all.out.split('Q.')).toHaveLength(32_001);
  });

  it('that are missing, or none, end with 2', async () => {
    const [policy, plugin] = [await file('plug.yaml', rules), await file('none.mjs', 'export default 1;')];
    const [missing, none, unread] = await Promise.all([
      sluice(['deidentify', '-p', policy]),
      sluice(['deidentify', '-p', policy, '--plugin', plugin]),
      sluice(['deidentify', '-p', policy, '--plugin', join(folder, 'no-such.mjs')]),
    ]);
    for (const { code, out } of [missing, none, unread]) expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(missing.err).toContain('plug-ins that are not here (initials): name their modules with --plugin');
    expect(none.err).toContain('no plug-in; expected a module');
    expect(unread.err).toContain('cannot be loaded');
  });
});

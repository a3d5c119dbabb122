/**
 * Invariant I2, no PHI outside: canaries in every field that may hold a person's data, and after a success and a
 * failure of each step none of them anywhere but in the source. Leaks planted into each sink show that the search sees.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';

import type { Fault } from '../../src/emulator/emulator.ts';
import type { JsonObject, Resource } from '../../src/fhir/resource.ts';
import { temporalClient } from '../../src/temporal/connect.ts';
import { differences, hubId } from '../support/e2e-check.ts';
import { search } from '../support/e2e-search.ts';
import { sinksOf } from '../support/e2e-sinks.ts';
import { type E2eSite, E2eWorld, eventually, syncUntilSettled, untilSettled } from '../support/e2e-world.ts';

jest.setTimeout(150_000);

/** In every canary that takes a free text; the others are listed beside it. */
const stem = 'Cnry7Qz';
const birthDate = '1907-03-29';
const phone = '+1-555-0147-9931';
const postalCode = '90217-7731';
const umlaut = 'Zyänkäli Brôwn';
const canaries = [stem, birthDate, phone, postalCode, umlaut];
const canary = (where: string): string => `${stem} ${where} of ${umlaut}`;
const bytes = (where: string): string => Buffer.from(canary(where)).toString('base64');
const idOf = (n: number): string => `canary-mrn-${stem}-${String(n)}`;

const narrative = {
  status: 'generated',
  div: `<div xmlns="http://www.w3.org/1999/xhtml">${canary('narrative')}</div>`,
};
const extension = [{ url: 'http://example.org/maiden-name', valueString: canary('extension') }];

const patient = (n: number, change: JsonObject = {}): Resource & { id: string } => ({
  resourceType: 'Patient',
  id: idOf(n),
  meta: { source: `http://example.org/${stem}`, tag: [{ system: 'urn:ward', code: 'w1' }] },
  identifier: [{ system: 'urn:mrn', value: canary('identifier'), assigner: { display: canary('assigner') } }],
  name: [{ family: canary('family'), given: [canary('given')], _family: { extension } }],
  telecom: [
    { system: 'phone', value: phone },
    { system: 'email', value: `${stem}@example.org` },
  ],
  address: [{ line: [canary('street')], city: canary('city'), postalCode }],
  birthDate,
  gender: 'female',
  text: narrative,
  extension,
  photo: [{ contentType: 'image/png', data: bytes('photo'), title: canary('title') }],
  contact: [{ name: { text: canary('contact') }, telecom: [{ value: phone }] }],
  contained: [{ resourceType: 'RelatedPerson', id: `${stem}-contained`, name: [{ text: canary('contained') }] }],
  link: [{ other: { reference: `#${stem}-contained`, display: canary('link') }, type: 'seealso' }],
  generalPractitioner: [{ reference: `Practitioner/${stem}-dr`, display: canary('practitioner') }],
  [`custom${stem}`]: canary('custom'),
  ...change,
});

const observation = (n: number): Resource & { id: string } => ({
  resourceType: 'Observation',
  id: `obs-${stem}-${String(n)}`,
  status: 'final',
  code: { text: canary('code'), coding: [{ system: 'http://loinc.org', code: '8867-4', display: canary('display') }] },
  subject: {
    reference: `Patient/${idOf(n)}`,
    display: canary('subject'),
    identifier: { value: canary('subject identifier') },
  },
  performer: [{ reference: `https://${stem}.example.org/Practitioner/${stem}`, display: canary('performer') }],
  valueString: canary('value'),
  note: [{ text: canary('note'), authorString: canary('author') }],
  text: narrative,
});

const response = (n: number): Resource & { id: string } => ({
  resourceType: 'QuestionnaireResponse',
  id: `qr-${stem}-${String(n)}`,
  status: 'completed',
  subject: { reference: `Patient/${idOf(n)}` },
  patientFirstName: canary('custom attribute'),
  item: [
    {
      linkId: 'name',
      text: canary('question'),
      answer: [
        { valueString: canary('answer') },
        { valueDate: birthDate },
        { valueAttachment: { data: bytes('answer'), url: `http://example.org/${stem}` } },
        { valueReference: { reference: `Patient/${idOf(n)}`, display: canary('answer reference') } },
      ],
    },
  ],
});

/** What stays of the above. */
const policy: JsonObject = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'phi',
  default: 'drop',
  rules: [
    { path: 'Reference.display', method: 'redact' },
    { path: 'Reference.identifier', method: 'redact' },
    { path: 'Patient.gender', method: 'keep' },
    { path: 'Patient.generalPractitioner', method: 'keep' },
    { path: 'Observation.status', method: 'keep' },
    { path: 'Observation.subject', method: 'keep' },
    { path: 'Observation.performer', method: 'keep' },
    { path: 'QuestionnaireResponse.status', method: 'keep' },
    { path: 'QuestionnaireResponse.subject', method: 'keep' },
  ],
};

/** An extra step that fails as a file tells it to, quoting what it was given and more. */
const stepModule = (folder: string): string => `
  import { existsSync, readFileSync, unlinkSync } from 'node:fs';
  const file = ${JSON.stringify(join(folder, 'step-mode'))};
  export default async function step(resources) {
    if (!existsSync(file)) return resources;
    const [mode, secret] = readFileSync(file, 'utf8').split('|');
    const error = new Error(\`\${secret}: cannot map \${JSON.stringify(resources)}\`, { cause: new Error(secret) });
    if (mode === 'throw') throw error;
    if (mode === 'add') return [...resources, { resourceType: secret, id: secret }];
    unlinkSync(file);
    if (mode === 'exit') process.exit(7);
    setImmediate(() => { throw error; });
    return new Promise(() => undefined);
  }
`;

let world: E2eWorld;
let site: E2eSite;

const leaks = async (): Promise<string[]> => search(await sinksOf(world, site), canaries);
const stepMode = (): string => join(world.folder, 'step-mode');

beforeAll(async () => {
  world = await E2eWorld.start({ hub: { record: 'bodies' } });
  const module = join(world.folder, 'step.mjs');
  writeFileSync(module, stepModule(world.folder));
  site = await world.addSite({
    instance: 'phi',
    upTypes: ['Patient', 'Observation', 'QuestionnaireResponse'],
    policy,
    steps: [{ name: 'extra', module }],
    source: { record: 'lines' },
  });
  for (const n of [1, 2, 3, 4]) site.source.load([patient(n), observation(n), response(n)]);
  // Something that the first load finds deleted already.
  site.source.delete('QuestionnaireResponse', `qr-${stem}-4`);
  world.startHarmedWorker(
    [site],
    [{ instance: 'phi', what: 'corrupt', when: 'before', activity: 'anonymize', type: 'Observation', execution: 1 }],
  );
}, 180_000);

afterAll(async () => {
  await world?.stop();
}, 30_000);

describe('after a success', () => {
  it('of a first load, in which what was staged was damaged once, nothing has leaked', async () => {
    const statuses = await syncUntilSettled(site);
    expect(statuses.map(({ state }) => state)).toEqual(['current', 'current', 'current']);
    expect(world.hub.list('Observation')).toHaveLength(4);
    expect(world.hub.read('Observation', hubId(site, 'Observation', observation(1).id))).toMatchObject({
      status: 'final',
      subject: { reference: `Patient/${hubId(site, 'Patient', idOf(1))}` },
    });
    expect(tellings('staging-corrupt')).toBeGreaterThan(0);
    expect(await leaks()).toEqual([]);
  });

  it('of updates, of deletes and of a late commit, nothing has leaked', async () => {
    const late = site.source.beginTransaction();
    late.put(patient(2, { gender: 'other' }));
    site.source.put(patient(2, { gender: 'unknown' }));
    site.source.delete('QuestionnaireResponse', `qr-${stem}-3`);
    site.source.delete('Observation', observation(3).id);
    site.source.delete('Patient', idOf(3));
    await syncUntilSettled(site);
    late.commit();
    await eventually('the late commit', async () => {
      await syncUntilSettled(site);
      return world.hub.read('Patient', hubId(site, 'Patient', idOf(2)))?.gender === 'other';
    });
    expect(world.hub.read('Patient', hubId(site, 'Patient', idOf(3)))).toBeUndefined();
    expect(await leaks()).toEqual([]);
  });
});

const echo = JSON.stringify({ ...patient(1), resourceType: 'Patient' });
const outcome: JsonObject = {
  resourceType: 'OperationOutcome',
  text: narrative,
  issue: [
    {
      severity: 'error',
      code: 'invalid',
      diagnostics: `${canary('diagnostics')}: ${echo}`,
      expression: [`Patient.where(id='${idOf(1)}')`],
    },
    { severity: 'error', code: 'invalid', diagnostics: `Referenced resource Patient/${idOf(1)} does not exist` },
  ],
};
const headers = { 'www-authenticate': `Basic realm="${stem}"`, 'x-request-id': stem };

const page = { method: 'GET', pathRegex: String.raw`^/Patient/\$changes\?` };
const transaction = { method: 'POST', bodyIncludes: '"kind":"cursor"' };
const question = { method: 'POST', bodyIncludes: 'AidboxInstance/phi' };

interface Failing {
  readonly name: string;
  readonly code: string;
  readonly at?: 'source' | 'hub';
  readonly fault?: Fault;
  readonly step?: 'throw' | 'add' | 'exit' | 'uncaught';
}

const failing: readonly Failing[] = [
  {
    name: 'fetch: 500 with an echo',
    code: 'source-failing',
    at: 'source',
    fault: { match: page, action: { kind: 'answer', status: 500, headers, body: outcome } },
  },
  {
    name: 'fetch: malformed JSON',
    code: 'source-answer-malformed',
    at: 'source',
    fault: {
      match: page,
      action: { kind: 'answer', status: 200, body: `{"version":1,"changes":[{"event":"created","resource":${echo}` },
    },
  },
  {
    name: 'fetch: a page of another form',
    code: 'source-answer-malformed',
    at: 'source',
    fault: {
      match: page,
      action: { kind: 'answer', status: 200, body: `{"version":"${stem}","changes":{"${stem}":${echo}}}` },
    },
  },
  {
    name: 'fetch: connection cut in the body',
    code: 'source-unreachable',
    at: 'source',
    fault: { match: page, action: { kind: 'cut' } },
  },
  {
    name: 'fetch: 401 with an echo',
    code: 'source-unauthenticated',
    at: 'source',
    fault: { match: page, action: { kind: 'answer', status: 401, headers, body: echo } },
  },
  { name: 'extra step: throws a resource', code: 'extra-step-failed', step: 'throw' },
  { name: 'extra step: adds a resource', code: 'extra-step-failed', step: 'add' },
  { name: 'extra step: its thread ends', code: 'worker-thread-failed', step: 'exit' },
  { name: 'extra step: its thread dies of an error', code: 'worker-thread-failed', step: 'uncaught' },
  {
    name: 'authorize: 500 with an echo',
    code: 'target-failing',
    at: 'hub',
    fault: { match: question, action: { kind: 'answer', status: 500, headers, body: outcome } },
  },
  {
    name: 'authorize: 403 with an echo',
    code: 'target-forbidden',
    at: 'hub',
    fault: { match: question, action: { kind: 'answer', status: 403, headers, body: outcome } },
  },
  {
    name: 'commit: 500 with an echo',
    code: 'target-failing',
    at: 'hub',
    fault: { match: transaction, action: { kind: 'answer', status: 500, headers, body: outcome } },
  },
  {
    name: 'commit: 200 that is no Bundle',
    code: 'target-answer-malformed',
    at: 'hub',
    fault: { match: transaction, action: { kind: 'answer', status: 200, body: echo } },
  },
  {
    name: 'commit: connection cut',
    code: 'target-unreachable',
    at: 'hub',
    fault: { match: transaction, action: { kind: 'cut' } },
  },
];

describe('in a failure and after it nothing has leaked', () => {
  it.each(failing)('$name', async ({ code, at, fault, step }) => {
    const server = at === 'source' ? site.source : world.hub;
    const hits = server.faults.hitCount;
    const told = tellings(code);
    if (fault !== undefined) server.faults.push(fault);
    if (step !== undefined) writeFileSync(stepMode(), `${step}|${canary('step')}`);
    gender += 1;
    site.source.put(patient(1, { gender: `g${String(gender)}` }));
    await site.client.sync(['Patient']);
    await eventually('the failure', () => tellings(code) > told);
    if (fault !== undefined) expect(server.faults.hitCount).toBeGreaterThan(hits);
    // While the stream is in trouble, with what is staged.
    expect(await leaks()).toEqual([]);
    if (step === 'throw') expect(readdirSync(site.config.stagingFolder)).not.toEqual([]);
    if (existsSync(stepMode())) rmSync(stepMode());
    await eventually('a state that the worker can leave', async () => {
      await site.client.retry(['Patient']);
      const [status] = await untilSettled(site, ['Patient']);
      return status?.state === 'current';
    });
    await syncUntilSettled(site, ['Patient']);
    // Whether it leaked on its way out of the trouble, the next search sees: every sink but staging only grows.
    expect(world.hub.read('Patient', hubId(site, 'Patient', idOf(1)))?.gender).toBe(`g${String(gender)}`);
  });

  it('commit: 422 with an echo, bisected', async () => {
    world.hub.faults.push({ match: transaction, action: { kind: 'answer', status: 422, headers, body: outcome } });
    site.source.put(patient(1, { gender: 'male' }));
    site.source.put(patient(2, { gender: 'male' }));
    await syncUntilSettled(site, ['Patient']);
    expect(world.hub.faults.pendingCount).toBe(0);
    expect(world.hub.read('Patient', hubId(site, 'Patient', idOf(2)))?.gender).toBe('male');
    expect(await leaks()).toEqual([]);
  });

  it('resources that are refused on the way: quarantined, sealed', async () => {
    // No id at all, by FHIR's rules; one that the engine may not pass; one that the hub does not take.
    site.source.put({ ...patient(90), id: `${stem} Zyänkäli` });
    site.source.put(patient(91, { modifierExtension: extension }));
    const [status] = await syncUntilSettled(site, ['Patient']);
    expect(status).toMatchObject({ state: 'current', totals: { quarantined: 2 } });
    world.hub.faults.push({ match: transaction, action: { kind: 'answer', status: 422, headers, body: outcome } });
    site.source.put(patient(92));
    const [after] = await syncUntilSettled(site, ['Patient']);
    expect(after).toMatchObject({ state: 'current', totals: { quarantined: 3 } });
    expect(await leaks()).toEqual([]);
    // A leak would be seen, had it been committed: the hub has everything else.
    expect(world.hub.list('Patient')).toHaveLength(3);
    expect(differences(world, site).some((line) => line.includes('quarantine'))).toBe(true);
  });
});

describe('a planted leak is seen', () => {
  const planted = canary('planted');
  const seen = async (name: string): Promise<string[]> =>
    (await leaks()).filter((line) => line.startsWith(name)).map((line) => line.replace(/^[^:]*: /, ''));
  const inTheClear = [`${stem} (plain)`, `${umlaut} (plain)`];

  it('in a memo: in the database and in the histories', async () => {
    const connection = await Connection.connect({ address: world.address });
    try {
      // Without the codec, and with it: then only who decodes the histories can see it.
      for (const client of [new Client({ connection }), temporalClient(site.config, connection)]) {
        await client.workflow.start('nobody', {
          workflowId: `planted-${String(planting())}`,
          taskQueue: 'nobody',
          memo: { name: planted },
        });
        const sinks = await sinksOf(world, site);
        const clear = search(sinks, canaries);
        expect(clear.filter((line) => line.startsWith('histories: '))).toEqual(
          inTheClear.map((what) => `histories: ${what}`),
        );
        if (plantings === 1) {
          expect(clear.filter((line) => line.startsWith('temporal, rows'))).not.toEqual([]);
          expect(clear.filter((line) => line.startsWith('temporal, temporal.sqlite'))).not.toEqual([]);
        }
        await client.workflow.getHandle(`planted-${String(plantings)}`).terminate(plantings === 1 ? '' : planted);
      }
    } finally {
      await connection.close();
    }
  });

  it('in an input that the codec has encrypted, by decoding alone', async () => {
    const other = `Qwx${stem.slice(0, 3)}Only`;
    const connection = await Connection.connect({ address: world.address });
    try {
      const client = temporalClient(site.config, connection);
      await client.workflow.start('nobody', { workflowId: 'planted-input', taskQueue: 'nobody', args: [other] });
      const found = search(await sinksOf(world, site), [other]);
      expect(found).toEqual([`histories: ${other} (plain)`]);
    } finally {
      await connection.close();
    }
  });

  it('in the log of the worker', async () => {
    expect(await seen('log of the worker')).toEqual([]);
    const args = ['--eval', `console.error(${JSON.stringify(planted)})`];
    await world.startProgram(args, join(site.folder, 'worker.log')).ended;
    expect(await seen('log of the worker')).toEqual(inTheClear);
  });

  it('in staging, in a file and in a name', async () => {
    const folder = join(site.config.stagingFolder, `batch-${stem}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'part'), Buffer.from(JSON.stringify({ name: Buffer.from(planted).toString('base64') })));
    expect((await seen('staging')).some((what) => what === `${stem} (base64)`)).toBe(true);
    expect(await seen('staging, names')).toEqual([`${stem} (plain)`]);
    rmSync(folder, { recursive: true });
  });

  it('in the state, in a row and in the file', async () => {
    const state = new DatabaseSync(site.config.stateFile);
    state.exec('CREATE TABLE planted (text TEXT)');
    // Longer than a page, so that the file has it in pieces.
    state.prepare('INSERT INTO planted VALUES (?)').run(`${'x'.repeat(4_060)}${planted}${'x'.repeat(5_000)}`);
    state.close();
    expect(await seen('state, rows')).toEqual(inTheClear);
    expect((await seen('state, state.sqlite')).length).toBeGreaterThan(0);
  });

  it('in an old version at the hub', async () => {
    world.hub.put({ resourceType: 'Basic', id: 'planted', code: { text: planted } });
    world.hub.put({ resourceType: 'Basic', id: 'planted', code: { text: 'harmless' } });
    expect(await seen('hub')).toEqual(inTheClear);
  });

  it('in the address of a request', async () => {
    await fetch(`${world.hub.url}/fhir/Patient?name=${encodeURIComponent(umlaut)}`);
    await fetch(`${site.source.url}/fhir/Patient/${idOf(1)}`);
    expect(await seen('requests to the hub')).toContain(`${umlaut} (url)`);
    expect(await seen('requests to the instance')).toEqual([`${stem} (plain)`]);
  });
});

let plantings = 0;
const planting = (): number => (plantings += 1);

let gender = 0;

/** How often the worker has told of this failure. */
const tellings = (code: string): number =>
  readFileSync(join(site.folder, 'worker.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"step-failed"') && line.includes(`"code":"${code}"`)).length;

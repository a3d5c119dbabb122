/**
 * Bad input: what servers and disks may do, and what becomes of it. Each trouble has a constant code, tells whether
 * Temporal tries again, says nothing of the data, and leaves everything to be delivered once when the cause is gone.
 */
import { describe, expect, it, jest } from '@jest/globals';

import type { Emulator, FaultAction, FaultMatch } from '../../src/emulator/emulator.ts';
import { troubles, type TroubleCode } from '../../src/sync/trouble.ts';
import { patient, type Site, type SiteOptions, type Stored, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const canary = 'Quenthrix';
const ids = ['canary-id-1', 'canary-id-2', 'canary-id-3'];

const put = (site: Site, more: object = {}): void => {
  for (const id of ids) site.instance.put(patient(id, { name: [{ family: canary }], ...more }));
};

const delivered = (site: Site): void => {
  for (const id of ids) {
    expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
    expect(site.versionsInHub('Patient', id)).toBe(1);
  }
};

/** The failure of a step: its code, and that nothing in it tells of the data. */
async function failureOf(
  site: Site,
  work: Promise<unknown>,
): Promise<{ code: TroubleCode; retryMs: number | undefined }> {
  const failure = (await work.then(
    () => undefined,
    (error: unknown) => error,
  )) as (Error & { type: TroubleCode; nonRetryable: boolean; details?: unknown; nextRetryDelay?: number }) | undefined;
  if (failure === undefined) throw new Error('nothing went wrong');
  const { type, nonRetryable, message, stack, details, cause } = failure;
  const told = JSON.stringify([message, stack, details, String(cause), site.logged]);
  expect(told).not.toMatch(/Quenthrix|canary/i);
  expect(told).not.toContain(site.pseudonym('Patient', ids[0] ?? ''));
  expect(message).toContain(troubles[type].means);
  expect([type, nonRetryable]).toEqual([type, troubles[type].kind !== 'transient']);
  return { code: type, retryMs: failure.nextRetryDelay };
}

/** Does something when the time is over for which a server wants to be left alone. */
async function after<Result>(ms: number, work: () => Promise<Result>): Promise<Result> {
  const now = Date.now.bind(Date);
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + ms);
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

const quoting = { resourceType: 'OperationOutcome', issue: [{ diagnostics: `Patient/${ids[0] ?? ''} ${canary}` }] };
const answer = (status: number, headers: Record<string, string> = {}): FaultAction => ({
  kind: 'answer',
  status,
  headers,
  body: quoting,
});

interface Case {
  readonly what: string;
  readonly action: FaultAction;
  readonly code: string;
  readonly retryMs?: number;
}

/** `code` without its side. */
const ofAnyRequest: readonly Case[] = [
  { what: 'malformed JSON', action: { kind: 'malformed' }, code: 'answer-malformed' },
  { what: 'an answer that ends half-way', action: { kind: 'truncate' }, code: 'answer-malformed' },
  { what: 'a connection cut in mid-body', action: { kind: 'cut' }, code: 'unreachable' },
  { what: 'a connection dropped without an answer', action: { kind: 'drop' }, code: 'unreachable' },
  { what: 'a connection refused', action: { kind: 'refuse' }, code: 'unreachable' },
  { what: '401', action: answer(401), code: 'unauthenticated' },
  { what: '403', action: answer(403), code: 'forbidden' },
  { what: '404', action: answer(404), code: 'lacks-route' },
  { what: '429 with seconds to wait', action: answer(429, { 'retry-after': '17' }), code: 'busy', retryMs: 17_000 },
  {
    what: '429 that would have us wait for a year',
    action: answer(429, { 'retry-after': '31536000' }),
    code: 'busy',
    retryMs: 3_600_000,
  },
  { what: '429 without a time', action: answer(429), code: 'busy' },
  { what: '503', action: answer(503, { 'retry-after': '2' }), code: 'busy', retryMs: 2_000 },
  { what: '500', action: answer(500), code: 'failing' },
  { what: '502', action: answer(502), code: 'failing' },
];

/** These a transaction answers with, too, about its content; anywhere else they stand for the request. */
const ofReads: readonly Case[] = [
  { what: '409', action: answer(409), code: 'failing' },
  { what: '412', action: answer(412), code: 'failing' },
  { what: '400', action: answer(400), code: 'refuses' },
  { what: '422', action: answer(422), code: 'refuses' },
];

const places: readonly {
  where: string;
  server: 'instance' | 'hub';
  side: string;
  match: FaultMatch;
  cases: readonly Case[];
}[] = [
  {
    where: 'the source, asked for its head',
    server: 'instance',
    side: 'source',
    match: { pathRegex: /\$changes$/ },
    cases: [...ofAnyRequest, ...ofReads],
  },
  {
    where: 'the source, asked for a page',
    server: 'instance',
    side: 'source',
    match: { pathRegex: /_page=1/ },
    cases: [...ofAnyRequest, ...ofReads],
  },
  {
    where: 'the hub, asked whether it allows the stream',
    server: 'hub',
    side: 'target',
    match: { bodyIncludes: 'AidboxInstance/' },
    cases: [...ofAnyRequest, ...ofReads],
  },
  {
    where: 'the hub, asked for the cursor',
    server: 'hub',
    side: 'target',
    match: { bodyIncludes: 'ChangesInfo/north.up.Patient"' },
    cases: [...ofAnyRequest, ...ofReads],
  },
  {
    where: 'the hub, given a transaction',
    server: 'hub',
    side: 'target',
    match: { bodyIncludes: '"url":"Patient/' },
    cases: ofAnyRequest,
  },
];

describe.each(places)('$where', ({ server, side, match, cases }) => {
  it.each(cases)(
    'answers with $what: says so, and all is delivered once when it is over',
    async ({ action, code, retryMs }) => {
      await withSite({}, async (site) => {
        put(site);
        const emulator: Emulator = site[server];
        emulator.faults.push({ match, action });
        const failure = await failureOf(site, site.drive(patients));
        expect(failure).toEqual({ code: `${side}-${code}`, retryMs });
        expect(emulator.faults.pendingCount).toBe(0);
        await after(retryMs ?? 0, () => site.drive(patients));
        delivered(site);
      });
    },
  );
});

describe('a server that does not answer', () => {
  it('is unreachable after the time that a request may take', async () => {
    await withSite({ limits: { requestTimeoutSeconds: 1 } }, async (site) => {
      put(site);
      site.instance.faults.push({ match: { pathRegex: /_page=1/ }, action: { kind: 'hang' } });
      expect(await failureOf(site, site.drive(patients))).toEqual({ code: 'source-unreachable', retryMs: undefined });
      await site.drive(patients);
      delivered(site);
    });
  });

  it('may have done what it was asked: a transaction is not done twice', async () => {
    await withSite({ limits: { requestTimeoutSeconds: 1 } }, async (site) => {
      put(site);
      const match = { bodyIncludes: '"url":"Patient/' };
      site.hub.faults.push({ match, action: { kind: 'hang', applied: true } });
      expect((await failureOf(site, site.drive(patients))).code).toBe('target-unreachable');
      await site.drive(patients);
      delivered(site);
    });
  });

  it.each([500, 502, 503])('may answer %i for what it has done all the same', async (status) => {
    await withSite({}, async (site) => {
      put(site);
      const match = { bodyIncludes: '"url":"Patient/' };
      site.hub.faults.push({ match, action: { kind: 'answer', status, applied: true } });
      await failureOf(site, site.drive(patients));
      await site.drive(patients);
      delivered(site);
    });
  });
});

describe('a row of $changes', () => {
  const rows = (site: Site): Promise<{ reason: string; sealed: boolean }[]> =>
    site.parts.db
      .selectFrom('quarantine')
      .select(['reason', 'content'])
      .execute()
      .then((all) =>
        all.map(({ reason, content }) => ({
          reason,
          sealed: content !== null && !Buffer.from(content).includes(canary),
        })),
      );

  const bad: readonly (readonly [string, unknown, string])[] = [
    ['without an id', { resourceType: 'Patient', name: [{ family: canary }] }, 'no-id'],
    ['with an id that is no FHIR id', { resourceType: 'Patient', id: 'a/../b', name: [{ family: canary }] }, 'no-id'],
    ['with a number for an id', { resourceType: 'Patient', id: 7 }, 'no-id'],
    ['of another type', { resourceType: 'Person', id: 'x', name: [{ family: canary }] }, 'wrong-type'],
    ['without a type', { id: 'x' }, 'wrong-type'],
    ['that is a list', [canary], 'not-a-resource'],
    ['that is a text', canary, 'not-a-resource'],
    ['that is nothing', null, 'not-a-resource'],
  ];

  it.each(bad)('%s is quarantined with the reason, and the rest is delivered', async (_what, resource, reason) => {
    await withSite({}, async (site) => {
      put(site);
      const changes = site.instance.store
        .rows('Patient')
        .map((row) => ({ event: row.event, resource: JSON.parse(row.json) as Stored }));
      const body = JSON.stringify({
        version: site.instance.store.head('Patient'),
        changes: [...changes, { event: 'created', resource }],
      });
      site.instance.faults.push({ match: { pathRegex: /_page=1/ }, action: { kind: 'answer', status: 200, body } });
      const { batches, commits } = await site.drive(patients);
      expect(batches[0]).toMatchObject({ changes: 4, quarantined: 1 });
      // It has no place in the target by which the stream's own number could count it apart.
      expect(commits.at(-1)?.quarantined).toBe(1);
      expect(await rows(site)).toEqual([{ reason, sealed: true }]);
      delivered(site);
    });
  });

  it('that brings nothing but bad resources moves the stream on all the same', async () => {
    await withSite({}, async (site) => {
      const before = site.instance.store.head('Patient') ?? 0;
      site.instance.put(patient('x'));
      const body = { version: before + 1, changes: [{ event: 'created', resource: { resourceType: 'Patient' } }] };
      site.instance.faults.push({ match: { pathRegex: /_page=1/ }, action: { kind: 'answer', status: 200, body } });
      const { commits } = await site.drive(patients);
      expect(commits).toHaveLength(1);
      expect((await site.position(patients)).delivered).toBe(site.instance.store.head('Patient'));
    });
  });

  it('of 50 MB is quarantined by its id alone, and the rest is delivered', async () => {
    const limits: SiteOptions['limits'] = { pageBytesMax: 16 * 2 ** 20, batchRowsMax: 10 };
    await withSite({ limits }, async (site) => {
      put(site);
      site.instance.put(patient('huge', { text: { status: 'generated', div: canary.padEnd(50 * 2 ** 20, 'x') } }));
      site.instance.put(patient('after'));
      const { commits } = await site.drive(patients);
      expect(commits.at(-1)).toMatchObject({ quarantined: 1 });
      expect(await rows(site)).toEqual([{ reason: 'resource-too-large', sealed: false }]);
      delivered(site);
      expect(site.inHub('Patient', 'after')).toBeDefined();
      expect(site.inHub('Patient', 'huge')).toBeUndefined();
    });
  });
});

describe('a disk that is full under staging', () => {
  it('stops the stream, which goes on when there is room', async () => {
    await withSite({ limits: { stagingBytesMax: 2 ** 20 } }, async (site) => {
      put(site, { text: { status: 'generated', div: 'x'.repeat(500_000) } });
      expect((await failureOf(site, site.drive(patients))).code).toBe('staging-full');
      expect((await site.position(patients)).delivered).toBe(0);
      await site.restart({ limits: { stagingBytesMax: 2 ** 30 } });
      await site.drive(patients);
      delivered(site);
    });
  });

  it('may be full in the middle of a batch: each step can be run again', async () => {
    await withSite({ limits: { stagingBytesMax: 2_200_000 } }, async (site) => {
      put(site, { text: { status: 'generated', div: 'x'.repeat(500_000) } });
      const batch = await site.fetchBatch(patients);
      expect((await failureOf(site, site.anonymize(batch))).code).toBe('staging-full');
      await site.restart({ limits: { stagingBytesMax: 2 ** 30 } });
      await site.commit(await site.anonymize(batch));
      delivered(site);
    });
  });
});

describe('a batch in staging', () => {
  it('that was changed on the disk is lost, and fetched again', async () => {
    await withSite({}, async (site) => {
      put(site);
      const batch = await site.fetchBatch(patients);
      const other = await site.fetchBatch(patients);
      const { copyFile } = await import('node:fs/promises');
      await copyFile(`${site.stagingFolder}/${other.id}/raw-00000`, `${site.stagingFolder}/${batch.id}/raw-00000`);
      expect((await failureOf(site, site.anonymize(batch))).code).toBe('staging-corrupt');
      await site.drive(patients);
      delivered(site);
    });
  });
});

describe('the state', () => {
  it('that cannot be written is said to be so, without a value', async () => {
    await withSite({}, async (site) => {
      put(site);
      const batch = await site.cleanBatch(patients);
      const { sql } = await import('kysely');
      await sql`CREATE TRIGGER broken BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'Quenthrix'); END`.execute(
        site.parts.db,
      );
      expect((await failureOf(site, site.commit(batch))).code).toBe('state-unavailable');
      await sql`DROP TRIGGER broken`.execute(site.parts.db);
      await site.commit(batch);
      delivered(site);
    });
  });
});

describe('an attempt whose worker stops', () => {
  it('gives its batch back', async () => {
    await withSite({}, async (site) => {
      put(site);
      const { MockActivityEnvironment } = await import('@temporalio/testing');
      const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 });
      site.instance.faults.push({ match: { pathRegex: /_page=1/ }, action: { kind: 'delay', delayMs: 300 } });
      const running = environment.run(() => site.activities.fetchChanges({ stream: patients }));
      setTimeout(() => {
        environment.cancel();
      }, 100);
      expect((await failureOf(site, running)).code).toBe('given-back');
      await site.drive(patients);
      delivered(site);
    });
  });
});

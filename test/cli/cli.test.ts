/** The `sluice` command as a process: what it prints, and what it ends with. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { parseKeyText } from '../../src/crypto/key-text.ts';
import { root, run, sluice } from '../client/command.ts';
import { World } from '../client/site.ts';
import { Script } from '../workflows/support/script.ts';
import { eventually } from '../workflows/support/stage.ts';

jest.setTimeout(90_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

const commands = [
  'check',
  'worker',
  'schedule',
  'sync',
  'pause',
  'resume',
  'resync',
  'retry',
  'status',
  'quarantine',
  'keygen',
  'codec-server',
  'policy',
  'deidentify',
];

describe('help', () => {
  it('names every command, the exit codes and examples', async () => {
    const { code, out, err } = await sluice('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(out).toContain('Exit codes: 0 done');
    expect(out).toContain('sluice sync Patient Encounter --wait');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('of each command says what it does and how to name the configuration', async () => {
    const helps = await Promise.all(
      ['sync', 'worker'].map(async (command) => [command, await sluice(command, '--help')] as const),
    );
    for (const [command, { code, out }] of helps) {
      expect(code).toBe(0);
      expect(out).toContain(`Usage: sluice ${command}`);
      expect(out).toMatch(/--config <file>[\s\S]*default: "sluice.yaml"[\s\S]*SLUICE_CONFIG/);
    }
  });

  it('works by npx from the root of the repository', async () => {
    const { code, out } = await run('npx', ['--no-install', 'sluice', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Usage: sluice');
  });
});

describe('wrong usage ends with 2 and says where help is', () => {
  it.each([
    ['an unknown command', ['sink']],
    ['an unknown option', ['status', '--jsn']],
    ['no command', []],
    ['a key version that is none', ['keygen', '--key-version', '0']],
    ['a port that is none', ['codec-server', '--port', 'all']],
  ])('%s', async (_what, args) => {
    const { code, out, err } = await sluice(
      ...args,
      ...(args[0] === 'codec-server' ? ['--config', await config('port')] : []),
    );
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/sluice|port/);
    expect(err).not.toMatch(/^ {4}at /m);
  });
});

describe('a wrong configuration', () => {
  it('is one message with all mistakes and 2, whatever the command, and nothing is started', async () => {
    const file = await world.site('wrong');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('instance: wrong', 'instance: Wrong Name').replace('every: 10s', 'every: soon'));
    const ends = await Promise.all(
      [['check'], ['worker'], ['sync', '--wait']].map((args) => sluice(...args, '--config', file)),
    );
    for (const { code, out, err } of ends) {
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toBe(ends[0]!.err);
      expect(err).toMatch(/2 mistakes, nothing was started|3 mistakes, nothing was started/);
      expect(err).toContain('instance (line');
      expect(err).toContain('.every (line');
      expect(err).not.toContain('secret-of-the');
    }
  });

  it('that is not there says so', async () => {
    const { code, err } = await sluice('status', '--config', join(world.folder, 'no-such.yaml'));
    expect(code).toBe(2);
    expect(err).toContain('no-such.yaml');
    expect(err).not.toMatch(/^ {4}at /m);
  });
});

describe('a Temporal that does not answer', () => {
  it('ends each command with 1 and one line that names the address', async () => {
    const file = await world.site('nowhere', { temporalAddress: '127.0.0.1:9' });
    const ends = await Promise.all(['status', 'sync', 'worker'].map((command) => sluice(command, '--config', file)));
    for (const { code, out, err } of ends) {
      expect({ code, out }).toEqual({ code: 1, out: '' });
      const said = err
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('{')); // the worker's own log
      expect(said).toHaveLength(1);
      expect(said[0]).toContain('Temporal does not answer at 127.0.0.1:9');
    }
  });
});

describe('commands without Temporal', () => {
  it('keygen prints a key line that is a key, another each time', async () => {
    const [one, other] = await Promise.all([sluice('keygen'), sluice('keygen', '--key-version', '7')]);
    expect(parseKeyText('staging', one.out)[0]).toMatchObject({ version: 1 });
    expect(parseKeyText('staging', other.out)[0]).toMatchObject({ version: 7 });
    expect(one.out.split(':')[1]).not.toBe(other.out.split(':')[1]);
  });

  it('check prints the digest and the registration that the hub needs, the same in text and JSON', async () => {
    const file = await config('checked');
    const [text, json] = await Promise.all([
      sluice('check', '--config', file),
      run(process.execPath, [join(root, 'bin/sluice.js'), 'check', '--json'], { SLUICE_CONFIG: file }),
    ]);
    expect([text.code, json.code]).toEqual([0, 0]);
    const { instance, policyDigest, registration } = JSON.parse(json.out) as Record<string, any>;
    expect(instance).toBe('checked');
    expect(registration).toEqual({
      resourceType: 'AidboxInstance',
      id: 'checked',
      enabled: true,
      up: ['Patient', 'Encounter'],
      down: ['Organization'],
      policies: [policyDigest],
    });
    expect(text.out).toContain(policyDigest);
  });
});

describe('commands with Temporal', () => {
  it('schedule creates, updates and removes; JSON where it is asked for', async () => {
    const file = await config('scheduled');
    const created = await sluice('schedule', '--config', file, '--json');
    expect(JSON.parse(created.out)).toEqual({ created: ['sluice/scheduled/every-10s'], updated: [], removed: [] });
    const { schedule } = world.stage.client;
    await eventually('the Schedule in the list', async () => {
      for await (const { scheduleId } of schedule.list()) if (scheduleId.startsWith('sluice/scheduled/')) return true;
      return false;
    });
    expect(await sluice('schedule', '--config', file, '--remove')).toEqual({
      code: 0,
      out: 'removed sluice/scheduled/every-10s\n',
      err: '',
    });
  });

  it('an unknown type ends with 2, names those that are known, and starts nothing', async () => {
    const file = await config('unknown');
    const { code, err } = await sluice('sync', 'Patient', 'Observation', '--config', file);
    expect(code).toBe(2);
    expect(err).toContain('Observation is in no stream');
    expect(err).toContain('Patient, Encounter, Organization');
  });

  it('sync, status, pause, resume and resync of a stream that goes well end with 0', async () => {
    const script = new Script();
    const file = await config('well');
    await world.stage.site(
      script,
      async () => {
        const json = await sluice('sync', 'Patient', '--wait', '--json', '--config', file);
        expect({ code: json.code, err: json.err }).toEqual({ code: 0, err: '' });
        expect(JSON.parse(json.out)).toMatchObject([{ type: 'Patient', state: 'current', totals: { delivered: 342 } }]);
        const [status, statusJson] = await Promise.all([
          sluice('status', '--config', file),
          sluice('status', 'Patient', '--json', '--config', file),
        ]);
        expect(status).toMatchObject({ code: 0, err: '' });
        expect(status.out).toMatch(/^instance +direction +type +changes +committed/);
        expect(status.out).toMatch(/^well +up +Patient +342 +342 .* 0 s +current$/m);
        expect(JSON.parse(statusJson.out)).toHaveLength(1);
        const [asked, resumed] = await Promise.all([
          sluice('sync', 'Encounter', '--config', file),
          sluice('resume', 'Organization', '--config', file),
        ]);
        expect(asked).toEqual({ code: 0, out: 'asked 1 streams to look for changes\n', err: '' });
        expect(resumed).toEqual({ code: 0, out: 'no stream is open: nothing to do\n', err: '' });
        expect((await sluice('pause', 'Organization', '--config', file)).out).toBe('paused Organization\n');
        const paused = await sluice('sync', 'Organization', '--wait', '--config', file);
        expect(paused.code).toBe(1);
        expect(paused.out).toContain('paused');
        expect((await sluice('resume', 'Organization', '--config', file)).out).toBe('resumed Organization\n');
        const resynced = await sluice('resync', 'Patient', '--json', '--config', file);
        expect(JSON.parse(resynced.out)).toMatchObject([{ type: 'Patient', answer: { refused: [], epoch: 1 } }]);
        script.refusals.push(['fewer-at-source']);
        const refused = await sluice('resync', 'Patient', '--config', file);
        expect(refused).toMatchObject({ code: 1, err: '' });
        expect(refused.out).toContain('Patient: resync refused');
        expect(refused.out).toContain("The target held 4 of this site's resources, the source had 3.");
        expect((await sluice('status', 'Patient', '--config', file)).out).toContain('(fewer-at-source)');
        const meant = await sluice('resync', 'Patient', '--accept-fewer', '--config', file);
        expect(meant).toMatchObject({ code: 0, out: expect.stringContaining('Patient: resync begun.') });
        expect(script.resyncs.map(({ acceptFewer }) => acceptFewer)).toEqual([undefined, undefined, true]);
        expect((await sluice('status', 'Patient', '--config', file)).out).not.toContain('resync');
      },
      'well',
    );
  });

  it('sync --wait ends with 1 where a stream is denied, blocked or has quarantined resources, and says what to do', async () => {
    const cases = [
      { instance: 'denied', script: new Script(), says: 'Patient: denied: policy-not-approved.' },
      {
        instance: 'blocked',
        script: new Script().fails('commit', 'target-forbidden'),
        says: 'Add the AccessPolicy of docs/aidbox to the target. (target-forbidden)',
      },
      { instance: 'quarantine', script: new Script(), says: 'current' },
    ];
    cases[0]!.script.denied = 'policy-not-approved';
    cases[2]!.script.quarantined = 2;
    const play = async ({ instance, script, says }: (typeof cases)[number]): Promise<void> => {
      const file = await config(instance);
      await world.stage.site(
        script,
        async () => {
          const { code, out, err } = await sluice('sync', 'Patient', '--wait', '--config', file);
          expect({ code, err }).toEqual({ code: 1, err: '' });
          expect(out).toContain(says);
        },
        instance,
      );
    };
    await Promise.all(cases.map(play));
  });

  it('status without a worker says what is known, and ends', async () => {
    const { code, out } = await sluice('status', '--json', '--config', await config('asleep'));
    expect(code).toBe(0);
    expect((JSON.parse(out) as { state: string }[]).map(({ state }) => state)).toEqual(['idle', 'idle', 'idle']);
  });
});

const config = (instance: string): Promise<string> => world.site(instance);

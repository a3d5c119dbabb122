/** A site for the client and the command: a dev server, a configuration on disk, a hub double, a scripted worker. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeSite } from '../../dev/demo/site.ts';
import { SluiceClient } from '../../src/client.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import { Script } from '../workflows/support/script.ts';
import { Stage, testPayloadKey } from '../workflows/support/stage.ts';

export class World {
  readonly stage: Stage;
  readonly hub: Emulator;
  readonly folder: string;

  private constructor(stage: Stage, hub: Emulator, folder: string) {
    this.stage = stage;
    this.hub = hub;
    this.folder = folder;
  }

  static async open(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-client-'));
    const [stage, hub] = await Promise.all([Stage.dev(), startEmulator({ insecure: true, createdAtUrl: '' })]);
    return new World(stage, hub, folder);
  }

  async close(): Promise<void> {
    await this.stage.close();
    await this.hub.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Writes a site's `sluice.yaml`; returns its path. */
  site(
    instance: string,
    more: { upTypes?: string[]; downTypes?: string[]; every?: string; temporalAddress?: string } = {},
  ): Promise<string> {
    return writeSite({
      folder: join(this.folder, instance),
      instance,
      instanceUrl: 'http://127.0.0.1:9', // asked by the worker alone, and that is scripted
      hubUrl: this.hub.url,
      temporalAddress: this.stage.address,
      upTypes: ['Patient', 'Encounter'],
      downTypes: ['Organization'],
      policyFile: join(import.meta.dirname, '../../policies/demo.yaml'),
      payloadKeyLine: testPayloadKey,
      secrets: { instance: 'secret-of-the-instance', hub: 'secret-of-the-hub' },
      ...more,
    });
  }

  /** Runs a test with a site, a client of it, and a worker that does what the test scripts. */
  async withClient(instance: string, act: (site: ClientSite) => Promise<void>): Promise<void> {
    const file = await this.site(instance);
    const config = await loadConfig(file);
    const script = new Script();
    const client = await SluiceClient.connect(config);
    try {
      await this.stage.site(script, () => act({ client, config, file, script }), instance);
    } finally {
      await client.close();
    }
  }
}

export interface ClientSite {
  readonly client: SluiceClient;
  readonly config: Config;
  readonly file: string;
  readonly script: Script;
}

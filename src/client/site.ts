import type { Client } from '@temporalio/client';

/** The site that is called, and how long no worker of it may answer: one that is being restarted soon will. */
export interface SiteCalled {
  readonly client: Client;
  readonly instance: string;
  readonly patienceMs: number;
}

/** What a leaving shows: its status, and the details in Temporal's UI. */
import { setCurrentDetails } from '@temporalio/workflow';

import { needLines } from './face.ts';
import type { LeaveInput, LeaveNeed, LeavePhase, LeaveStatus } from './messages.ts';

export class LeaveFace {
  #status: LeaveStatus;

  constructor({ instance, data, carried }: LeaveInput) {
    const since = new Date().toISOString();
    this.#status = { instance, data, phase: 'stopping', since, deleted: carried?.deleted ?? {} };
  }

  get status(): LeaveStatus {
    return this.#status;
  }

  enter(phase: LeavePhase, type?: string): void {
    const { type: _type, need: _need, ...rest } = this.#status;
    const since = phase === rest.phase ? rest.since : new Date().toISOString();
    this.#show({ ...rest, phase, since, ...(type !== undefined && { type }) });
  }

  note(change: Partial<Pick<LeaveStatus, 'data' | 'deleted' | 'unnoted' | 'keys'>>): void {
    this.#show({ ...this.#status, ...change });
  }

  /** What a person has to do; `undefined` where that is over. */
  need(need: LeaveNeed | undefined): void {
    const { need: _before, ...rest } = this.#status;
    this.#show(need === undefined ? rest : { ...rest, need });
  }

  #show(status: LeaveStatus): void {
    this.#status = status;
    setCurrentDetails(leaveDetails(status));
  }
}

/** The status in Markdown. */
export function leaveDetails({ instance, data, phase, since, type, deleted, need }: LeaveStatus): string {
  const choice = data === 'delete' ? 'its data in the hub is deleted' : 'its data in the hub is kept';
  const of = type === undefined ? '' : ` ${type}`;
  const lines = [`**${instance}** leaves the hub, ${choice} · **${phase}**${of} since ${since}`];
  if (need !== undefined) lines.push(...needLines(need));
  const rows = Object.entries(deleted);
  if (rows.length > 0) {
    lines.push('', '| type | deleted |', '|---|---:|');
    for (const [name, count] of rows) lines.push(`| ${name} | ${String(count)} |`);
  }
  return lines.join('\n');
}

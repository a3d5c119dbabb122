import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { serializationFailure } from './commit.ts';
import type { Counters } from './counters.ts';
import type { FaultAction } from './faults.ts';
import type { ServerAnswer } from './handler.ts';
import { refusalAnswer } from './handler.ts';
import { send, withLength } from './respond.ts';

/** Does what a fault says in place of, before or after what was asked. */
export async function misbehave(
  counters: Counters,
  fault: FaultAction,
  run: () => Promise<ServerAnswer>,
  response: ServerResponse,
): Promise<void> {
  switch (fault.kind) {
    case 'answer': {
      if (fault.applied === true) await run();
      const body = typeof fault.body === 'object' ? JSON.stringify(fault.body) : (fault.body ?? '');
      await send(counters, response, {
        status: fault.status,
        headers: { 'content-type': 'application/json', ...fault.headers },
        body: [body],
      });
      return;
    }
    case 'conflict':
      await send(counters, response, refusalAnswer(serializationFailure()));
      return;
    case 'malformed':
      await send(counters, response, {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: ['{"resourceType":'],
      });
      return;
    case 'delay':
      await sleep(fault.delayMs);
      await send(counters, response, await run());
      return;
    case 'hang':
      if (fault.applied === true) await run();
      return;
    case 'refuse':
      response.destroy();
      return;
    case 'drop':
      await run();
      response.destroy();
      return;
    case 'truncate':
    case 'cut': {
      const answer = await run();
      const whole = Buffer.from([...answer.body].join(''));
      const half = whole.subarray(0, Math.floor(whole.length / 2));
      counters.countAnswer(answer.status);
      response.writeHead(answer.status, withLength(answer, fault.kind === 'cut' ? whole.length : half.length));
      if (fault.kind === 'truncate') response.end(half);
      else response.write(half, () => response.destroy());
    }
  }
}

/** Looks into a workflow's history as the server has it. */
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';

import { parseKeyring } from '../../../src/crypto/local-keyring.ts';
import { payloadCodec } from '../../../src/crypto/payload-codec.ts';
import { testPayloadKey } from './stage.ts';

type History = proto.temporal.api.history.v1.IHistory;
type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;
type Payload = proto.temporal.api.common.v1.IPayload;

const { EventType } = proto.temporal.api.enums.v1;
const HistoryProto = proto.temporal.api.history.v1.History;

export const eventsOf = async (handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<HistoryEvent[]> =>
  (await handle.fetchHistory()).events ?? [];

/** The name of an event, as `ACTIVITY_TASK_SCHEDULED`. */
export const nameOf = (event: HistoryEvent): string =>
  (EventType[event.eventType ?? 0] ?? '').replace('EVENT_TYPE_', '');

export const countOf = (events: readonly HistoryEvent[], name: string): number =>
  events.filter((event) => nameOf(event) === name).length;

/** Bytes of a history as protobuf, which is about what the server stores. */
export const bytesOf = (history: History | readonly HistoryEvent[]): number =>
  HistoryProto.encode('length' in history ? { events: [...history] } : history).finish().length;

/** What an encrypted payload says. */
export async function opened<Value>(payload: Payload | null | undefined): Promise<Value> {
  const [clear] = await payloadCodec(parseKeyring('payload', testPayloadKey)).decode([payload as never]);
  return defaultPayloadConverter.fromPayload<Value>(clear!);
}

/** Activities in the order of their scheduling: name and summary. */
export async function scheduled(events: readonly HistoryEvent[]): Promise<{ name: string; summary: string }[]> {
  return Promise.all(
    events
      .filter((event) => event.activityTaskScheduledEventAttributes != null)
      .map(async (event) => ({
        name: event.activityTaskScheduledEventAttributes!.activityType?.name ?? '',
        summary: await opened<string>(event.userMetadata?.summary),
      })),
  );
}

/** The values that the state's search attribute took by upserts, in order. */
export function upserts(events: readonly HistoryEvent[]): string[] {
  return events.flatMap((event) => {
    const fields = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
    const data = fields?.SluiceState?.data;
    return data == null ? [] : [JSON.parse(Buffer.from(data).toString()) as string];
  });
}

/** The seconds of the timers that the workflow set, in order. */
export const timers = (events: readonly HistoryEvent[]): number[] =>
  events.flatMap((event) => {
    const after = event.timerStartedEventAttributes?.startToFireTimeout;
    return after == null ? [] : [Number(after.seconds)];
  });

/** A history as a JSON text that `historyOf` reads again. */
export const textOf = (history: History): string => {
  const form = { bytes: String, longs: String, enums: String };
  return `${JSON.stringify(HistoryProto.toObject(HistoryProto.fromObject(history), form), undefined, 1)}\n`;
};

export const historyOf = (text: string): proto.temporal.api.history.v1.History =>
  HistoryProto.fromObject(JSON.parse(text) as Record<string, unknown>);

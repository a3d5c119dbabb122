/**
 * Trouble, sorted in one place. Each code is a constant: it becomes a failure's `type` in Temporal, where it is in
 * clear, so nothing of a request, an answer or a resource may ever stand in it. Pure.
 */

/**
 * - `transient`: try again, with backoff
 * - `operator`: a person has to mend something outside; the workflow stays open and says what
 * - `lost`: this attempt lost a race; its effect is nothing, the run reads the cursor anew
 * - `resync`: the stream's history no longer fits; only a resync helps
 * - `bug`: stop the stream and keep the evidence
 */
export type TroubleKind = 'transient' | 'operator' | 'lost' | 'resync' | 'bug';

interface Trouble {
  readonly kind: TroubleKind;
  /** What it means, for the operator. */
  readonly means: string;
  /** What mends it. */
  readonly cure: string;
}

const crowded =
  'It is tried again. If it stays, look at that server, or raise limits.requestsInFlightMax or limits.requestsPerSecondMax.';
const wait = 'Nothing to do: it is tried again. If it stays, look at that server.';

export const troubles = {
  'source-unreachable': { kind: 'transient', means: 'The source does not answer.', cure: wait },
  'target-unreachable': { kind: 'transient', means: 'The target does not answer.', cure: wait },
  'source-busy': { kind: 'transient', means: 'The source asks to be left alone for a while (429 or 503).', cure: wait },
  'target-busy': { kind: 'transient', means: 'The target asks to be left alone for a while (429 or 503).', cure: wait },
  'source-crowded': {
    kind: 'transient',
    means: 'A request to the source did not get its turn in time: those before it take long.',
    cure: crowded,
  },
  'target-crowded': {
    kind: 'transient',
    means: 'A request to the target did not get its turn in time: those before it take long.',
    cure: crowded,
  },
  'source-failing': { kind: 'transient', means: 'The source answers with an error of its own (5xx).', cure: wait },
  'target-failing': { kind: 'transient', means: 'The target answers with an error of its own (5xx).', cure: wait },
  'source-answer-malformed': {
    kind: 'transient',
    means: 'The source answers with something that is not the JSON it should be.',
    cure: 'It is tried again. If it stays, look at what stands between: a proxy, a login page.',
  },
  'target-answer-malformed': {
    kind: 'transient',
    means: 'The target answers with something that is not the JSON it should be.',
    cure: 'It is tried again. If it stays, look at what stands between: a proxy, a login page.',
  },
  'target-conflict': {
    kind: 'transient',
    means: 'The target reports serialization conflicts (412) again and again.',
    cure: wait,
  },
  'given-back': { kind: 'transient', means: 'The worker was stopped and gave its batch back.', cure: 'Nothing to do.' },
  'extra-step-failed': {
    kind: 'bug',
    means: 'An extra step threw, added a resource or changed an id.',
    cure: 'Mend the module that steps in sluice.yaml names, restart the worker, then `sluice retry`.',
  },
  'worker-thread-failed': {
    kind: 'transient',
    means: 'A worker thread died.',
    cure: 'It is tried again. If it stays, give the worker more memory.',
  },
  'source-untrusted': {
    kind: 'operator',
    means: "The source's TLS certificate is not trusted.",
    cure: 'Check its certificate and name; an authority of your own goes into caFile in sluice.yaml.',
  },
  'target-untrusted': {
    kind: 'operator',
    means: "The target's TLS certificate is not trusted.",
    cure: 'Check its certificate and name; an authority of your own goes into caFile in sluice.yaml.',
  },
  'source-unauthenticated': {
    kind: 'operator',
    means: 'The source refuses our credentials (401).',
    cure: 'Check servers.instance.auth (up) or servers.hub.auth (down) in sluice.yaml and the Client on that server.',
  },
  'target-unauthenticated': {
    kind: 'operator',
    means: 'The target refuses our credentials (401).',
    cure: 'Check servers.hub.auth (up) or servers.instance.auth (down) in sluice.yaml and the Client on that server.',
  },
  'source-forbidden': {
    kind: 'operator',
    means: 'The source forbids our Client to read this type (403).',
    cure: 'Add the AccessPolicy of docs/aidbox to the source.',
  },
  'target-forbidden': {
    kind: 'operator',
    means: 'The target forbids our Client to write (403).',
    cure: 'Add the AccessPolicy of docs/aidbox to the target.',
  },
  'listing-forbidden': {
    kind: 'operator',
    means: 'The target forbids our Client to list what this site has written there (403).',
    cure: 'Add the AccessPolicy target-list of docs/aidbox to the target.',
  },
  'source-lacks-route': {
    kind: 'operator',
    means: 'The source does not know this type or has no $changes (404).',
    cure: 'Check the address in sluice.yaml, and that the type exists there.',
  },
  'target-lacks-route': {
    kind: 'operator',
    means: 'The target does not know a route or the type ChangesInfo or AidboxInstance (404).',
    cure: 'Check the address in sluice.yaml; create the custom resources of docs/aidbox.',
  },
  'source-refuses': {
    kind: 'operator',
    means: 'The source refuses the request (another 4xx).',
    cure: "Look at the source's log at the time of this failure.",
  },
  'target-refuses': {
    kind: 'operator',
    means: 'The target refuses the request (another 4xx).',
    cure: "Look at the target's log at the time of this failure.",
  },
  'staging-full': {
    kind: 'operator',
    means: 'Staging is full.',
    cure: 'Make room in the staging folder or bucket, or raise limits.stagingBytesMax.',
  },
  'staging-unavailable': {
    kind: 'operator',
    means: 'Staging cannot be written or read.',
    cure: 'Check the staging folder and its permissions, or the server of the staging bucket and the way there.',
  },
  'staging-forbidden': {
    kind: 'operator',
    means: 'The server of the staging bucket refuses our credentials, or lets them do too little.',
    cure: "Check staging.s3 in sluice.yaml, the bucket's policy (docs/configuration.md) and the clocks.",
  },
  'staging-bucket-missing': {
    kind: 'operator',
    means: 'The staging bucket does not exist.',
    cure: 'Create it, or correct staging.s3 in sluice.yaml; what was staged there is fetched again.',
  },
  'staging-missing': { kind: 'lost', means: 'The staged batch is gone.', cure: 'Nothing to do: it is fetched again.' },
  'staging-corrupt': {
    kind: 'lost',
    means: 'The staged batch fails its authentication.',
    cure: 'It is fetched again. If it comes back, check the disk, and who can write to the staging folder or bucket.',
  },
  'state-unavailable': {
    kind: 'operator',
    means: "The site's state cannot be written or read.",
    cure: 'Check the state: the file, its disk and its permissions, or its database.',
  },
  'key-missing': {
    kind: 'operator',
    means: 'A key version that is needed is not in the keyring.',
    cure: 'Put the old key version back beside the new one.',
  },
  'parked-full': {
    kind: 'operator',
    means: 'Too many resources wait for a reference target.',
    cure: 'Start the streams they wait for, or raise limits.parkedCountMax.',
  },
  'stream-unknown': {
    kind: 'operator',
    means: "This stream is not in the worker's sluice.yaml.",
    cure: 'Add it there and restart the worker, or remove the Schedule.',
  },
  'parked-claimed': {
    kind: 'transient',
    means: 'Another stream is committing an older state of a parked resource.',
    cure: 'Nothing to do: it goes on when that is done.',
  },
  left: {
    kind: 'operator',
    means: 'This instance has left the hub, or is about to: nothing is read or sent.',
    cure: 'To come back: `sluice join`, then `sluice schedule`. Everything is read anew then (docs/leaving.md).',
  },
  'lost-race': { kind: 'lost', means: 'Another attempt was faster; this one had no effect.', cure: 'Nothing to do.' },
  'source-restored': {
    kind: 'resync',
    means:
      "The source's newest version of this type is below what was already read: it was restored from a backup, or the newest resource of the type was purged.",
    cure: 'Find out which: a restore shows in other types of that server, too. After either, make sure that the source is what you want, then `sluice resync`. If it was a purge for sure, and the type has been written to since, `sluice retry` goes on, and `sluice reconcile --repair` deletes the copy.',
  },
  'target-restored': {
    kind: 'resync',
    means: "The target's cursor is behind what this site committed: the target was restored from a backup.",
    cure: 'Make sure that the target is what you want, then `sluice resync`.',
  },
  'state-lost': {
    kind: 'resync',
    means: "The target's cursor knows more than the site's state: the state was lost, or two sites share a name.",
    cure: 'Restore the state, or `sluice resync`.',
  },
  'policy-changed': {
    kind: 'resync',
    means: 'The target holds output of another policy.',
    cure: 'Approve the new digest in AidboxInstance, then `sluice resync`.',
  },
  'breaker-open': {
    kind: 'bug',
    means: 'Too large a share of a batch would be quarantined: a mapping or the target is wrong.',
    cure: 'Look at `sluice status`, mend the cause, then `sluice retry`.',
  },
  'leftovers-many': {
    kind: 'bug',
    means: 'A resync, or a repair, would delete most of what this site has in the target.',
    cure: 'Make sure that the source holds all its data. `sluice retry` deletes what it no longer has; `sluice resync` reads it anew, `sluice reconcile --repair` compares anew.',
  },
  'fewer-at-source': {
    kind: 'operator',
    means:
      'The source has far fewer resources than the target holds of this site: most of them would be deleted in the end.',
    cure: 'Make sure that the source is the right one and holds all its data. Where it is meant so, `sluice resync --accept-fewer`.',
  },
  'too-many-rows': {
    kind: 'bug',
    means: 'One version holds more rows than a batch may.',
    cure: 'Raise limits.batchRowsMax and give the worker more memory.',
  },
  unexpected: {
    kind: 'bug',
    means: 'An error that nobody foresaw.',
    cure: 'Report it with the failure type and the step; it holds no data.',
  },
} as const satisfies Record<string, Trouble>;

export type TroubleCode = keyof typeof troubles;

export const isTroubleCode = (text: string | null | undefined): text is TroubleCode =>
  text !== null && text !== undefined && Object.hasOwn(troubles, text);

/** Which of the two servers of a stream a request went to. */
export type Side = 'source' | 'target';

/** The code of an HTTP status that stands for the whole request, not for a resource in it. */
export function troubleOfStatus(side: Side, status: number): TroubleCode {
  if (status === 401) return `${side}-unauthenticated`;
  if (status === 403) return `${side}-forbidden`;
  if (status === 404 || status === 405 || status === 410) return `${side}-lacks-route`;
  if (status === 429 || status === 503) return `${side}-busy`;
  if (status === 408 || status === 425 || status === 409 || status === 412) return `${side}-failing`;
  if (status >= 500) return `${side}-failing`;
  return `${side}-refuses`;
}

// Subscriptions that go on where they were. Each answer carries a cursor; when the line was cut, or the board is opened a second time, the
// subscription begins after the last one that was seen. So the cache never misses a change, and need not be read anew.
import type { ExecutionResult, SubscriptionForwarder, SubscriptionOperation } from '@urql/core';

import { socket } from './socket';

type Receiver = Parameters<ReturnType<SubscriptionForwarder>['subscribe']>[0];

/** The last cursor by what is followed. */
const places = new Map<string, string>();

interface Told {
  cursor?: string;
}

export function follow(operation: SubscriptionOperation, sink: Receiver): () => void {
  const { after, ...topic } = (operation.variables ?? {}) as { after?: string | null };
  const key = JSON.stringify([operation.query, topic]);
  if (after && !places.has(key)) places.set(key, after);

  // graphql-ws sends the variables again each time that it connects, so they are asked for the place when they are written.
  const variables = {
    ...topic,
    get after() {
      return places.get(key) ?? null;
    },
  };
  return socket.subscribe<Record<string, Told>>(
    { query: operation.query ?? '', variables },
    {
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
      next: (result) => {
        sink.next(result as ExecutionResult);
        const cursor = Object.values(result.data ?? {})[0]?.cursor;
        // Only once the cache has it: what it could not take must come again.
        if (cursor) places.set(key, cursor);
      },
    },
  );
}

// The one WebSocket of the page. It opens with the first subscription, and comes back by itself for as long as one is left.
import { createClient } from 'graphql-ws';

import { readLine, setLine } from './line';

const PING_INTERVAL_MS = 10_000;
/** A line that is cut without a word (a laptop that slept, a router that forgot) is only known by a ping that nobody answers. */
const PONG_TIMEOUT_MS = 4_000;
const LONGEST_WAIT_MS = 5_000;
const NORMAL_CLOSURE = 1000;

const address = new URL('/graphql/ws', location.href);
address.protocol = address.protocol.replace('http', 'ws');

let open: WebSocket | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;

export const socket = createClient({
  url: address.href,
  keepAlive: PING_INTERVAL_MS,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: waitBeforeRetry,
  on: {
    // While the line is cut, an attempt to open it again is no news.
    connecting: () => readLine() !== 'cut' && setLine('connecting'),
    connected: (connected) => {
      open = connected as WebSocket;
      setLine('live');
    },
    closed: (event) => {
      clearTimeout(silence);
      setLine((event as CloseEvent).code === NORMAL_CLOSURE ? 'idle' : 'cut');
    },
    ping: (isReceived) => {
      if (!isReceived) silence = setTimeout(() => open?.close(4408, 'no pong'), PONG_TIMEOUT_MS);
    },
    pong: (isReceived) => {
      if (isReceived) clearTimeout(silence);
    },
  },
});

/** Longer each time, and never the same for two pages, so that a server that starts again is not run over by all of them at once. */
async function waitBeforeRetry(retries: number) {
  const longest = Math.min(LONGEST_WAIT_MS, 250 * 2 ** retries);
  const wait = longest / 2 + (Math.random() * longest) / 2;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, wait);
    // The browser knows first that there is a network again.
    window.addEventListener('online', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

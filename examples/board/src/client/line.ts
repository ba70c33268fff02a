// What the page knows of its WebSocket: whether what it shows is up to date.
import { useSyncExternalStore } from 'react';

/** `idle` while nothing is followed, `cut` from the moment the line is lost until it is back. */
export type Line = 'idle' | 'connecting' | 'live' | 'cut';

let line: Line = 'idle';
const watchers = new Set<() => void>();

export function setLine(next: Line) {
  line = next;
  for (const tell of watchers) tell();
}

export function readLine(): Line {
  return line;
}

export function useLine(): Line {
  return useSyncExternalStore((tell) => {
    watchers.add(tell);
    return () => watchers.delete(tell);
  }, readLine);
}

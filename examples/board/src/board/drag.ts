// What a card carries while it is dragged. The version is the one that was seen when it was taken up: a change that comes while it hangs at the
// pointer is one that its mover has not seen.
import type { DragEvent } from 'react';

import type { CardFragment } from '../generated/graphql';
import type { Move } from './useMove';

const TYPE = 'application/x-throughline-card';

export function takeUp(event: DragEvent, { id, name, rowVersion, status }: CardFragment) {
  event.dataTransfer.setData(TYPE, JSON.stringify({ id, name, version: rowVersion, status } satisfies Move));
  event.dataTransfer.effectAllowed = 'move';
}

export function isCard(event: DragEvent): boolean {
  return event.dataTransfer.types.includes(TYPE);
}

/** The card as it was taken up; nothing where something else is dropped. */
export function dragged(event: DragEvent): Move | null {
  const text = event.dataTransfer.getData(TYPE);
  return text ? (JSON.parse(text) as Move) : null;
}

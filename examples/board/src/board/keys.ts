// Arrow keys walk from card to card; with Shift, left and right take the card along.
import type { KeyboardEvent } from 'react';

import type { CardFragment, FeatureStatus } from '../generated/graphql';
import type { ColumnContent } from './useColumns';

const STEPS: Record<string, [column: number, row: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function useCardKeys(columns: ColumnContent[], onMove: (card: CardFragment, status: FeatureStatus) => void) {
  return (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const target = event.target as HTMLElement;
    // In the list of statuses the arrows choose.
    if (!step || target.tagName === 'SELECT') return;
    const id = target.closest<HTMLElement>('[data-card]')?.dataset['card'];
    const x = columns.findIndex(({ cards }) => cards.some((card) => card.id === id));
    const y = columns[x]?.cards.findIndex((card) => card.id === id) ?? -1;
    const card = columns[x]?.cards[y];
    if (!card) return;
    event.preventDefault();
    if (event.shiftKey) {
      const status = columns[x + step[0]]?.status;
      if (status && status !== card.status) onMove(card, status);
      return;
    }
    const next = step[0] === 0 ? columns[x]?.cards[y + step[1]] : nearest(columns, x, y, step[0]);
    if (next) document.querySelector<HTMLElement>(`[data-card="${CSS.escape(next.id)}"] .open`)?.focus();
  };
}

/** The card at this height in the next column that has any. */
function nearest(columns: ColumnContent[], x: number, y: number, step: number): CardFragment | undefined {
  for (let other = x + step; columns[other]; other += step) {
    const { cards } = columns[other]!;
    if (cards.length > 0) return cards[Math.min(y, cards.length - 1)];
  }
  return undefined;
}

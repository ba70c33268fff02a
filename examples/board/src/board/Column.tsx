// The features of one status: a place to drop cards on.
import { useState, type DragEvent } from 'react';

import type { CardFragment, FeatureStatus } from '../generated/graphql';
import { Card } from './Card';
import { dragged, isCard } from './drag';
import { TITLES } from './statuses';
import type { ColumnContent } from './useColumns';
import type { Move } from './useMove';

interface Props {
  column: ColumnContent;
  total: number | undefined;
  selected: string | undefined;
  changed: string | null;
  saving: ReadonlySet<string>;
  troubled: string | undefined;
  onOpen: (id: string) => void;
  onMove: (card: CardFragment, status: FeatureStatus) => void;
  onDrop: (move: Move) => void;
}

export function Column({ column, total, selected, changed, saving, troubled, onOpen, onMove, onDrop }: Props) {
  const { status, cards, isLoading, loadMore } = column;
  const [isTarget, setIsTarget] = useState(false);
  const left = (total ?? 0) - cards.length;

  function drop(event: DragEvent) {
    setIsTarget(false);
    const card = dragged(event);
    if (!card) return;
    event.preventDefault();
    if (card.status !== status) onDrop({ ...card, status });
  }
  return (
    <section
      className={isTarget ? 'column target' : 'column'}
      data-status={status}
      aria-labelledby={`title-${status}`}
      onDragOver={(event) => isCard(event) && (event.preventDefault(), setIsTarget(true))}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setIsTarget(false)}
      onDrop={drop}
    >
      <h2 id={`title-${status}`}>
        <span className="dot" aria-hidden /> {TITLES[status]} <span className="number">{total ?? ''}</span>
      </h2>
      <ol>
        {cards.map((card) => (
          <Card
            key={card.id}
            card={card}
            isSelected={card.id === selected}
            hasChanged={card.id === changed}
            isSaving={saving.has(card.id)}
            isTroubled={card.id === troubled}
            onOpen={onOpen}
            onMove={onMove}
          />
        ))}
      </ol>
      {cards.length === 0 && <p className="empty">{isLoading ? 'Loading…' : 'Nothing here'}</p>}
      {loadMore && (
        <button type="button" className="more" disabled={isLoading} onClick={loadMore}>
          Show more{left > 0 && ` (${left} left)`}
        </button>
      )}
    </section>
  );
}

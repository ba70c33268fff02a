// A project's features by status, live.
import { useCallback, useEffect, useRef } from 'react';
import { useQuery } from 'urql';

import { COUNT_OF } from '../client/optimism';
import { Failure } from '../Failure';
import { BoardDocument, type CardFragment, type FeatureStatus } from '../generated/graphql';
import { Panel } from '../panel/Panel';
import { goTo } from '../route';
import { BoardHeader } from './BoardHeader';
import { Column } from './Column';
import { useCardKeys } from './keys';
import { LineNotice } from './LineNotice';
import { TroubleNotice } from './TroubleNotice';
import { useColumns } from './useColumns';
import { useLive } from './useLive';
import { useMove } from './useMove';

export function Board({ project, feature }: { project: string; feature: string | undefined }) {
  const [{ data, error }] = useQuery({ query: BoardDocument, variables: { project } });
  // First the place, then the columns, then what has changed since the place: a change that came before its column could be put nowhere.
  const { columns, isLoaded, error: columnError } = useColumns(project, data !== undefined);
  const place = data && isLoaded ? (data.changes.pageInfo.endCursor ?? null) : undefined;
  const { changed, error: liveError } = useLive(project, place);
  const { move, saving, trouble, forget } = useMove();

  // A card that was moved by key is another element in another column, and must not lose the focus.
  const moved = useRef<string | null>(null);
  const moveCard = useCallback(
    (card: CardFragment, status: FeatureStatus) => {
      moved.current = card.id;
      void move({ id: card.id, name: card.name, version: card.rowVersion, status });
    },
    [move],
  );
  useEffect(() => {
    if (moved.current && document.activeElement === document.body) focusCard(moved.current);
  });
  const onKeyDown = useCardKeys(columns, moveCard);

  const summary = data?.project?.featureSummary;
  const shown = columns.filter(({ status, cards }) => status !== 'CANCELLED' || cards.length > 0 || (summary?.cancelled ?? 0) > 0);
  if (data && !data.project) return <p className="failure" role="alert">There is no such project. <a href="#/">All projects</a></p>;
  return (
    <div className={feature ? 'board with-panel' : 'board'}>
      <BoardHeader project={data?.project} />
      <LineNotice error={liveError} />
      {(error ?? columnError) && <Failure error={(error ?? columnError)!} />}
      <main className="columns" onKeyDown={onKeyDown}>
        {shown.map((column) => (
          <Column
            key={column.status}
            column={column}
            total={summary?.[COUNT_OF[column.status]]}
            selected={feature}
            changed={changed}
            saving={saving}
            troubled={trouble?.move.id}
            onOpen={(id) => goTo({ project, feature: id })}
            onMove={moveCard}
            onDrop={move}
          />
        ))}
      </main>
      {feature && (
        <Panel key={feature} id={feature} isSaving={saving.has(feature)} onMove={moveCard} onClose={() => (goTo({ project }), focusCard(feature))} />
      )}
      {trouble && <TroubleNotice trouble={trouble} onRetry={move} onDismiss={forget} />}
    </div>
  );
}

function focusCard(id: string) {
  document.querySelector<HTMLElement>(`[data-card="${CSS.escape(id)}"] .open`)?.focus();
}

// One feature beside the board: what it is, and its tests, deployments and history.
import { useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';

import { StatusSelect } from '../board/StatusSelect';
import { Failure } from '../Failure';
import { FeatureDocument, type CardFragment, type FeatureStatus } from '../generated/graphql';
import { writeMoment } from '../words';
import { Deployments } from './Deployments';
import { History } from './History';
import { Tabs } from './Tabs';
import { Tests } from './Tests';

const LISTS = { Tests, Deployments, History };
type List = keyof typeof LISTS;

interface Props {
  id: string;
  isSaving: boolean;
  onMove: (card: CardFragment, status: FeatureStatus) => void;
  onClose: () => void;
}

export function Panel({ id, isSaving, onMove, onClose }: Props) {
  const [{ data, error }] = useQuery({ query: FeatureDocument, variables: { id } });
  const [list, setList] = useState<List>('Tests');
  const close = useRef<HTMLButtonElement>(null);
  // Who opens it by key goes on in it, and Escape leads back to the card.
  useEffect(() => close.current?.focus(), []);
  const feature = data?.feature;
  const Shown = LISTS[list];
  return (
    <aside className="panel" aria-label={feature?.name ?? 'Feature'} onKeyDown={({ key }) => key === 'Escape' && onClose()}>
      <header>
        <h2>{feature?.name ?? ' '}</h2>
        <button type="button" className="close" aria-label="Close" ref={close} onClick={onClose}>
          ×
        </button>
      </header>
      {error && <Failure error={error} />}
      {data && !feature && <p className="empty">There is no such feature any more.</p>}
      {feature && (
        <>
          <div className="panel-facts">
            <StatusSelect card={feature} isSaving={isSaving} onMove={onMove} />
            <span className="quiet">Priority {feature.priority} of 13</span>
          </div>
          {feature.description && <p className="description">{feature.description}</p>}
          <p className="quiet small">Last changed {writeMoment(feature.updatedAt)}</p>
          <Tabs names={Object.keys(LISTS) as List[]} chosen={list} onChoose={setList} />
          <div role="tabpanel" id="panel-list" aria-labelledby={`tab-${list}`}>
            <Shown id={id} />
          </div>
        </>
      )}
    </aside>
  );
}

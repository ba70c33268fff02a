// One feature on the board.
import { memo } from 'react';

import type { CardFragment, FeatureStatus } from '../generated/graphql';
import { count, nameOf } from '../words';
import { takeUp } from './drag';
import { StatusSelect } from './StatusSelect';

interface Props {
  card: CardFragment;
  isSelected: boolean;
  hasChanged: boolean;
  isSaving: boolean;
  isTroubled: boolean;
  onOpen: (id: string) => void;
  onMove: (card: CardFragment, status: FeatureStatus) => void;
}

export const Card = memo(function Card({ card, isSelected, hasChanged, isSaving, isTroubled, onOpen, onMove }: Props) {
  const flags = { selected: isSelected, changed: hasChanged, saving: isSaving, troubled: isTroubled };
  const classes = ['card', ...Object.entries(flags).flatMap(([name, isSet]) => (isSet ? [name] : []))];
  return (
    // While one move of it is on its way, a second one would expect a version that nobody knows yet.
    <li className={classes.join(' ')} data-card={card.id} draggable={!isSaving} aria-busy={isSaving} onDragStart={(event) => takeUp(event, card)}>
      <button type="button" className="open" aria-pressed={isSelected} onClick={() => onOpen(card.id)}>
        {card.name}
      </button>
      <div className="facts">
        <span className="priority" title={`Priority ${card.priority} of 13`}>
          P{card.priority}
        </span>
        <TestFacts summary={card.testSummary} />
        {card.deploymentStatus && (
          <span className={`deployment ${card.deploymentStatus}`} title={`Latest deployment: ${nameOf(card.deploymentStatus)}`}>
            {nameOf(card.deploymentStatus)}
          </span>
        )}
        <StatusSelect card={card} isSaving={isSaving} onMove={onMove} />
      </div>
    </li>
  );
});

function TestFacts({ summary: { total, passed, failed } }: { summary: CardFragment['testSummary'] }) {
  if (total === 0) return <span className="tests none">no tests</span>;
  return (
    <span className={failed > 0 ? 'tests failed' : 'tests'} title={`${count(total, 'test')}: ${passed} passed, ${failed} failed`}>
      {failed > 0 ? `${failed} failed` : `${passed}/${total} passed`}
    </span>
  );
}

// The status as a list to choose from: for keyboards, screen readers and fingers, which drag badly.
import type { CardFragment, FeatureStatus } from '../generated/graphql';
import { STATUSES, TITLES } from './statuses';

interface Props {
  card: CardFragment;
  isSaving: boolean;
  onMove: (card: CardFragment, status: FeatureStatus) => void;
}

export function StatusSelect({ card, isSaving, onMove }: Props) {
  return (
    <select
      className="status-select"
      aria-label={`Status of ${card.name}`}
      value={card.status}
      disabled={isSaving}
      onChange={(event) => onMove(card, event.target.value as FeatureStatus)}
    >
      {STATUSES.map((status) => (
        <option key={status} value={status}>
          {TITLES[status]}
        </option>
      ))}
    </select>
  );
}

// A move that did not happen: why, and what can be done about it.
import { TITLES } from './statuses';
import { ConflictingChanges } from './ConflictingChanges';
import type { Move, Trouble } from './useMove';

interface Props {
  trouble: Trouble;
  onRetry: (move: Move) => void;
  onDismiss: () => void;
}

export function TroubleNotice({ trouble, onRetry, onDismiss }: Props) {
  const { move } = trouble;
  const title = TITLES[move.status];
  return (
    <aside className={`trouble ${trouble.kind}`} role="alert" aria-label="The move was not made">
      {trouble.kind === 'conflict' && (
        <>
          <h2>Somebody else changed “{move.name}” first</h2>
          <p>
            You moved it to <em>{title}</em>. That was not saved, so that nothing is overwritten that you have not seen:
          </p>
          <ConflictingChanges id={move.id} conflict={trouble.conflict} />
        </>
      )}
      {trouble.kind === 'refused' && (
        <>
          <h2>
            “{move.name}” cannot go to {title}
          </h2>
          <p>{trouble.message}.</p>
        </>
      )}
      {trouble.kind === 'unanswered' && (
        <>
          <h2>The server did not answer</h2>
          <p>
            Whether “{move.name}” was moved to <em>{title}</em> is not known. Trying again is safe: it moves only what is still as you saw it.
          </p>
        </>
      )}
      <div className="actions">
        {trouble.kind === 'conflict' && (
          // What the reader has seen by now is the version that the conflict tells of.
          <button type="button" className="primary" onClick={() => onRetry({ ...move, version: trouble.conflict.currentVersion })}>
            Move it to {title} anyway
          </button>
        )}
        {trouble.kind === 'unanswered' && (
          <button type="button" className="primary" onClick={() => onRetry(move)}>
            Try again
          </button>
        )}
        <button type="button" onClick={onDismiss}>
          {trouble.kind === 'conflict' ? 'Leave it as it is' : 'Close'}
        </button>
      </div>
    </aside>
  );
}

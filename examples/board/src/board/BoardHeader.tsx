// The project's name, how far it is, and whether what is shown is live.
import { useLine, type Line } from '../client/line';
import type { BoardQuery } from '../generated/graphql';
import { Progress } from '../projects/Progress';

const WORDS: Record<Line, string> = { idle: 'Not followed', connecting: 'Connecting', live: 'Live', cut: 'Line cut' };

export function BoardHeader({ project }: { project: BoardQuery['project'] | undefined }) {
  const line = useLine();
  return (
    <header className="board-header">
      <a className="back" href="#/" aria-label="All projects">
        <span aria-hidden>←</span> Projects
      </a>
      <h1>{project?.name ?? ' '}</h1>
      {project && (
        <div className="tally">
          <Progress summary={project.featureSummary} />
          <span className="quiet">{Math.round(project.progress * 100)}% done</span>
        </div>
      )}
      <p className={`line ${line}`} role="status">
        {WORDS[line]}
      </p>
    </header>
  );
}

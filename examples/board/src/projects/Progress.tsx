// How a project's features stand, as one bar. It says nothing that the numbers beside it do not say, so it is hidden from screen readers.
import type { TallyFragment } from '../generated/graphql';

const SHOWN = ['completed', 'inProgress', 'blocked'] as const;

export function Progress({ summary }: { summary: TallyFragment['featureSummary'] }) {
  const wanted = summary.total - summary.cancelled;
  return (
    <div className="progress" aria-hidden>
      {SHOWN.map((name) => summary[name] > 0 && <span key={name} className={name} style={{ flexGrow: summary[name] }} />)}
      <span style={{ flexGrow: Math.max(0, wanted - SHOWN.reduce((sum, name) => sum + summary[name], 0)) }} />
    </div>
  );
}

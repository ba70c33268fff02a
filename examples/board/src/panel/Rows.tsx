// A list of the panel, with what stands around it: how many there are, more of them, and nothing.
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';

import { Failure } from '../Failure';

/** How many rows a list shows at first, and how many more each time. */
export const STEP = 20;

interface Props {
  list: { totalCount: number; nodes: unknown[]; pageInfo: { hasNextPage: boolean } } | undefined;
  error: CombinedError | undefined;
  nothing: string;
  onMore: () => void;
  children: ReactNode;
}

export function Rows({ list, error, nothing, onMore, children }: Props) {
  if (error) return <Failure error={error} />;
  if (!list) return <p className="empty">Loading…</p>;
  if (list.totalCount === 0) return <p className="empty">{nothing}</p>;
  return (
    <>
      <ul className="rows">{children}</ul>
      {list.pageInfo.hasNextPage && (
        <button type="button" className="more" onClick={onMore}>
          Show more ({list.totalCount - list.nodes.length} left)
        </button>
      )}
    </>
  );
}

// The cards of each column. A page is asked for by status; which column a card stands in is what the feature says of itself now, so that a
// move, one's own or somebody else's, needs no list to be changed.
import { useState } from 'react';
import { useQuery, type CombinedError } from 'urql';

import { ColumnDocument, type CardFragment, type FeatureStatus } from '../generated/graphql';
import { PAGE_SIZE, STATUSES } from './statuses';

export interface ColumnContent {
  status: FeatureStatus;
  cards: CardFragment[];
  isLoading: boolean;
  /** Loads the next page; nothing where there is none. */
  loadMore: (() => void) | undefined;
}

interface Columns {
  columns: ColumnContent[];
  /** Whether the first page of each column is there. */
  isLoaded: boolean;
  error: CombinedError | undefined;
}

export function useColumns(project: string, isReady: boolean): Columns {
  // One hook for each status, always the same ones in the same order.
  const pages = STATUSES.map((status) => usePages(project, status, isReady));
  const known = new Map(pages.flatMap(({ cards }) => cards).map((card) => [card.id, card]));
  const byStatus = Map.groupBy([...known.values()].sort(compareCards), (card) => card.status);
  const columns = pages.map(({ status, isLoading, loadMore }) => ({ status, isLoading, loadMore, cards: byStatus.get(status) ?? [] }));
  return { columns, isLoaded: pages.every(({ isLoaded }) => isLoaded), error: pages.find(({ error }) => error)?.error };
}

function usePages(project: string, status: FeatureStatus, isReady: boolean) {
  const [after, setAfter] = useState<string | null>(null);
  const variables = { project, status, first: PAGE_SIZE, ...(after && { after }) };
  const [{ data, fetching, error }] = useQuery({ query: ColumnDocument, variables, pause: !isReady });
  const { hasNextPage, endCursor } = data?.features.pageInfo ?? {};
  return {
    status,
    error,
    isLoading: fetching || !isReady,
    isLoaded: data !== undefined,
    cards: data?.features.edges.map(({ node }) => node) ?? [],
    loadMore: hasNextPage && endCursor ? () => setAfter(endCursor) : undefined,
  };
}

/** The order in which the server gives the pages. */
function compareCards(a: CardFragment, b: CardFragment): number {
  return b.priority - a.priority || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

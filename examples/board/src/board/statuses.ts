// The columns of the board, in the order in which work goes through them.
import type { FeatureStatus } from '../generated/graphql';

export const STATUSES = ['NOT_STARTED', 'IN_PROGRESS', 'BLOCKED', 'COMPLETED', 'CANCELLED'] as const satisfies readonly FeatureStatus[];

export const TITLES: Record<FeatureStatus, string> = {
  NOT_STARTED: 'Not started',
  IN_PROGRESS: 'In progress',
  BLOCKED: 'Blocked',
  COMPLETED: 'Completed',
  CANCELLED: 'Cancelled',
};

/** How many cards a column loads at once. */
export const PAGE_SIZE = 20;

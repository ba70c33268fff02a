// What a move looks like before the server has answered. The cache keeps this above all else until the answer is there, and forgets it then,
// whatever the answer is: nothing has to be taken back by hand.
import type { Cache } from '@urql/exchange-graphcache';

import { CardFragmentDoc, TallyFragmentDoc, type FeatureStatus, type FeatureSummary, type MutationChangeFeatureStatusArgs } from '../generated/graphql';

type Counted = Exclude<keyof FeatureSummary, '__typename' | 'total'>;

export const COUNT_OF: Record<FeatureStatus, Counted> = {
  NOT_STARTED: 'notStarted',
  IN_PROGRESS: 'inProgress',
  BLOCKED: 'blocked',
  COMPLETED: 'completed',
  CANCELLED: 'cancelled',
};

export function moveBeforeAnswer(args: Record<string, unknown>, cache: Cache) {
  const { id, status } = (args as MutationChangeFeatureStatusArgs).input;
  const feature = cache.readFragment(CardFragmentDoc, { __typename: 'Feature', id });
  const project = feature && cache.readFragment(TallyFragmentDoc, { __typename: 'Project', id: feature.project.id });
  if (!feature || !project) return null;
  const featureSummary = { ...project.featureSummary };
  featureSummary[COUNT_OF[feature.status]] -= 1;
  featureSummary[COUNT_OF[status]] += 1;
  return {
    __typename: 'FeaturePayload',
    feature: { ...feature, __typename: 'Feature', status, project: { ...project, __typename: 'Project', featureSummary } },
    userErrors: [],
  };
}

// What a subscription's answer does to the cache beyond the objects in it, which the cache takes by itself.
import type { Cache, UpdateResolver } from '@urql/exchange-graphcache';

import {
  ColumnDocument, type CardFragment, type ColumnQuery, type EvidenceChangedSubscription, type FeatureChangedSubscription, type FeatureStatus,
} from '../generated/graphql';
import { PAGE_SIZE, STATUSES } from '../board/statuses';

type Edge = ColumnQuery['features']['edges'][number];

export const takeFeatureChange: UpdateResolver = (answer, args, cache) => {
  const { featureId, feature } = (answer as unknown as FeatureChangedSubscription).featureChanged;
  const project = String(args['projectId']);
  if (feature) {
    showInSomeColumn(cache, project, feature);
  } else {
    hideFromColumns(cache, project, featureId);
    // Nobody said how many are left.
    cache.invalidate({ __typename: 'Project', id: project }, 'featureSummary');
  }
  forgetLists(cache, featureId, ['history']);
};

export const takeEvidenceChange: UpdateResolver = (answer, _args, cache) => {
  const { testCase, deployment } = (answer as unknown as EvidenceChangedSubscription).changes;
  if (testCase) forgetLists(cache, testCase.feature.id, ['tests']);
  if (deployment) forgetLists(cache, deployment.feature.id, ['deployments']);
};

/**
 * Puts a feature that the page has not loaded yet into the list of its status. One that it has loaded stays in its list, whatever its
 * status is now: the board sorts what it has by what the features say of themselves.
 */
function showInSomeColumn(cache: Cache, project: string, feature: CardFragment) {
  changeColumn(cache, project, feature.status, (edges) => {
    if (edges.some(({ node }) => node.id === feature.id)) return edges;
    return [...edges, { __typename: 'FeatureEdge', cursor: '', node: feature }];
  });
}

function hideFromColumns(cache: Cache, project: string, id: string) {
  for (const status of STATUSES) {
    changeColumn(cache, project, status, (edges) => edges.filter(({ node }) => node.id !== id));
  }
}

function changeColumn(cache: Cache, project: string, status: FeatureStatus, change: (edges: Edge[]) => Edge[]) {
  const variables = { project, status, first: PAGE_SIZE };
  cache.updateQuery({ query: ColumnDocument, variables }, (column) => {
    if (!column) return column;
    return { ...column, features: { ...column.features, edges: change(column.features.edges) } };
  });
}

/** Lets the lists of a feature be read anew by whoever shows them, and by nobody else. */
function forgetLists(cache: Cache, id: string, names: string[]) {
  const feature = { __typename: 'Feature', id };
  for (const { fieldName, arguments: args } of cache.inspectFields(feature)) {
    if (names.includes(fieldName)) cache.invalidate(feature, fieldName, args);
  }
}

// The normalized cache: each object once, by its id, wherever it came from. What it cannot know by itself is told to it here.
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

import { moveBeforeAnswer } from './optimism';
import { takeEvidenceChange, takeFeatureChange } from './changes';

/** Types without an id, which are parts of the object that they stand in. */
const PARTS = [
  'ConflictingChange', 'DeploymentConnection', 'EventConnection', 'EventField', 'FeatureChange', 'FeatureConnection', 'FeatureEdge',
  'FeaturePayload', 'FeatureSummary', 'FieldChange', 'PageInfo', 'ProjectConnection', 'ProjectEdge', 'TestCaseConnection', 'TestSummary',
  'UserError', 'VersionConflict',
];

export const cache = cacheExchange({
  keys: Object.fromEntries(PARTS.map((name) => [name, () => null])),
  resolvers: { Query: { features: relayPagination(), projects: relayPagination() } },
  updates: { Subscription: { featureChanged: takeFeatureChange, changes: takeEvidenceChange } },
  optimistic: { changeFeatureStatus: moveBeforeAnswer },
});

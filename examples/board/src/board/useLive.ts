// Follows a project from where its board was read, and says what changed last. The cache takes all of it by itself.
import { useState } from 'react';
import { useSubscription, type CombinedError } from 'urql';

import { EvidenceChangedDocument, FeatureChangedDocument } from '../generated/graphql';

/** `after` is undefined for as long as there is nothing yet to bring up to date, and null where nothing has ever happened. */
export function useLive(project: string, after: string | null | undefined): { changed: string | null; error: CombinedError | undefined } {
  // The first place is kept: another one would only end the subscription and begin it again.
  const [start, setStart] = useState(after);
  if (start === undefined && after !== undefined) setStart(after);
  const variables = { project, after: start ?? null };
  const pause = start === undefined;
  const [features] = useSubscription({ query: FeatureChangedDocument, variables, pause });
  const [evidence] = useSubscription({ query: EvidenceChangedDocument, variables, pause });
  return { changed: features.data?.featureChanged.featureId ?? null, error: features.error ?? evidence.error };
}

// The first page: which projects there are, and how far each of them is.
import { useState } from 'react';
import { useQuery } from 'urql';

import { Failure } from '../Failure';
import { ProjectsDocument, type ProjectsQuery } from '../generated/graphql';
import { addressOf } from '../route';
import { count } from '../words';
import { Progress } from './Progress';

const PAGE_SIZE = 24;

export function ProjectList() {
  const [after, setAfter] = useState<string | null>(null);
  // The board keeps the counts of its own project up to date; those of the others are asked for when the list is shown.
  const [{ data, error, fetching }] = useQuery({
    query: ProjectsDocument,
    variables: { first: PAGE_SIZE, after },
    requestPolicy: 'cache-and-network',
  });
  const { edges, pageInfo, totalCount } = data?.projects ?? { edges: [], pageInfo: null, totalCount: 0 };
  return (
    <main className="projects">
      <header>
        <h1>Projects</h1>
        {data && <p className="quiet">{count(totalCount, 'project')}</p>}
      </header>
      {error && <Failure error={error} />}
      <ul>{edges.map(({ node }) => <ProjectItem key={node.id} project={node} />)}</ul>
      {pageInfo?.hasNextPage && (
        <button type="button" className="more" disabled={fetching} onClick={() => setAfter(pageInfo.endCursor ?? null)}>
          Show more of {totalCount}
        </button>
      )}
    </main>
  );
}

function ProjectItem({ project }: { project: ProjectsQuery['projects']['edges'][number]['node'] }) {
  const { total, completed, inProgress } = project.featureSummary;
  return (
    <li>
      <a href={addressOf({ project: project.id })}>
        <h2>{project.name}</h2>
        <Progress summary={project.featureSummary} />
        <p className="quiet">
          {completed} of {count(total, 'feature')} done{inProgress > 0 && `, ${inProgress} in progress`}
        </p>
      </a>
    </li>
  );
}

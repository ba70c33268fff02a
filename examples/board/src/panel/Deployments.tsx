// Where a feature was brought to, the latest first.
import { useState } from 'react';
import { useQuery } from 'urql';

import { DeploymentsDocument } from '../generated/graphql';
import { nameOf, writeDay } from '../words';
import { Rows, STEP } from './Rows';

export function Deployments({ id }: { id: string }) {
  const [first, setFirst] = useState(STEP);
  const [{ data, error }] = useQuery({ query: DeploymentsDocument, variables: { id, first } });
  const list = data?.feature?.deployments;
  return (
    <Rows list={list} error={error} nothing="It was deployed nowhere." onMore={() => setFirst(first + STEP)}>
      {list?.nodes.map(({ id, environment, version, status, deployedAt }) => (
        <li key={id}>
          <span className="row-name">
            {environment} <span className="quiet">{version}</span>
          </span>
          {deployedAt && <time className="quiet" dateTime={deployedAt}>{writeDay(deployedAt)}</time>}
          <span className={`badge ${status}`}>{nameOf(status)}</span>
        </li>
      ))}
    </Rows>
  );
}

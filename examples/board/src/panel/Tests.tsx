// A feature's tests, those that failed first.
import { useState } from 'react';
import { useQuery } from 'urql';

import { TestsDocument } from '../generated/graphql';
import { nameOf } from '../words';
import { Rows, STEP } from './Rows';

export function Tests({ id }: { id: string }) {
  const [first, setFirst] = useState(STEP);
  const [{ data, error }] = useQuery({ query: TestsDocument, variables: { id, first } });
  const list = data?.feature?.tests;
  return (
    <Rows list={list} error={error} nothing="No tests are known." onMore={() => setFirst(first + STEP)}>
      {list?.nodes.map(({ id, name, status, durationMs, message }) => (
        <li key={id}>
          <span className="row-name code">{name}</span>
          {durationMs != null && <span className="quiet">{durationMs} ms</span>}
          <span className={`badge ${status}`}>{nameOf(status)}</span>
          {message && <p className="message">{message}</p>}
        </li>
      ))}
    </Rows>
  );
}

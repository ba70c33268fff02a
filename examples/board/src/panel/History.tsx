// All that happened to a feature, the latest first.
import { useState } from 'react';
import { useQuery } from 'urql';

import { HistoryDocument } from '../generated/graphql';
import { nameOfField, writeMoment, writeValue } from '../words';
import { Rows, STEP } from './Rows';

const DEEDS: Record<string, string> = {
  'feature.create': 'made it',
  'feature.update': 'changed it',
  'feature.change_status': 'moved it',
  'feature.delete': 'deleted it',
  'feature.restore': 'restored it',
};

export function History({ id }: { id: string }) {
  const [first, setFirst] = useState(STEP);
  const [{ data, error }] = useQuery({ query: HistoryDocument, variables: { id, first } });
  const list = data?.feature?.history;
  return (
    <Rows list={list} error={error} nothing="Nothing happened yet." onMore={() => setFirst(first + STEP)}>
      {list?.nodes.map(({ id, type, version, actorId, actorKind, createdAt, changes }) => (
        <li key={id} className="event">
          <span className="row-name">
            <strong>{actorId}</strong> <span className="quiet">({actorKind.toLowerCase()})</span> {DEEDS[type] ?? type}
          </span>
          <span className="quiet">v{version}</span>
          <time className="quiet small" dateTime={createdAt}>{writeMoment(createdAt)}</time>
          <dl>
            {changes
              // An id says nothing to a person.
              .filter(({ name }) => !name.endsWith('Id'))
              .map(({ name, value }) => (
                <div key={name}>
                  <dt>{nameOfField(name)}</dt>
                  <dd>{writeValue(value)}</dd>
                </div>
              ))}
          </dl>
        </li>
      ))}
    </Rows>
  );
}

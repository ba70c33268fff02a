// What the others did since the version that was expected: who and when, and each field from what to what.
import { useQuery } from 'urql';

import { DifferenceDocument } from '../generated/graphql';
import { nameOfField, writeMoment, writeValue } from '../words';
import type { Trouble } from './useMove';

type Conflict = Extract<Trouble, { kind: 'conflict' }>['conflict'];

export function ConflictingChanges({ id, conflict }: { id: string; conflict: Conflict }) {
  const { expectedVersion: from, currentVersion: to, changes } = conflict;
  const [{ data }] = useQuery({ query: DifferenceDocument, variables: { id, from, to } });
  return (
    <div className="conflicting">
      <ul className="who">
        {changes.map(({ version, fields, actorId, actorKind, at }) => (
          <li key={version}>
            <strong>{actorId}</strong> <span className="quiet">({actorKind})</span> changed {fields.map(nameOfField).join(', ')}
            <time dateTime={at}>{writeMoment(at)}</time>
          </li>
        ))}
      </ul>
      <dl>
        {data?.featureDiff.map(({ field, before, after }) => (
          <div key={field}>
            <dt>{nameOfField(field)}</dt>
            <dd>
              <del>{writeValue(before)}</del> <span aria-label="became">→</span> <ins>{writeValue(after)}</ins>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

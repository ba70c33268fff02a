// A question that was not answered.
import type { CombinedError } from 'urql';

export function Failure({ error }: { error: CombinedError }) {
  return (
    <p className="failure" role="alert">
      {error.networkError ? 'The server cannot be reached. Is it running?' : error.graphQLErrors.map(({ message }) => message).join('; ')}
    </p>
  );
}

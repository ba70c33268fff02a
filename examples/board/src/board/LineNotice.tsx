// Says when the page may be out of date. Whoever sees nothing here sees what there is.
import type { CombinedError } from 'urql';

import { useLine } from '../client/line';

export function LineNotice({ error }: { error: CombinedError | undefined }) {
  const line = useLine();
  if (line === 'cut') {
    return (
      <p className="line-notice" role="alert">
        <strong>The line to the server is cut.</strong> The board stands still until it is back; then it shows all that happened meanwhile.
      </p>
    );
  }
  if (error) {
    return (
      <p className="line-notice" role="alert">
        <strong>The board is no longer live:</strong> {error.message}. Load the page again to follow it.
      </p>
    );
  }
  return null;
}

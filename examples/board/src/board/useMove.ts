// Moving a card: shown at once, sent with the version that was seen, and told plainly where it did not work.
import { useCallback, useState } from 'react';
import { useMutation } from 'urql';

import { MoveDocument, type FeatureStatus, type MoveMutation } from '../generated/graphql';

type UserError = NonNullable<MoveMutation['changeFeatureStatus']>['userErrors'][number];

/** What is asked for: this feature, as it was when it had this version, shall have this status. */
export interface Move {
  id: string;
  name: string;
  version: number;
  status: FeatureStatus;
}

export type Trouble =
  | { kind: 'conflict'; move: Move; conflict: NonNullable<UserError['conflict']> }
  | { kind: 'refused'; move: Move; message: string }
  | { kind: 'unanswered'; move: Move };

export function useMove() {
  const [, send] = useMutation(MoveDocument);
  const [saving, setSaving] = useState<ReadonlySet<string>>(new Set());
  const [trouble, setTrouble] = useState<Trouble | null>(null);

  const move = useCallback(
    async (wanted: Move) => {
      setTrouble(null);
      setSaving((now) => new Set(now).add(wanted.id));
      const { id, version: expectedVersion, status } = wanted;
      const { data, error } = await send({ input: { id, expectedVersion, status } });
      setSaving((now) => new Set([...now].filter((other) => other !== id)));
      const mistake = data?.changeFeatureStatus?.userErrors[0];
      if (mistake?.conflict) setTrouble({ kind: 'conflict', move: wanted, conflict: mistake.conflict });
      else if (mistake) setTrouble({ kind: 'refused', move: wanted, message: mistake.message });
      else if (error?.networkError) setTrouble({ kind: 'unanswered', move: wanted });
      else if (error) setTrouble({ kind: 'refused', move: wanted, message: error.message });
    },
    [send],
  );
  return { move, saving, trouble, forget: () => setTrouble(null) };
}

// Who asks: what the server calls the person at the page, and the token that says so. The token is kept by the tab, and is gone with it.
import { useState } from 'react';

const KEY = `throughline:token:${location.pathname}`;

/** The headers that say who asks; none where no token was given. */
export function authorization() {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Who the server says that asks; null where it wants to be told first. */
export async function findViewer(url) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization() },
    body: JSON.stringify({ query: '{ viewer { name isLocalOwner } }' }),
  });
  if (response.status === 401) return null;
  return (await response.json()).data?.viewer ?? null;
}

function become(token) {
  if (token) sessionStorage.setItem(KEY, token);
  else sessionStorage.removeItem(KEY);
  // The schema and the examples are the caller's, too.
  location.reload();
}

/** Beside the logo: who you are, and how to be somebody else. */
export function Viewer({ viewer }) {
  const [isAsking, setAsking] = useState(viewer === null);
  if (isAsking) {
    const submit = (event) => {
      event.preventDefault();
      become(new FormData(event.currentTarget).get('token').trim());
    };
    const isWrong = viewer === null && 'Authorization' in authorization();
    return (
      <form className="viewer" onSubmit={submit}>
        <input name="token" type="password" placeholder="Access token" aria-label="Access token" autoComplete="off" autoFocus />
        <button type="submit">Use</button>
        {isWrong && <span role="alert">This token lets nobody in.</span>}
      </form>
    );
  }
  return (
    <span className="viewer">
      <span title={viewer.isLocalOwner ? 'Whoever sits at this machine may do everything.' : 'As the access token says.'}>
        You are <b>{viewer.name}</b>
      </span>
      <button type="button" onClick={() => setAsking(true)}>
        Use a token
      </button>
      {!viewer.isLocalOwner && (
        <button type="button" onClick={() => become(null)}>
          Forget it
        </button>
      )}
    </span>
  );
}

// Where the reader is: `#/project_…` or `#/project_…/feature_…`. In the address, so that a board or a feature can be sent to somebody.
import { useSyncExternalStore } from 'react';

export interface Route {
  project?: string;
  feature?: string;
}

const subscribe = (tell: () => void) => {
  window.addEventListener('hashchange', tell);
  return () => window.removeEventListener('hashchange', tell);
};

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const [, project, feature] = hash.split('/');
  return { ...(project && { project }), ...(feature && { feature }) };
}

export function addressOf({ project, feature }: Route): string {
  return `#/${[project, feature].filter(Boolean).join('/')}`;
}

export function goTo(route: Route) {
  location.hash = addressOf(route);
}

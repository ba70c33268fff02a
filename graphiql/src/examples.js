// What GraphiQL shows to whoever opens it for the first time. All of it answers on the data of `throughline serve --demo`.

const documents = import.meta.glob('./examples/*.graphql', { query: '?raw', import: 'default', eager: true });

/** The tabs, in the order of the files' names. */
export function exampleTabs({ featureId, projectId }) {
  const variables = {
    failing: { environment: 'chrome' },
    pages: { first: 10, after: null },
    search: { text: 'grid lay*' },
    'what-if': { id: featureId, priority: 8, dryRun: true },
    history: { id: featureId },
    anything: { id: featureId },
    changes: { after: null },
    'feature-changed': { projectId, after: null },
  };
  return Object.entries(documents).map(([path, query]) => {
    const [, name] = path.match(/\d-(.*)\.graphql$/);
    return { query, variables: variables[name] && JSON.stringify(variables[name], null, 2) };
  });
}

const IDS = '{ features(first: 1, orderBy: [{ field: NAME }]) { nodes { id project { id } } } }';

/** Ids of some feature and its project; empty where there is none, or whoever opened the page may not read one. */
export async function findExampleIds(url, headers) {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: IDS }),
    });
    const [feature] = (await answer.json()).data.features.nodes;
    return { featureId: feature.id, projectId: feature.project.id };
  } catch {
    return { featureId: '', projectId: '' };
  }
}

// Starts GraphiQL with queries to begin with. They answer on the data of `throughline serve --demo`.
'use strict';

// A line fits into half of a small screen.
const tabs = (featureId) => [
  {
    query: `# Welcome to Throughline. The pink button, or
# Ctrl-Enter, runs this; the other tabs hold more to
# try. Ctrl-Space completes a name, and the book on the
# left is the documentation.
#
# The first projects by name, with their features and
# a few tests of each. However many rows that is, the
# database is asked once for each level: a list is
# resolved as a list.
query FirstProjects {
  projects(first: 20, orderBy: [{ field: NAME }]) {
    totalCount
    nodes {
      id
      name
      featureCount
      progress
      features(first: 20, orderBy: [{ field: NAME }]) {
        nodes {
          name
          status
          project {
            name
          }
          tests(first: 5) {
            nodes {
              name
              status
            }
          }
        }
      }
    }
  }
}
`,
  },
  {
    query: `# What the tests of the most important features say.
# The summary counts all of a feature's tests, however
# few the list shows.
query TestResults {
  features(
    first: 5
    orderBy: [
      { field: PRIORITY, direction: DESC }
      { field: NAME }
    ]
  ) {
    nodes {
      id
      name
      priority
      testSummary {
        total
        passed
        failed
        pending
        skipped
      }
      tests(first: 10, orderBy: [{ field: STATUS }]) {
        totalCount
        nodes {
          name
          status
          durationMs
        }
      }
    }
  }
}
`,
  },
  {
    query: `# A long list, page by page. Copy the answer's
# endCursor into "after", under Variables at the foot
# of this pane, and run it again for the next page;
# "last" and "before" lead back.
#
# A cursor marks a place in the list, so that no row is
# shown twice or left out when others come and go.
query FeaturePages($first: Int, $after: String) {
  features(
    first: $first
    after: $after
    orderBy: [{ field: NAME }]
  ) {
    totalCount
    edges {
      cursor
      node {
        name
        status
        priority
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
`,
    variables: JSON.stringify({ first: 10, after: null }, null, 2),
  },
  {
    query: `# What is live since when: the latest deployment of
# each feature to one environment, and the status of
# its latest deployment to any. The environments of the
# demo are browsers: try firefox or safari.
query Deployments($environment: String!) {
  features(
    first: 20
    orderBy: [
      { field: PRIORITY, direction: DESC }
      { field: NAME }
    ]
  ) {
    nodes {
      name
      priority
      deploymentStatus
      latestDeployment(environment: $environment) {
        environment
        version
        status
        deployedAt
      }
    }
  }
}
`,
    variables: JSON.stringify({ environment: 'chrome' }, null, 2),
  },
  {
    query: `# An id tells what it names, and node(id:) finds
# anything by it. Put the id of a project or of a test
# from another tab in its place, under Variables.
query Anything($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Project {
      name
      featureCount
      progress
    }
    ... on Feature {
      ...FeatureCard
      description
    }
    ... on TestCase {
      name
      result: status
      feature {
        ...FeatureCard
      }
    }
  }
}

fragment FeatureCard on Feature {
  name
  status
  priority
  project {
    name
  }
}
`,
    variables: JSON.stringify({ id: featureId }, null, 2),
  },
];

// Some feature's id; nothing where there is none, or whoever opened the page may not read one.
async function findFeatureId() {
  try {
    const answer = await fetch(location.pathname, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ features(first: 1, orderBy: [{ field: NAME }]) { nodes { id } } }' }),
    });
    return (await answer.json()).data.features.nodes[0].id;
  } catch {
    return '';
  }
}

async function start() {
  const place = document.getElementById('graphiql');
  if (!window.GraphiQL || !window.ReactDOM) {
    place.firstElementChild.textContent =
      'GraphiQL could not be loaded from cdn.jsdelivr.net. GraphQL itself is here: send a POST with JSON to /graphql.';
    return;
  }
  const name = React.createElement('span', { className: 'name' }, 'Throughline');
  const graphiql = React.createElement(
    GraphiQL,
    { fetcher: GraphiQL.createFetcher({ url: location.pathname }), defaultTabs: tabs(await findFeatureId()) },
    React.createElement(GraphiQL.Logo, null, name),
  );
  ReactDOM.createRoot(place).render(graphiql);
}

start();

// Starts GraphiQL with queries to begin with. They answer on the data of `throughline serve --demo`.
'use strict';

const tabs = [
  {
    query: `# Welcome to Throughline. Run this with the button above the next pane, or Ctrl-Enter; the tabs hold
# more to try. Ctrl-Space completes a name, and the book on the left is the documentation.
#
# The first projects by name, each with its features and a few of their tests. However many rows that
# is, the server asks its database once for each level: a list is resolved as a list.
query FirstProjects {
  projects(first: 20, orderBy: [{ field: NAME, direction: ASC }]) {
    totalCount
    nodes {
      id
      name
      featureCount
      progress
      features(first: 20, orderBy: [{ field: NAME, direction: ASC }]) {
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
    query: `# What a feature's tests say. The summary counts all of them, however few the list shows.
query TestResults {
  features(first: 5, orderBy: [{ field: PRIORITY, direction: DESC }]) {
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
      tests(first: 10, orderBy: [{ field: NAME, direction: ASC }]) {
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
    query: `# A long list, page by page. Copy endCursor of the answer into "after", in the variables below, and run
# it again for the next page. A cursor marks a place in the list, so that no row is shown twice or left
# out when others come and go; for the way back there are "last" and "before".
query FeaturePages($first: Int = 10, $after: String) {
  features(first: $first, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {
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
    query: `# What is live, and since when: the latest deployment of each feature to one environment, and the
# status of its latest deployment anywhere. The demo's environments are browsers.
query Deployments($environment: String! = "chrome") {
  features(first: 20, orderBy: [{ field: PRIORITY, direction: DESC }, { field: NAME, direction: ASC }]) {
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
    query: `# Every id tells what it names, and node(id:) finds anything by it. Copy the id of a project, a feature
# or a test from another tab into "id" below.
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
    }
    ... on TestCase {
      name
      status
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
    variables: JSON.stringify({ id: '' }, null, 2),
  },
];

const place = document.getElementById('graphiql');
if (window.GraphiQL && window.ReactDOM) {
  const graphiql = React.createElement(
    GraphiQL,
    {
      fetcher: GraphiQL.createFetcher({ url: '/graphql' }),
      defaultTabs: tabs,
      defaultEditorToolsVisibility: 'variables',
    },
    React.createElement(GraphiQL.Logo, null, React.createElement('span', { className: 'name' }, 'Throughline')),
  );
  ReactDOM.createRoot(place).render(graphiql);
} else {
  place.firstElementChild.textContent =
    'GraphiQL could not be loaded from cdn.jsdelivr.net. GraphQL itself is here: send a POST with JSON to this address.';
}

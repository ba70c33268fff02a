// A component's data as Relay has it: fragments, a list that is paged and refetched by `node`, and mutations that change it.
declare function graphql(text: TemplateStringsArray): unknown;

export const query = graphql`
  query ProjectBoardQuery($id: ID!) {
    node(id: $id) {
      __typename
      ...ProjectBoard_project @alias(as: "project")
    }
  }
`;

export const project = graphql`
  fragment ProjectBoard_project on Project
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, after: { type: "String" })
  @refetchable(queryName: "ProjectBoardPageQuery") {
    id
    name
    features(first: $count, after: $after, orderBy: [{ field: PRIORITY, direction: DESC }])
    @connection(key: "ProjectBoard_features", filters: ["orderBy"]) {
      totalCount
      edges {
        node {
          id
          ...ProjectBoard_feature
        }
      }
    }
  }
`;

export const feature = graphql`
  fragment ProjectBoard_feature on Feature @refetchable(queryName: "ProjectBoardFeatureQuery") {
    name
    status
    rowVersion
    latestDeployment {
      version
      deployedAt
    }
  }
`;

export const found = graphql`
  query ProjectBoardSearchQuery($text: String!) {
    search(query: $text, first: 10) @connection(key: "ProjectBoard_search", filters: ["query"]) {
      edges {
        node {
          title
          item {
            __typename
            ... on Feature {
              ...ProjectBoard_feature @alias(as: "feature")
            }
            ... on Project {
              name
            }
          }
        }
      }
    }
  }
`;

export const createFeature = graphql`
  mutation ProjectBoardCreateMutation($input: CreateFeatureInput!, $connections: [ID!]!) {
    createFeature(input: $input) {
      feature @appendNode(connections: $connections, edgeTypeName: "FeatureEdge") {
        ...ProjectBoard_feature
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;

export const changeStatus = graphql`
  mutation ProjectBoardStatusMutation($input: ChangeFeatureStatusInput!, $key: String) {
    changeFeatureStatus(input: $input, idempotencyKey: $key) {
      feature {
        ...ProjectBoard_feature
      }
      userErrors {
        message
        conflict {
          currentVersion
        }
      }
    }
  }
`;

export const followed = graphql`
  subscription ProjectBoardSubscription($projectId: ID!, $after: String) {
    featureChanged(projectId: $projectId, after: $after) {
      cursor
      featureId
      feature {
        ...ProjectBoard_feature
      }
    }
  }
`;

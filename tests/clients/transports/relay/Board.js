// What a board asks, as relay-compiler reads it: it is not run itself, but what is generated of it. All names begin with the file's.
graphql`
  query BoardQuery($project: ID!) {
    project(id: $project) {
      name
      ...Board_project
    }
  }
`;

graphql`
  fragment Board_project on Project
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" })
  @refetchable(queryName: "BoardMoreQuery") {
    features(first: $count, after: $cursor, orderBy: [{ field: NAME }])
    @connection(key: "Board_features", filters: []) {
      edges {
        node {
          id
          name
          priority
          status
        }
      }
    }
  }
`;

graphql`
  mutation BoardCreateMutation($input: CreateFeatureInput!) {
    createFeature(input: $input) {
      feature {
        id
        name
        priority
        status
      }
      userErrors {
        code
        field
      }
    }
  }
`;

graphql`
  mutation BoardPriorityMutation($input: UpdateFeatureInput!) {
    updateFeature(input: $input) {
      feature {
        id
        priority
      }
      userErrors {
        code
        field
      }
    }
  }
`;

graphql`
  subscription BoardChangedSubscription($project: ID!, $after: String) {
    featureChanged(projectId: $project, after: $after) {
      cursor
      version
      feature {
        id
        name
        priority
        status
      }
    }
  }
`;

//! **The list of what is asked for**: every field of the schema, what it gives and what it takes. A field that is not here
//! is not generated; a test compares the list with the schema.
//!
//! A new field wants a line here, its resolver in `oracle/`, and nothing else; a new way to order a list, a word in
//! [`ORDERS`], a value of the enum in `oracle/inputs.rs` and what rows have there (`cell` and `kind` of the row's
//! `Listed`); arguments of a new form, a value of [`Takes`] and what `arguments.rs` makes of it.

/// A field.
pub(crate) struct Field {
    pub(crate) on: &'static str,
    pub(crate) name: &'static str,
    /// The type of what it gives; nothing for a leaf.
    pub(crate) gives: Option<&'static str>,
    pub(crate) takes: Takes,
    /// About how many objects it gives for each one.
    pub(crate) many: usize,
}

/// A field's arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    /// `id`, of this type.
    Id(&'static str),
    /// `id`, of any type.
    AnyId,
    /// `ids`, of any type.
    AnyIds,
    /// A page's, of a list of this type.
    Page(&'static str),
    /// `environment`.
    Environment,
    /// `groupBy`.
    Groups,
    /// `pages` of the lists of objects whose ids have this prefix, `first` and `orderBy`, of a list of this type.
    More(&'static str, &'static str),
    /// A search's.
    Search,
}

/// The types that stand for others.
pub(crate) const ABSTRACT: &[(&str, &[&str])] =
    &[("Node", &["Project", "Feature", "TestCase", "Deployment"]), ("SearchItem", &["Feature", "Project"])];

/// What lists of a type can be ordered by.
pub(crate) const ORDERS: &[(&str, &[&str])] = &[
    ("Project", &["NAME", "CREATED_AT", "UPDATED_AT"]),
    (
        "Feature",
        &[
            "NAME",
            "PRIORITY",
            "STATUS",
            "DEPLOYMENT_STATUS",
            "CREATED_AT",
            "UPDATED_AT",
            "TEST_COUNT",
            "FAILED_COUNT",
            "LATEST_DEPLOYED_AT",
        ],
    ),
    ("TestCase", &["NAME", "STATUS", "DURATION_MS", "CREATED_AT", "UPDATED_AT"]),
    ("Deployment", &["ENVIRONMENT", "VERSION", "STATUS", "DEPLOYED_AT", "CREATED_AT", "UPDATED_AT"]),
];

/// All of them.
pub(crate) fn fields() -> &'static [Field] {
    static FIELDS: std::sync::LazyLock<Vec<Field>> = std::sync::LazyLock::new(list);
    &FIELDS
}

fn list() -> Vec<Field> {
    let lists = [
        page("Query", "projects", "ProjectConnection", "Project", 6),
        page("Query", "features", "FeatureConnection", "Feature", 20),
        page("Project", "features", "FeatureConnection", "Feature", 6),
        page("Feature", "tests", "TestCaseConnection", "TestCase", 3),
        page("Feature", "deployments", "DeploymentConnection", "Deployment", 3),
    ];
    let objects = [
        field("Query", "project", Some("Project"), Takes::Id("project")),
        field("Query", "feature", Some("Feature"), Takes::Id("feature")),
        field("Query", "node", Some("Node"), Takes::AnyId),
        field("Query", "nodes", Some("Node"), Takes::AnyIds),
        Field { many: 3, ..field("Query", "featureCounts", Some("FeatureCount"), Takes::Groups) },
        more("moreProjectFeatures", "FeatureConnection", "project", "Feature"),
        more("moreFeatureTests", "TestCaseConnection", "feature", "TestCase"),
        more("moreFeatureDeployments", "DeploymentConnection", "feature", "Deployment"),
        Field { many: 4, ..field("Query", "search", Some("SearchConnection"), Takes::Search) },
        field("SearchResult", "item", Some("SearchItem"), Takes::Nothing),
        field("Project", "featureSummary", Some("FeatureSummary"), Takes::Nothing),
        field("Project", "testSummary", Some("TestSummary"), Takes::Nothing),
        Field { many: 3, ..field("Project", "featureCounts", Some("FeatureCount"), Takes::Groups) },
        field("Feature", "project", Some("Project"), Takes::Nothing),
        field("Feature", "testSummary", Some("TestSummary"), Takes::Nothing),
        Field {
            many: 2,
            ..field("Feature", "deploymentsByEnvironment", Some("EnvironmentDeployments"), Takes::Nothing)
        },
        field("Feature", "latestDeployment", Some("Deployment"), Takes::Environment),
        field("TestCase", "feature", Some("Feature"), Takes::Nothing),
        field("Deployment", "feature", Some("Feature"), Takes::Nothing),
    ];
    let leaves = [
        ("Project", "id name description featureCount progress rowVersion createdAt updatedAt"),
        (
            "Feature",
            "id name description confidentialNotes priority status deploymentStatus rowVersion createdAt updatedAt",
        ),
        ("FeatureSummary", "total notStarted inProgress blocked completed cancelled"),
        ("FeatureCount", "status priority deploymentStatus count"),
        ("EnvironmentDeployments", "environment count latestDeployedAt"),
        ("SearchResult", "rank title snippet"),
        ("TestSummary", "total passed failed pending skipped"),
        ("TestCase", "id name status durationMs message rowVersion createdAt updatedAt"),
        ("Deployment", "id environment version status deployedAt rowVersion createdAt updatedAt"),
        ("Node", "id"),
        ("PageInfo", "hasNextPage hasPreviousPage startCursor endCursor"),
    ];
    let leaves = leaves.into_iter().flat_map(|(on, names)| names.split(' ').map(move |name| leaf(on, name)));
    let connections = [
        ("Project", "ProjectConnection", "ProjectEdge"),
        ("Feature", "FeatureConnection", "FeatureEdge"),
        ("TestCase", "TestCaseConnection", "TestCaseEdge"),
        ("Deployment", "DeploymentConnection", "DeploymentEdge"),
        ("SearchResult", "SearchConnection", "SearchEdge"),
    ];
    let connections = connections.into_iter().flat_map(|(node, connection, edge)| {
        [
            field(connection, "edges", Some(edge), Takes::Nothing),
            field(connection, "nodes", Some(node), Takes::Nothing),
            leaf(connection, "totalCount"),
            field(connection, "pageInfo", Some("PageInfo"), Takes::Nothing),
            leaf(edge, "cursor"),
            field(edge, "node", Some(node), Takes::Nothing),
        ]
    });
    lists.into_iter().chain(objects).chain(leaves).chain(connections).collect()
}

fn leaf(on: &'static str, name: &'static str) -> Field {
    field(on, name, None, Takes::Nothing)
}

fn field(on: &'static str, name: &'static str, gives: Option<&'static str>, takes: Takes) -> Field {
    Field { on, name, gives, takes, many: 1 }
}

fn page(on: &'static str, name: &'static str, gives: &'static str, of: &'static str, many: usize) -> Field {
    Field { on, name, gives: Some(gives), takes: Takes::Page(of), many }
}

fn more(name: &'static str, gives: &'static str, parent: &'static str, of: &'static str) -> Field {
    Field { many: 6, ..field("Query", name, Some(gives), Takes::More(parent, of)) }
}

//! The four answers, written while the rows come in.
//!
//! **Invariant:** an answer is what Throughline answers to the document of the same name in `benches/queries`, byte for
//! byte. The flat rows of one statement, and the rows of one statement a level, are written by the same functions.

use crate::json::{self, Time};

/// A UUID's bytes.
pub type Key = [u8; 16];

/// The one row of `point`.
pub struct Point<'r> {
    /// The feature's id.
    pub id: Key,
    /// Its name.
    pub name: &'r str,
    /// Its description.
    pub description: Option<&'r str>,
    /// Its priority.
    pub priority: i32,
    /// Its status.
    pub status: &'r str,
    /// The project's id and name.
    pub project: (Key, &'r str),
}

/// Writes the answer of `point`.
#[must_use]
pub fn point(row: Option<&Point<'_>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"data\":{\"feature\":");
    if let Some(row) = row {
        out.extend_from_slice(b"{\"id\":");
        json::id("feature", row.id, &mut out);
        out.extend_from_slice(b",\"name\":");
        json::text(row.name, &mut out);
        out.extend_from_slice(b",\"description\":");
        json::optional_text(row.description, &mut out);
        out.extend_from_slice(b",\"priority\":");
        json::int(row.priority.into(), &mut out);
        out.extend_from_slice(b",\"status\":");
        json::word(row.status, &mut out);
        out.extend_from_slice(b",\"project\":{\"id\":");
        json::id("project", row.project.0, &mut out);
        out.extend_from_slice(b",\"name\":");
        json::text(row.project.1, &mut out);
        out.extend_from_slice(b"}}");
    } else {
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(b"}}");
    out
}

/// A feature of `nested`.
pub struct NestedFeature<'r> {
    /// Its id.
    pub id: Key,
    /// Its name.
    pub name: &'r str,
    /// Its priority.
    pub priority: i32,
    /// Its status.
    pub status: &'r str,
}

/// A deployment of `nested`.
pub struct NestedDeployment<'r> {
    /// Where to.
    pub environment: &'r str,
    /// What.
    pub version: &'r str,
    /// How far.
    pub status: &'r str,
    /// When.
    pub deployed_at: Option<Time<'r>>,
}

/// A test of `nested`.
pub struct NestedTest<'r> {
    /// Its id.
    pub id: Key,
    /// Its name.
    pub name: &'r str,
    /// Its status.
    pub status: &'r str,
    /// How long it ran.
    pub duration_ms: Option<i32>,
}

/// The answer of `nested`, while it is written.
pub struct Nested {
    out: Vec<u8>,
    items: Items,
}

/// Where in a list of lists the writer stands.
#[derive(Default)]
struct Items {
    features: usize,
    tests: usize,
}

impl Nested {
    /// Begins with the project.
    #[must_use]
    pub fn begin(id: Key, name: &str) -> Self {
        let mut out = Vec::with_capacity(48 * 1024);
        out.extend_from_slice(b"{\"data\":{\"project\":{\"id\":");
        json::id("project", id, &mut out);
        out.extend_from_slice(b",\"name\":");
        json::text(name, &mut out);
        out.extend_from_slice(b",\"features\":{\"nodes\":[");
        Self { out, items: Items::default() }
    }

    /// The answer where there is no project.
    #[must_use]
    pub fn nothing() -> Vec<u8> {
        b"{\"data\":{\"project\":null}}".to_vec()
    }

    /// The next feature, with its latest deployment.
    pub fn feature(&mut self, feature: &NestedFeature<'_>, deployment: Option<&NestedDeployment<'_>>) {
        let out = &mut self.out;
        out.extend_from_slice(if self.items.features == 0 { b"{\"id\":" } else { b"]}},{\"id\":" });
        json::id("feature", feature.id, out);
        out.extend_from_slice(b",\"name\":");
        json::text(feature.name, out);
        out.extend_from_slice(b",\"priority\":");
        json::int(feature.priority.into(), out);
        out.extend_from_slice(b",\"status\":");
        json::word(feature.status, out);
        out.extend_from_slice(b",\"latestDeployment\":");
        match deployment {
            Some(deployment) => {
                out.extend_from_slice(b"{\"environment\":");
                json::text(deployment.environment, out);
                out.extend_from_slice(b",\"version\":");
                json::text(deployment.version, out);
                out.extend_from_slice(b",\"status\":");
                json::word(deployment.status, out);
                out.extend_from_slice(b",\"deployedAt\":");
                match deployment.deployed_at {
                    Some(time) => json::time(time, out),
                    None => out.extend_from_slice(b"null"),
                }
                out.push(b'}');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"tests\":{\"nodes\":[");
        self.items.features += 1;
        self.items.tests = 0;
    }

    /// The next test of the feature.
    pub fn test(&mut self, test: &NestedTest<'_>) {
        let out = &mut self.out;
        out.extend_from_slice(if self.items.tests == 0 { b"{\"id\":" } else { b",{\"id\":" });
        json::id("test_case", test.id, out);
        out.extend_from_slice(b",\"name\":");
        json::text(test.name, out);
        out.extend_from_slice(b",\"status\":");
        json::word(test.status, out);
        out.extend_from_slice(b",\"durationMs\":");
        match test.duration_ms {
            Some(value) => json::int(value.into(), out),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
        self.items.tests += 1;
    }

    /// The whole answer.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(if self.items.features == 0 { b"]}}}}" } else { b"]}}]}}}}" });
        self.out
    }
}

/// The answer of `wide`, while it is written.
pub struct Wide {
    out: Vec<u8>,
    projects: usize,
    items: Items,
}

impl Wide {
    /// Begins the list.
    #[must_use]
    pub fn begin() -> Self {
        let mut out = Vec::with_capacity(256 * 1024);
        out.extend_from_slice(b"{\"data\":{\"projects\":{\"nodes\":[");
        Self { out, projects: 0, items: Items::default() }
    }

    /// The next project.
    pub fn project(&mut self, name: &str) {
        self.end_project();
        self.out.extend_from_slice(if self.projects == 0 { b"{\"name\":" } else { b",{\"name\":" });
        json::text(name, &mut self.out);
        self.out.extend_from_slice(b",\"features\":{\"nodes\":[");
        self.projects += 1;
        self.items = Items::default();
    }

    /// The next feature of the project.
    pub fn feature(&mut self, name: &str) {
        self.out.extend_from_slice(if self.items.features == 0 { b"{\"name\":" } else { b"]}},{\"name\":" });
        json::text(name, &mut self.out);
        self.out.extend_from_slice(b",\"tests\":{\"nodes\":[");
        self.items.features += 1;
        self.items.tests = 0;
    }

    /// The next test of the feature, and the name of the project that it leads back to.
    pub fn test(&mut self, name: &str, status: &str, project: &str) {
        let out = &mut self.out;
        out.extend_from_slice(if self.items.tests == 0 { b"{\"name\":" } else { b",{\"name\":" });
        json::text(name, out);
        out.extend_from_slice(b",\"status\":");
        json::word(status, out);
        out.extend_from_slice(b",\"feature\":{\"project\":{\"name\":");
        json::text(project, out);
        out.extend_from_slice(b"}}}");
        self.items.tests += 1;
    }

    /// The whole answer.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.end_project();
        self.out.extend_from_slice(b"]}}}");
        self.out
    }

    fn end_project(&mut self) {
        if self.items.features > 0 {
            self.out.extend_from_slice(b"]}}");
        }
        if self.projects > 0 {
            self.out.extend_from_slice(b"]}}");
        }
    }
}

/// A feature of `flat`.
pub struct FlatFeature<'r> {
    /// Its id.
    pub id: Key,
    /// Its name.
    pub name: &'r str,
    /// Its priority.
    pub priority: i32,
    /// Its status.
    pub status: &'r str,
    /// When it was made.
    pub created_at: Time<'r>,
    /// When it was last changed.
    pub updated_at: Time<'r>,
}

/// The answer of `flat`, while it is written.
pub struct Flat {
    out: Vec<u8>,
    features: usize,
}

impl Flat {
    /// Begins the list.
    #[must_use]
    pub fn begin() -> Self {
        let mut out = Vec::with_capacity(256 * 1024);
        out.extend_from_slice(b"{\"data\":{\"features\":{\"nodes\":[");
        Self { out, features: 0 }
    }

    /// The next feature.
    pub fn feature(&mut self, feature: &FlatFeature<'_>) {
        let out = &mut self.out;
        out.extend_from_slice(if self.features == 0 { b"{\"id\":" } else { b",{\"id\":" });
        json::id("feature", feature.id, out);
        out.extend_from_slice(b",\"name\":");
        json::text(feature.name, out);
        out.extend_from_slice(b",\"priority\":");
        json::int(feature.priority.into(), out);
        out.extend_from_slice(b",\"status\":");
        json::word(feature.status, out);
        out.extend_from_slice(b",\"createdAt\":");
        json::time(feature.created_at, out);
        out.extend_from_slice(b",\"updatedAt\":");
        json::time(feature.updated_at, out);
        out.push(b'}');
        self.features += 1;
    }

    /// The whole answer.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"]}}}");
        self.out
    }
}

//! Few rows, but nasty ones: ties in every order, nothing where nothing may be, names that differ by case, by accents or
//! beyond the basic plane, empty text, deleted features, features without children.

use chrono::{DateTime, Utc};
use entity::deployment::{self, DeploymentStatus};
use entity::feature::{self, FeatureStatus};
use entity::test_case::{self, TestStatus};
use entity::{project, test_case::Entity as TestCases};
use fastrand::Rng;
use sea_orm::{ConnectionTrait as _, EntityTrait, IntoActiveModel as _, Iterable};
use throughline::database::Database;
use throughline::read_model::recount;
use uuid::Uuid;

/// U+E000 sorts before U+1F980 by code point, and after it in UTF-16.
const NAMES: &[&str] = &[
    "a",
    "A",
    "á",
    "a\u{301}",
    "aa",
    "Z",
    "z",
    "ß",
    "ẞ",
    "İ",
    "ı",
    "\u{e000}",
    "🦀",
    "𝒳",
    " ",
    "%",
    "_",
    "\\",
    "'",
    "\"",
    "line\nbreak",
    "\u{7f}",
    "\u{2028}",
    "null",
    "0",
    "10",
    "9",
    "<b>&",
    "{}",
    "$name",
];

const TEXTS: &[Option<&str>] =
    &[None, Some(""), Some("a"), Some("A"), Some("naïve 🦀 \u{1}\t\"quoted\"\\"), Some("x y z")];

const TIMES: &[&str] = &[
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.5Z",
    "2026-01-02T03:04:05.000001Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-01-02T03:04:06Z",
];

const ENVIRONMENTS: &[&str] = &["production", "Production", "staging", "ß"];

struct Maker {
    rng: Rng,
    made: u128,
}

impl Maker {
    /// Ids sort otherwise than they are made in.
    fn id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(0x0198_f2c4_0000_7000_8000_0000_0000_0000 | u128::from(self.rng.u16(..)) << 16 | self.made)
    }

    fn time(&mut self) -> DateTime<Utc> {
        self.pick(TIMES).parse().unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn member<T: Iterable>(&mut self) -> T {
        let all: Vec<T> = T::iter().collect();
        let place = self.rng.usize(..all.len());
        all.into_iter().nth(place).unwrap()
    }

    fn project(&mut self, name: &str) -> project::Model {
        project::Model {
            id: self.id(),
            name: name.to_owned(),
            description: self.pick(TEXTS).map(str::to_owned),
            row_version: self.rng.i32(1..=3),
            created_at: self.time(),
            updated_at: self.time(),
        }
    }

    fn feature(&mut self, project: Uuid, name: &str) -> feature::Model {
        feature::Model {
            id: self.id(),
            project_id: project,
            name: name.to_owned(),
            description: self.pick(TEXTS).map(str::to_owned),
            priority: self.pick(&[1, 5, 13]),
            status: self.member::<FeatureStatus>(),
            deleted_at: (self.rng.u8(..8) == 0).then(|| self.time()),
            row_version: self.rng.i32(1..=3),
            created_at: self.time(),
            updated_at: self.time(),
            confidential_notes: None,
        }
    }

    fn test(&mut self, feature: Uuid, name: &str) -> test_case::Model {
        test_case::Model {
            id: self.id(),
            feature_id: feature,
            name: name.to_owned(),
            status: self.member::<TestStatus>(),
            duration_ms: self.pick(&[None, None, Some(0), Some(1), Some(i32::MAX)]),
            message: self.pick(TEXTS).map(str::to_owned),
            row_version: self.rng.i32(1..=3),
            created_at: self.time(),
            updated_at: self.time(),
        }
    }

    fn deployment(&mut self, feature: Uuid) -> deployment::Model {
        deployment::Model {
            id: self.id(),
            feature_id: feature,
            environment: self.pick(ENVIRONMENTS).to_owned(),
            version: self.pick(NAMES).to_owned(),
            status: self.member::<DeploymentStatus>(),
            deployed_at: self.rng.bool().then(|| self.time()),
            row_version: self.rng.i32(1..=3),
            created_at: self.time(),
            updated_at: self.time(),
        }
    }
}

/// Fills a database whose tables are empty; always with the same rows.
pub(crate) async fn fill(database: &Database) {
    let mut maker = Maker { rng: Rng::with_seed(8), made: 0 };
    let projects: Vec<_> = ["a", "A", "🦀", "\u{e000}", " ", "gone", "none"].map(|name| maker.project(name)).into();
    let (mut features, mut tests, mut deployments) = (Vec::new(), Vec::new(), Vec::new());
    // The last project has no features, the one before it deleted ones only, and one before that only cancelled ones that
    // are not deleted.
    for (project, count) in projects.iter().zip([13, 9, 7, 6, 5, 2, 0]) {
        let start = maker.rng.usize(..NAMES.len());
        for name in NAMES.iter().cycle().skip(start).take(count) {
            let mut feature = maker.feature(project.id, name);
            if count == 5 {
                feature.status = FeatureStatus::Cancelled;
                feature.deleted_at = maker.rng.bool().then(|| maker.time());
            }
            if count == 2 {
                feature.deleted_at = Some(maker.time());
            }
            let (test_count, start) = (maker.pick(&[0, 0, 1, 2, 4, 6]), maker.rng.usize(..NAMES.len()));
            tests.extend(NAMES.iter().cycle().skip(start).take(test_count).map(|name| maker.test(feature.id, name)));
            let deployment_count = maker.pick(&[0, 0, 1, 3, 5]);
            deployments.extend((0..deployment_count).map(|_| maker.deployment(feature.id)));
            features.push(feature);
        }
    }
    let all: Vec<_> = features.iter().map(|feature| feature.id).collect();

    let connection = database.writer();
    let rows = projects.into_iter().map(project::Model::into_active_model);
    project::Entity::insert_many(rows).exec_without_returning(connection).await.unwrap();
    let rows = features.into_iter().map(feature::Model::into_active_model);
    feature::Entity::insert_many(rows).exec_without_returning(connection).await.unwrap();
    let rows = tests.into_iter().map(test_case::Model::into_active_model);
    TestCases::insert_many(rows).exec_without_returning(connection).await.unwrap();
    let rows = deployments.into_iter().map(deployment::Model::into_active_model);
    deployment::Entity::insert_many(rows).exec_without_returning(connection).await.unwrap();
    connection.execute_raw(recount(database.backend(), &all)).await.unwrap();
}

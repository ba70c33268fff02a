//! The rows of a new feature: the same that Throughline writes, its event chained, its audit row told field by field.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limit::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A feature to be made, with all that is written for it.
pub(crate) struct NewFeature<'n> {
    pub(crate) id: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) audit_id: Uuid,
    pub(crate) project: Uuid,
    pub(crate) name: &'n str,
    pub(crate) payload: String,
    pub(crate) changes: String,
    pub(crate) request_id: String,
    pub(crate) at: SystemTime,
    pub(crate) hash: Vec<u8>,
}

impl<'n> NewFeature<'n> {
    pub(crate) fn new(project: Uuid, name: &'n str) -> Self {
        let (id, event_id, audit_id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let mut project_id = Vec::new();
        json::id("project", project.into_bytes(), &mut project_id);
        let project_id = String::from_utf8_lossy(&project_id);
        // The id has its quotes already; the name, which the measuring program makes up, needs none escaped.
        let payload = format!(r#"{{"name":"{name}","priority":5,"projectId":{project_id},"status":"NOT_STARTED"}}"#);
        let changes = format!(
            r#"[{{"field":"projectId","before":null,"after":{project_id}}},{{"field":"name","before":null,"after":"{name}"}},{{"field":"priority","before":null,"after":5}},{{"field":"status","before":null,"after":"NOT_STARTED"}}]"#
        );
        let request_id = Uuid::now_v7().to_string();
        // Microseconds, and never whole milliseconds, whose zeros SQLite's tables would refuse.
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX) | 1;
        let at = UNIX_EPOCH + Duration::from_micros(micros);
        let mut feature =
            Self { id, event_id, audit_id, project, name, payload, changes, request_id, at, hash: Vec::new() };
        feature.hash = feature.hash_event();
        feature
    }

    /// When it is made, in microseconds since 1970.
    pub(crate) fn micros(&self) -> i64 {
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn hash_event(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        hasher.update([0; 32]);
        let micros = self.micros().to_string();
        let parts: [&[u8]; 10] = [
            self.event_id.as_bytes(),
            self.id.as_bytes(),
            b"feature",
            b"1",
            b"feature.create",
            self.payload.as_bytes(),
            b"local-owner",
            b"person",
            self.request_id.as_bytes(),
            micros.as_bytes(),
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }

    /// What ours answers to `createFeature { feature { id name } userErrors { code } }`.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let mut answer = br#"{"data":{"createFeature":{"feature":{"id":"#.to_vec();
        json::id("feature", self.id.into_bytes(), &mut answer);
        answer.extend_from_slice(br#","name":"#);
        json::text(self.name, &mut answer);
        answer.extend_from_slice(br#"},"userErrors":[]}}}"#);
        answer
    }
}

//! The full-text index of the features follows the table, whatever is done to it.

use sea_orm::ConnectionTrait;

use crate::support::{Backend, Rows, TestDatabase};

on_both!(the_index_follows_the_features);

async fn the_index_follows_the_features(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let rows = Rows::of(&test.database);
    rows.add_project().await;
    rows.add_feature(10, "Grid layout", "Rows and columns").await;
    rows.add_feature(11, "Subgrid", "A grid in a grid").await;
    rows.run(
        "INSERT INTO features (id, project_id, name, priority, created_at, updated_at) \
         VALUES (@12, @1, 'Undescribed', 1, @now, @now)",
    )
    .await
    .unwrap();
    let index = Index { rows: &rows, backend };
    index.finds(&[("grid", 2), ("columns", 1), ("undescribed", 1), ("null", 0)]).await;

    rows.run("UPDATE features SET description = 'Now it speaks of boxes' WHERE id = @10").await.unwrap();
    index.finds(&[("columns", 0), ("boxes", 1), ("grid", 2)]).await;
    rows.run("UPDATE features SET name = 'Flow layout', description = NULL WHERE id = @10").await.unwrap();
    index.finds(&[("boxes", 0), ("flow", 1), ("grid", 1)]).await;
    rows.run("UPDATE features SET priority = 3, status = 'blocked'").await.unwrap();
    index.finds(&[("flow", 1), ("grid", 1)]).await;

    rows.run("DELETE FROM features WHERE id = @11").await.unwrap();
    index.finds(&[("grid", 0), ("flow", 1)]).await;
    rows.add_feature(13, "Container queries", "").await;
    test.database.writer().execute_unprepared("VACUUM").await.unwrap();
    index.finds(&[("flow", 1), ("container", 1), ("undescribed", 1)]).await;
    rows.run("UPDATE features SET name = 'Style queries' WHERE id = @13").await.unwrap();
    index.finds(&[("container", 0), ("style", 1)]).await;

    rows.run("DELETE FROM projects WHERE id = @1").await.unwrap();
    index.finds(&[("flow", 0), ("style", 0), ("undescribed", 0)]).await;
    if backend == Backend::Sqlite {
        assert_eq!(rows.count("SELECT count(*) FROM features_text_rows").await, 0);
    }
}

struct Index<'a> {
    rows: &'a Rows<'a>,
    backend: Backend,
}

impl Index<'_> {
    /// Each word is found in so many features.
    async fn finds(&self, expected: &[(&str, i64)]) {
        for (word, count) in expected {
            let sql = match self.backend {
                Backend::Sqlite => format!("SELECT count(*) FROM features_text('{word}')"),
                Backend::Postgres => format!(
                    "SELECT count(*) FROM features WHERE to_tsvector('simple', name || ' ' || coalesce(description, '')) \
                     @@ to_tsquery('simple', '{word}')"
                ),
            };
            assert_eq!(self.rows.count(&sql).await, *count, "{word}");
        }
        if self.backend == Backend::Sqlite {
            // With rank 1 the index is compared with the text that it was made from.
            let check = "INSERT INTO features_text (features_text, rank) VALUES ('integrity-check', 1)";
            self.rows.run(check).await.unwrap();
        }
    }
}

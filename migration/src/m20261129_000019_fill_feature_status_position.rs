//! The second step: rows from before get their position, and lists can be ordered by it.

use crate::online::{Fill, OnlineMigration, Piece};
use crate::sql::Sql;

pub(crate) const MIGRATION: OnlineMigration =
    OnlineMigration { name: "m20261129_000019_fill_feature_status_position", up: UP, down: DOWN };

const UP: &[Piece] = &[
    Piece::Fill(Fill {
        table: "features",
        missing: "status_position IS NULL",
        set: "status_position = feature_status_position(status)",
    }),
    // Reads all rows, while others write.
    Piece::Run(Sql::Postgres("ALTER TABLE features VALIDATE CONSTRAINT features_status_position_known")),
    // What the planner knows of the column: that nothing is in it. Of a table that was never looked at it expects some pages, and so
    // takes its index; of one that was seen empty it does not, and who checks foreign keys keeps such a plan for all that comes.
    Piece::Run(Sql::Postgres(
        "DO $$ BEGIN
            IF EXISTS (SELECT 1 FROM features) THEN
                ANALYZE features (status_position);
            END IF;
        END $$",
    )),
    // `features(orderBy: STATUS)`, and the same inside one project.
    Piece::CreateIndex {
        name: "features_by_status_position",
        on: "features (status_position, id) WHERE deleted_at IS NULL",
    },
    Piece::CreateIndex {
        name: "features_of_project_by_status_position",
        on: "features (project_id, status_position, id) WHERE deleted_at IS NULL",
    },
];

const DOWN: &[Piece] = &[
    Piece::DropIndex { name: "features_of_project_by_status_position" },
    Piece::DropIndex { name: "features_by_status_position" },
];

//! The last step: the order that only servers of the version before list by goes.

use crate::online::{OnlineMigration, Piece};

pub(crate) const MIGRATION: OnlineMigration =
    OnlineMigration { name: "m20261129_000020_drop_features_by_status", up: UP, down: DOWN };

const UP: &[Piece] = &[Piece::DropIndex { name: "features_by_status" }];

const DOWN: &[Piece] =
    &[Piece::CreateIndex { name: "features_by_status", on: "features (status, id) WHERE deleted_at IS NULL" }];

//! What clients can let happen to test cases.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use uuid::Uuid;

use super::drafts::TestDraft;
use super::graphql::{TestCase, TestStatus};
use super::rules::{DurationMs, TestValues};
use super::runs::RecordTestRun;
use super::writes::{CreateTestCase, DeleteTestCase, UpdateTestCase};
use crate::batch::One;
use crate::graphql::mutation::{BulkMode, Checks, Mutation, ParseChange, UserError, bulk, mutations, payload};
use crate::write_transaction::items::{Changes, Place};
use crate::write_transaction::upsert::Owner;

mutations! {
    TestCaseMutations {
        /// Makes a test case. Its name must be new in the feature.
        create_test_case(CreateTestCaseInput) -> TestCasePayload;

        /// Changes what a test case and its latest run say. What is left out is left alone, and null clears a duration or a message.
        update_test_case(UpdateTestCaseInput) -> TestCasePayload;

        /// Deletes a test case, for good. Its events and audit stay.
        delete_test_case(DeleteTestCaseInput) -> TestCasePayload;

        /// Records what up to 10,000 tests came to, as a CI job tells it: by the feature and the test's name. Tests that are not there
        /// are made; of the others, result, duration and message are replaced. A result that says what is known already changes
        /// nothing.
        record_test_runs(RecordTestRunsInput) -> TestRunsPayload;
    }
}

payload! {
    /// What became of a mutation of one test case.
    TestCasePayload {
        /// The test case as it is now: null where it was deleted, or nothing was written. Where another version was expected, the
        /// test case as it is.
        test_case: TestCase
    }
}

payload! {
    /// What became of the results of tests.
    TestRunsPayload with {
        /// What became of each result, in the input's order.
        async fn results(&self) -> Vec<TestRunResult> {
            let items = self.0.items().into_iter().enumerate();
            let items = items.map(|(number, (test_case, user_errors))| {
                TestRunResult { test_case, version: self.0.version(number), user_errors }
            });
            items.collect()
        }

        /// How many tests were made.
        async fn created(&self) -> usize {
            self.0.created()
        }

        /// How many tests were there and say something else now.
        async fn updated(&self) -> usize {
            self.0.changed()
        }

        /// How many tests said the same already.
        async fn unchanged(&self) -> usize {
            self.0.carried_out() - self.0.created() - self.0.changed()
        }
    }
}

/// What became of one of many results.
#[derive(SimpleObject)]
pub(crate) struct TestRunResult {
    /// The test case as it is now; null where this result was not recorded.
    test_case: Option<One<TestCase>>,
    /// The version that the test case had when the command was done, to expect in the next one; null where this result was not
    /// recorded.
    version: Option<i32>,
    /// What is wrong with this result.
    user_errors: Vec<UserError>,
}

/// A test case to be made.
#[derive(InputObject)]
pub(crate) struct CreateTestCaseInput {
    /// The feature that the test checks.
    feature_id: ID,
    /// The name, new in the feature: 1 to 650 characters.
    name: String,
    /// The latest result.
    #[graphql(default_with = "TestStatus::Pending")]
    status: TestStatus,
    /// How long the latest run took, in milliseconds: 0 or more.
    duration_ms: Option<i32>,
    /// What the latest run said.
    message: Option<String>,
}

impl ParseChange for CreateTestCaseInput {
    type Change = CreateTestCase;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<CreateTestCase> {
        let feature = checks.id(&place.at("featureId"), "feature", &self.feature_id);
        let name = checks.text(&place.at("name"), self.name);
        let duration_ms = checks.optional(&place.at("durationMs"), self.duration_ms, read_duration);
        let message = checks.optional_text(&place.at("message"), self.message);
        let status = self.status.into();
        let values = TestValues { name: name?, status, duration_ms: duration_ms?, message: message? };
        Some(CreateTestCase { id: Uuid::now_v7(), feature: feature?, values })
    }
}

/// What is to be changed of a test case.
#[derive(InputObject)]
pub(crate) struct UpdateTestCaseInput {
    /// The test case.
    id: ID,
    /// The version that the test case must have; any, if it is left out.
    expected_version: Option<i32>,
    /// Another name, new in the feature: 1 to 650 characters.
    name: MaybeUndefined<String>,
    /// Another result.
    status: MaybeUndefined<TestStatus>,
    /// Another duration, in milliseconds: 0 or more; null for none.
    duration_ms: MaybeUndefined<i32>,
    /// Another message; null for none.
    message: MaybeUndefined<String>,
}

impl ParseChange for UpdateTestCaseInput {
    type Change = UpdateTestCase;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateTestCase> {
        let id = checks.id(&place.at("id"), "test_case", &self.id);
        let name = checks.kept_text(&place.at("name"), self.name);
        let status = checks.kept(&place.at("status"), self.status).map(Into::into);
        let duration_ms = checks.patched(&place.at("durationMs"), self.duration_ms, read_duration);
        let message = checks.patched_text(&place.at("message"), self.message);
        Some(UpdateTestCase { id: id?, expected_version: self.expected_version, name, status, duration_ms, message })
    }
}

/// A test case to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteTestCaseInput {
    /// The test case.
    id: ID,
    /// The version that the test case must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for DeleteTestCaseInput {
    type Change = DeleteTestCase;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<DeleteTestCase> {
        let id = checks.id(&place.at("id"), "test_case", &self.id)?;
        Some(DeleteTestCase { id, expected_version: self.expected_version })
    }
}

/// What a test came to.
#[derive(InputObject)]
pub(crate) struct TestRunInput {
    /// The feature that the test checks.
    feature_id: ID,
    /// The test's name: 1 to 650 characters.
    name: String,
    /// The result.
    status: TestStatus,
    /// How long the run took, in milliseconds: 0 or more. A duration that is known from the run before goes where it is left out.
    duration_ms: Option<i32>,
    /// What the run said. A message that is known from the run before goes where it is left out.
    message: Option<String>,
}

impl ParseChange for TestRunInput {
    type Change = RecordTestRun;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<RecordTestRun> {
        let Self { feature_id, name, status, duration_ms, message } = self;
        let created = CreateTestCaseInput { feature_id, name, status, duration_ms, message }.parse(checks, place)?;
        let feature = Owner { id: created.feature, is_new: false };
        Some(RecordTestRun(TestDraft { feature, values: created.values }))
    }
}

/// What tests came to.
#[derive(InputObject)]
pub(crate) struct RecordTestRunsInput {
    /// The results, at most 10,000, each test once.
    results: Vec<TestRunInput>,
    /// What one bad result does to the others.
    #[graphql(default)]
    mode: BulkMode,
}

/// The most results of one command.
const MOST_RESULTS: usize = 10_000;

impl Mutation for RecordTestRunsInput {
    type Command = Changes<RecordTestRun>;

    fn into_command(self) -> Self::Command {
        bulk("results", self.results, self.mode.into(), MOST_RESULTS)
    }
}

fn read_duration(number: i32) -> Result<DurationMs, super::rules::DurationError> {
    DurationMs::try_from(i64::from(number))
}

//! Large, endless and broken streams: memory is bounded, and neither side waits for one that has gone.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use throughline::access::Caller;
use throughline::database::Database;
use throughline::import::{Format, ImportError, ImportOptions, NoProgress, Position, Report, Source, import};

use super::{Tables, import_text, of_project};
use crate::support::{Backend, TestDatabase};

on_both!(
    what_is_over_the_cap_is_not_read,
    a_failed_writer_stops_the_reader,
    a_dropped_import_stops_and_leaves_nothing,
    a_failed_reader_leaves_nothing,
    progress_is_told,
);

/// What a [`Stream`] has given away, for those who watch it; the stream holds the other reference.
type Given = Arc<AtomicU64>;

/// `begin`, then the texts that `next` makes, for ever.
struct Stream<F> {
    now: Vec<u8>,
    next: F,
    given: Given,
}

impl<F: FnMut() -> Vec<u8>> Stream<F> {
    fn new(begin: &str, next: F) -> (Self, Given) {
        let given = Given::default();
        (Self { now: begin.into(), next, given: Arc::clone(&given) }, given)
    }
}

impl<F: FnMut() -> Vec<u8>> Read for Stream<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.now.is_empty() {
            self.now = (self.next)();
        }
        let count = self.now.len().min(into.len());
        into[..count].copy_from_slice(&self.now[..count]);
        self.now.drain(..count);
        self.given.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn endless_lines() -> (impl Read + Send + 'static, Given) {
    let mut number = 0;
    Stream::new("", move || {
        number += 1;
        format!("{{\"project\":\"P\",\"feature\":{{\"name\":\"F{number}\",\"priority\":1,\"status\":\"blocked\"}}}}\n")
            .into()
    })
}

async fn import_stream(
    database: &Database,
    stream: impl Read + Send + 'static,
    format: Format,
    options: &ImportOptions,
) -> Result<Report, ImportError> {
    let source = Source::new("stream", stream).with_format(format);
    import(database, &Caller::local_owner(), source, options, NoProgress).await
}

/// Waits until the reading thread has let go of the stream.
async fn expect_let_go(given: &Given) {
    for _ in 0..500 {
        if Arc::strong_count(given) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the reader goes on");
}

async fn what_is_over_the_cap_is_not_read(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let most = ImportOptions::DEFAULT_MAX_BYTES as u64 + 200_000;
    let project = of_project("P");
    for (format, options, begin, expected) in [
        (
            Format::Ndjson,
            &ImportOptions::default(),
            "\n{\"project\":\"",
            "stream:2: the line is longer than the 8388608 bytes that a line may have",
        ),
        (
            Format::JUnit,
            &project,
            "<testsuite name='s'>\n<testcase name='n'><failure>",
            "stream:2: a tag or text is longer than the 8388608 bytes that it may have",
        ),
        (
            Format::JUnit,
            &project,
            "<testsuite>\n\n<testcase name='",
            "stream:3: a tag or text is longer than the 8388608 bytes that it may have",
        ),
        (
            Format::JUnit,
            &project,
            "<testsuite><![CDATA[",
            "stream:1: a tag or text is longer than the 8388608 bytes that it may have",
        ),
    ] {
        let (stream, given) = Stream::new(begin, || vec![b'x'; 4096]);
        let error = import_stream(database, stream, format, options).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        let given = given.load(Ordering::Relaxed);
        assert!(given < most, "{given} bytes were read");
    }
    // Exactly at the cap is well.
    let line = r#"{"project":"P","feature":{"name":"F","priority":1,"status":"blocked"}}"#;
    let options = ImportOptions { max_line_bytes: line.len(), ..ImportOptions::default() };
    for text in [line.to_owned(), format!("{line}\n"), format!("{line}\n\n")] {
        import_text(database, "a.ndjson", text, &options).await.unwrap();
    }
    let error = import_text(database, "a.ndjson", format!("{line} \n"), &options).await.unwrap_err();
    assert!(error.to_string().starts_with("a.ndjson:1: the line is longer than the 70 bytes"), "{error}");
}

async fn a_failed_writer_stops_the_reader(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    database.writer().execute_unprepared("DROP TABLE features_view").await.unwrap();
    let (stream, given) = endless_lines();
    let options = ImportOptions::default();
    let importing = import_stream(database, stream, Format::Ndjson, &options);
    let error = tokio::time::timeout(Duration::from_secs(30), importing).await.unwrap().unwrap_err();
    assert!(matches!(error, ImportError::Database { .. }), "{error:?}");
    assert_eq!(error.to_string(), "stream: nothing was imported");
    expect_let_go(&given).await;
}

async fn a_dropped_import_stops_and_leaves_nothing(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let (stream, given) = endless_lines();
    let options = ImportOptions::default();
    let importing = import_stream(database, stream, Format::Ndjson, &options);
    tokio::time::timeout(Duration::from_millis(500), importing).await.unwrap_err();
    expect_let_go(&given).await;
    assert!(given.load(Ordering::Relaxed) > 0);
    assert_eq!(Tables::read(database).await.counts(), [0; 4]);
    // The writer is free again.
    let line = r#"{"project":"P","feature":{"name":"F","priority":1,"status":"blocked"}}"#;
    import_text(database, "a.ndjson", line, &ImportOptions::default()).await.unwrap();
    assert_eq!(Tables::read(database).await.counts(), [1, 1, 0, 0]);
}

async fn a_failed_reader_leaves_nothing(backend: Backend) {
    struct Breaks<R>(R, usize);
    impl<R: Read> Read for Breaks<R> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1.checked_sub(1).ok_or_else(|| io::Error::other("the disk is gone"))?;
            self.0.read(into)
        }
    }
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let (stream, _) = endless_lines();
    let stream = Breaks(stream, 5000);
    let error = import_stream(database, stream, Format::Ndjson, &ImportOptions::default()).await.unwrap_err();
    assert!(matches!(&error, ImportError::Read { error, .. } if error.to_string() == "the disk is gone"), "{error:?}");
    assert_eq!(Tables::read(database).await.counts(), [0; 4]);
    let (report, _) = Stream::new("<testsuite name='s'>", || b"<testcase name='a'/>\n".to_vec());
    let error = import_stream(database, Breaks(report, 1), Format::JUnit, &of_project("P")).await.unwrap_err();
    assert!(matches!(&error, ImportError::Read { .. }), "{error:?}");
}

async fn progress_is_told(backend: Backend) {
    let TestDatabase { database, .. } = &TestDatabase::new(backend).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.NDJSON");
    let demo = include_bytes!("../../../demo/web-features.ndjson");
    std::fs::write(&path, demo).unwrap();
    let positions = std::sync::Mutex::new(Vec::new());
    let source = Source::open(&path).unwrap();
    let note = |position: Position| positions.lock().unwrap().push(position);
    import(database, &Caller::local_owner(), source, &ImportOptions::default(), note).await.unwrap();
    let positions = positions.into_inner().unwrap();
    assert!(positions.len() > 5);
    assert!(positions.is_sorted_by(|one, next| one.bytes < next.bytes && one.rows < next.rows));
    let bytes = demo.len() as u64;
    assert_eq!(positions.last().unwrap(), &Position { bytes, total: Some(bytes), rows: 1204 + 15487 + 6850 });
}

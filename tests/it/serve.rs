//! The program serves, and stops in order.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use throughline::database::{Database, PoolOptions};

use crate::support::{Backend, RunningServer, TestDatabase, program};

on_both!(it_serves_and_stops, running_requests_finish, several_start_at_once, no_request_is_cut_by_a_stop);

const ANSWERED: &str = "{ __typename }";

async fn it_serves_and_stops(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let mut server = RunningServer::start(&test.url);
    assert_eq!(server.graphql(ANSWERED, json!({})).await, json!({ "data": { "__typename": "Query" } }));
    server.terminate();
    let status = server.wait(Duration::from_secs(5)).expect("an idle connection kept the server");
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert_eq!(server.log().lines().count(), 3, "two lines at the start, one at the end:\n{}", server.log());
}

async fn running_requests_finish(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let mut server = RunningServer::start(&test.url);
    let mut connection = begin_request(&server);
    server.terminate();
    while !server.log().contains("stopping") {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The line is written just before the port is given up.
    let told = Instant::now();
    while TcpStream::connect(server.address.trim_start_matches("http://")).is_ok() {
        assert!(told.elapsed() < Duration::from_secs(5), "it still accepts connections");
        std::thread::sleep(Duration::from_millis(10));
    }
    connection.write_all(format!("{}\"}}", &ANSWERED[1..]).as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"data":{"__typename":"Query"}}"#), "{answer}");
    assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_it() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--shutdown-timeout-ms", "300", "--database", &test.url]);
    let mut server = RunningServer::start_with(&mut command);
    let _connection = begin_request(&server);
    server.terminate();
    let began = Instant::now();
    assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0));
    assert!(began.elapsed() >= Duration::from_millis(250), "it did not wait");
    assert!(server.log().contains("requests were still running"), "{}", server.log());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut server = RunningServer::start(&test.url);
    let _connection = begin_request(&server);
    server.terminate();
    while !server.log().contains("stopping") {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.wait(Duration::from_millis(500)), None, "it did not wait for the request");
    let told = Instant::now();
    server.terminate();
    assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(1));
    assert!(told.elapsed() < Duration::from_millis(500), "{:?}", told.elapsed());
}

#[tokio::test]
async fn it_is_not_ready_while_it_stops() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut server = RunningServer::start(&test.url);
    let host = server.address.trim_start_matches("http://").to_owned();
    // Its request has begun to arrive, so that it is answered.
    let mut connection = TcpStream::connect(&host).unwrap();
    write!(connection, "GET /health/ready HTTP/1.1\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    server.terminate();
    std::thread::sleep(Duration::from_secs(1));
    write!(connection, "host: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""failed":"stopping""#), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn headers_that_come_too_slowly_are_cut() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--header-timeout-ms", "500", "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    let host = server.address.trim_start_matches("http://");
    let mut silent = TcpStream::connect(host).unwrap();
    let mut slow = TcpStream::connect(host).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    slow.write_all(b"POST /graphql HTTP/1.1\r\n").unwrap();
    let began = Instant::now();
    let cut = loop {
        assert!(began.elapsed() < Duration::from_secs(5), "it waits for headers without end");
        if slow.write_all(b"x: y\r\n").is_err() {
            break began.elapsed();
        }
        match slow.read(&mut [0; 1024]) {
            Ok(0) => break began.elapsed(),
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break began.elapsed(),
            _ => {}
        }
    };
    assert!((Duration::from_millis(450)..Duration::from_secs(2)).contains(&cut), "{cut:?}");
    silent.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(silent.read(&mut [0; 1024]).unwrap(), 0, "a connection that says nothing stays open");
    assert_eq!(server.graphql(ANSWERED, json!({})).await, json!({ "data": { "__typename": "Query" } }));
}

#[tokio::test]
async fn too_many_connections_wait() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--max-client-connections", "1", "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    let first = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let mut second = begin_request(&server);
    second.write_all(format!("{}\"}}", &ANSWERED[1..]).as_bytes()).unwrap();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(second.read(&mut [0; 1024]).is_err(), "it was answered while another connection was open");
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(second.read(&mut [0; 1024]).unwrap() > 0);
}

/// Half of the clients keep their connection, half open one for each request.
async fn no_request_is_cut_by_a_stop(backend: Backend) {
    const CLIENTS: usize = 50;
    let test = TestDatabase::with_demo(backend).await;
    let mut server = RunningServer::start(&test.url);
    let told = Arc::new(AtomicBool::new(false));
    let client = |place: usize| {
        let kept = usize::from(place.is_multiple_of(2));
        let client =
            reqwest::Client::builder().pool_max_idle_per_host(kept).retry(reqwest::retry::never()).build().unwrap();
        let (url, told) = (format!("{}/graphql", server.address), Arc::clone(&told));
        tokio::spawn(async move {
            let query = "{ features(first: 20) { nodes { name tests(first: 5) { nodes { name } } } } }";
            let mut answered = 0;
            loop {
                let is_told = told.load(Ordering::SeqCst);
                let sent = client.post(&url).json(&json!({ "query": query })).send().await;
                match sent {
                    Ok(response) => {
                        let answer: serde_json::Value = response.json().await.expect("an answer was cut");
                        assert!(answer["data"].is_object(), "{answer}");
                        answered += 1;
                    }
                    // Nobody listens any more.
                    Err(error) if error.is_connect() && told.load(Ordering::SeqCst) => return answered,
                    Err(error) => panic!("a request was cut (told before: {is_told}): {error:?}"),
                }
            }
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    told.store(true, Ordering::SeqCst);
    server.terminate();
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    assert!(answered > CLIENTS, "the clients were no load: {answered} answers");
    assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0), "{}", server.log());
}

/// Sends all of a request but the end of its body.
fn begin_request(server: &RunningServer) -> TcpStream {
    let host = server.address.trim_start_matches("http://");
    let body = format!(r#"{{"query": "{ANSWERED}"}}"#);
    let begun = body.split_once("{ __").unwrap().0;
    let mut connection = TcpStream::connect(host).unwrap();
    write!(
        connection,
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{begun}{{",
        body.len()
    )
    .unwrap();
    // Until the server has taken the connection, it may refuse it.
    std::thread::sleep(Duration::from_millis(100));
    connection
}

#[tokio::test]
async fn without_settings_it_makes_a_file_in_the_working_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, file) in [(&[][..], "throughline.db"), (&["--demo"][..], "throughline-demo.db")] {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments).current_dir(folder.path());
        // A variable that is set to nothing counts as not set.
        let mut server = RunningServer::start_with(command.env("DATABASE_URL", ""));
        server.terminate();
        assert_eq!(server.wait(Duration::from_secs(5)).unwrap().code(), Some(0));
        let url = format!("sqlite://{}", folder.path().join(file).display());
        let database = Database::connect(&url, &PoolOptions::default()).await.unwrap();
        assert_eq!(database.pending_migrations().await.unwrap(), 0);
        database.close().await.unwrap();
        // The write-ahead log was folded in.
        assert!(!folder.path().join(format!("{file}-wal")).exists());
    }
}

/// Servers that start at once on a fresh database take turns at making its tables.
async fn several_start_at_once(backend: Backend) {
    let test = TestDatabase::new(backend).await;
    let all = u32::try_from(test.database.migrations().await.unwrap().len()).unwrap();
    test.database.migrate_down(all).await.unwrap();
    let url = test.url.clone();
    let start = move || {
        let url = url.clone();
        std::thread::spawn(move || RunningServer::start(&url))
    };
    let starting: Vec<_> = std::iter::repeat_with(start).take(4).collect();
    for server in starting {
        let server = server.join().unwrap();
        assert_eq!(server.graphql(ANSWERED, json!({})).await, json!({ "data": { "__typename": "Query" } }));
    }
    assert_eq!(test.database.pending_migrations().await.unwrap(), 0);
}

#[tokio::test]
async fn several_make_one_file_at_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("fresh.db").display());
        let migrate = || {
            program()
                .args(["migrate", "up", "--database", &url])
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let running: Vec<_> = std::iter::repeat_with(migrate).take(4).collect();
        for process in running {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[tokio::test]
async fn a_server_that_still_waits_for_its_turn_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let held = std::fs::File::open(folder.path()).unwrap();
    held.lock().unwrap();
    let url = format!("sqlite://{}", folder.path().join("fresh.db").display());
    let mut serve = program();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--database", &url]).stderr(Stdio::piped());
    let mut process = serve.spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("waiting for another process"), "{line}");
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    let told = Instant::now();
    while process.try_wait().unwrap().is_none() {
        assert!(told.elapsed() < Duration::from_secs(5), "it goes on waiting");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_let_go() {
    let test = TestDatabase::new(Backend::Sqlite).await;
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--write-timeout-ms", "300", "--database", &test.url]);
    let server = RunningServer::start_with(&mut command);
    let open = async || {
        let metrics =
            server.client.get(format!("{}/metrics", server.address)).send().await.unwrap().text().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("throughline_open_connections ")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let before = open().await;
    let mut deaf = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    // More than the buffers of two sockets hold.
    let body = r#"{"query": "{ __schema { types { name description fields { name description args { name description } } } } }"}"#;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..100 {
        deaf.write_all(request.as_bytes()).unwrap();
    }
    let began = Instant::now();
    while open().await < before + 1.0 {
        assert!(began.elapsed() < Duration::from_secs(5), "it was not taken");
    }
    while open().await > before {
        assert!(began.elapsed() < Duration::from_secs(10), "it is held open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

//! The clients: each sends a request, waits for the answer, and sends the next, over one connection that stays open.
//!
//! They share one thread and do as little as possible, since they run on the machine that they measure: requests are bytes
//! that were made before, and of an answer only the status and the length are looked at, which are known before, too.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, and how long the body of its answer is.
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) answer_length: Option<usize>,
}

/// What the clients saw.
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// In microseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) answer_bytes: u64,
}

/// Lets `clients` ask for as long as `duration`. Each goes through all the requests, from a place of its own.
pub(crate) fn run(address: &str, requests: &[Request], clients: usize, duration: Duration) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut connections = Vec::with_capacity(clients);
        for _ in 0..clients {
            connections.push(Client::connect(address).await?);
        }
        let start = Instant::now();
        let asking = connections.into_iter().enumerate().map(|(number, client)| {
            let first = number * requests.len() / clients;
            client.ask_until(start + duration, requests.iter().cycle().skip(first))
        });
        let mut seen = Seen { requests: 0, seconds: 0.0, latencies: Histogram::new(3)?, answer_bytes: 0 };
        for client in futures_util::future::try_join_all(asking).await? {
            seen.requests += client.latencies.len();
            seen.answer_bytes += client.answer_bytes;
            seen.latencies.add(client.latencies)?;
        }
        seen.seconds = start.elapsed().as_secs_f64();
        Ok(seen)
    })
}

/// Asks once, and gives the body of the answer.
pub(crate) fn ask(address: &str, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut client = Client::connect(address).await?;
        client.stream.write_all(request).await?;
        let (head, length) = client.read_answer().await?;
        Ok(client.buffer[head..head + length].to_vec())
    })
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    latencies: Histogram<u64>,
    answer_bytes: u64,
}

impl Client {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("the server does not take connections")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 1 << 20], latencies: Histogram::new(3)?, answer_bytes: 0 })
    }

    async fn ask_until<'r>(
        mut self,
        end: Instant,
        requests: impl Iterator<Item = &'r Request>,
    ) -> anyhow::Result<Self> {
        for request in requests {
            let sent = Instant::now();
            if sent >= end {
                break;
            }
            self.stream.write_all(&request.bytes).await?;
            let (_, length) = self.read_answer().await?;
            self.latencies.record(u64::try_from(sent.elapsed().as_micros())?)?;
            ensure!(
                request.answer_length.is_none_or(|expected| expected == length),
                "an answer has {length} bytes where there were {:?} before",
                request.answer_length
            );
            self.answer_bytes += length as u64;
        }
        Ok(self)
    }

    /// Reads one answer into the buffer: the lengths of its head and of its body.
    async fn read_answer(&mut self) -> anyhow::Result<(usize, usize)> {
        let mut filled = 0;
        let mut lengths = None;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server has closed the connection");
            filled += read;
            if lengths.is_none() {
                lengths = read_head(&self.buffer[..filled])?;
            }
            match lengths {
                Some((head, body)) if filled == head + body => return Ok((head, body)),
                Some((head, body)) if filled > head + body => bail!("the server has sent more than one answer"),
                _ => {}
            }
        }
    }
}

/// The lengths of an answer's head and body, once the head is there.
fn read_head(bytes: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    ensure!(status.starts_with("HTTP/1.1 200"), "the server has answered {status:?}");
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok(Some((end + 4, length.context("an answer does not say how long it is")?)))
}

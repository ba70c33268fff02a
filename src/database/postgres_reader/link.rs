//! The half of a connection that sends and receives, polled together with what waits for answers.
//!
//! **Invariant:** a connection that has ended says so, and is not polled again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use sea_orm::sqlx;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{driver_failure, ended};

/// The half that sends and receives.
pub(super) struct Link {
    connection: Connection<Socket, Secured>,
    has_ended: bool,
    /// Whether something has come in for who waits.
    news: Arc<News>,
    /// Tells [`Link::news`].
    teller: Waker,
}

type Secured = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Whether a future that is polled by hand can go on.
#[derive(Default)]
struct News(AtomicBool);

impl Link {
    pub(super) fn new(connection: Connection<Socket, Secured>) -> Self {
        let news = Arc::new(News::default());
        Self { connection, has_ended: false, teller: Waker::from(Arc::clone(&news)), news }
    }

    /// Whether the server has ended it, or it failed.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Polls `work`, which waits for answers, together with what brings them.
    pub(super) async fn drive<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, sqlx::Error> {
        if self.has_ended {
            return Err(ended());
        }
        let (news, teller) = (Arc::clone(&self.news), self.teller.clone());
        let mut work = pin!(work);
        news.tell();
        let done = poll_fn(|context| {
            let mut told = Context::from_waker(&teller);
            loop {
                if news.take()
                    && let Poll::Ready(done) = work.as_mut().poll(&mut told)
                {
                    return Poll::Ready(done.map_err(driver_failure));
                }
                match self.poll_end(context) {
                    Poll::Pending if news.is_told() => {}
                    Poll::Pending => return Poll::Pending,
                    // The answer may have come before the end, and may tell more of it.
                    Poll::Ready(end) => {
                        return Poll::Ready(match (work.as_mut().poll(&mut told), end) {
                            (Poll::Ready(Err(error)), Err(end)) if error.is_closed() => Err(driver_failure(end)),
                            (Poll::Ready(done), _) => done.map_err(driver_failure),
                            (Poll::Pending, Err(end)) => Err(driver_failure(end)),
                            (Poll::Pending, Ok(())) => Err(ended()),
                        });
                    }
                }
            }
        });
        done.await
    }

    /// Says goodbye, once the client is gone.
    pub(super) async fn end(mut self) -> Result<(), sqlx::Error> {
        if self.has_ended { Ok(()) } else { poll_fn(|context| self.poll_end(context)).await.map_err(driver_failure) }
    }

    /// Sends and receives what there is, until the end of the connection.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let end = match self.connection.poll_message(context) {
                Poll::Pending => return Poll::Pending,
                // The server tells something that nobody asked for.
                Poll::Ready(Some(Ok(_))) => continue,
                Poll::Ready(Some(Err(error))) => Err(error),
                Poll::Ready(None) => Ok(()),
            };
            self.has_ended = true;
            return Poll::Ready(end);
        }
    }
}

impl News {
    fn tell(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_told(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn take(&self) -> bool {
        self.is_told() && self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.tell();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.tell();
    }
}

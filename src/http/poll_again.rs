//! A future that wakes itself is polled again where it stands.
//!
//! hyper reads a body only once its handler has asked for it, and the handler is polled by hyper: so each request with a body wakes the
//! task that it is polled in. tokio takes that for a task that has much to do: it goes to the end of the queue, and another
//! thread is woken to take it from there. That took an eighth of the CPU time of a small request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A future whose task is told only of what wakes it while it is not polled.
pub(super) struct PollAgain<F> {
    future: F,
    inner: Arc<Inner>,
    waker: Waker,
}

#[derive(Default)]
struct Inner {
    state: AtomicU8,
    task: AtomicWaker,
}

/// Nobody polls: the task is told.
const IDLE: u8 = 0;
/// Whoever polls will look at the state once more.
const POLLED: u8 = 1;
/// And will find that the future has something to do.
const WOKEN: u8 = 2;

/// How often a future is polled at once until others have their turn. One with a body in one piece needs two.
const MOST: usize = 4;

impl<F> PollAgain<F> {
    pub(super) fn new(future: F) -> Self {
        let inner = Arc::<Inner>::default();
        Self { future, waker: Arc::clone(&inner).into(), inner }
    }
}

impl<F: Future + Unpin> Future for PollAgain<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, inner, waker } = &mut *self;
        inner.task.register(context.waker());
        for _ in 0..MOST {
            inner.state.store(POLLED, Ordering::SeqCst);
            if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut Context::from_waker(waker)) {
                return Poll::Ready(output);
            }
            if inner.state.swap(IDLE, Ordering::SeqCst) == POLLED {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(POLLED, WOKEN, Ordering::SeqCst, Ordering::SeqCst) == Err(IDLE) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls once a future that wakes itself in the first so many polls, and is ready in the last of so many.
    fn poll_once(wakes: usize, polls: usize) -> (Poll<()>, usize, usize) {
        let mut polled = 0;
        let future = std::future::poll_fn(|context| {
            polled += 1;
            if polled <= wakes {
                context.waker().wake_by_ref();
            }
            if polled == polls { Poll::Ready(()) } else { Poll::Pending }
        });
        let counter = Arc::<Counter>::default();
        let answer = Pin::new(&mut PollAgain::new(future)).poll(&mut Context::from_waker(&counter.clone().into()));
        (answer, polled, counter.0.load(Ordering::SeqCst))
    }

    #[test]
    fn what_wakes_itself_is_polled_again_and_its_task_is_not_told() {
        assert_eq!(poll_once(0, 9), (Poll::Pending, 1, 0));
        assert_eq!(poll_once(1, 9), (Poll::Pending, 2, 0));
        assert_eq!(poll_once(1, 2), (Poll::Ready(()), 2, 0));
        // At some time others have their turn.
        assert_eq!(poll_once(99, 99), (Poll::Pending, MOST, 1));
    }

    #[test]
    fn what_is_woken_between_polls_tells_its_task_of_today() {
        let mut kept = None;
        let mut future = PollAgain::new(std::future::poll_fn(|context| {
            kept = Some(context.waker().clone());
            Poll::<()>::Pending
        }));
        let (first, second) = (Arc::<Counter>::default(), Arc::<Counter>::default());
        for counter in [&first, &second] {
            let polled = Pin::new(&mut future).poll(&mut Context::from_waker(&Arc::clone(counter).into()));
            assert!(polled.is_pending());
        }
        drop(future);
        kept.unwrap().wake();
        assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (0, 1));
    }

    /// Wakes from other threads come at any moment of a poll, and none may be lost.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_of_another_thread_is_lost() {
        for _ in 0..2_000 {
            let woken = Arc::<AtomicUsize>::default();
            let mut waker = None;
            let future = std::future::poll_fn(|context| {
                if woken.load(Ordering::SeqCst) == 1 {
                    return Poll::Ready(());
                }
                if waker.is_none() {
                    let (woken, of_other) = (Arc::clone(&woken), context.waker().clone());
                    waker = Some(context.waker().clone());
                    thread::spawn(move || {
                        woken.store(1, Ordering::SeqCst);
                        of_other.wake();
                    });
                }
                Poll::Pending
            });
            tokio::time::timeout(Duration::from_secs(10), PollAgain::new(future)).await.unwrap();
        }
    }
}

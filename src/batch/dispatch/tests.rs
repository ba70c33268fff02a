//! The dispatcher against a loader that counts, fails, panics and loads while it loads.

use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::*;

#[derive(Default)]
struct Doubler {
    batches: AtomicUsize,
    keys: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Double,
    DoubleSlowly,
    Fail,
    Panic,
    AnswerShort,
}

impl Loader for Arc<Doubler> {
    type Arguments = How;
    type Key = usize;
    type Value = usize;

    async fn load(&self, how: How, keys: Vec<usize>) -> Result<Vec<usize>, BatchError> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.keys.fetch_add(keys.len(), Ordering::Relaxed);
        match how {
            How::Double => {}
            How::DoubleSlowly => tokio::time::sleep(Duration::from_millis(20)).await,
            How::Fail => return Err(BatchError::Vanished),
            How::Panic => panic!("the loader panics, as this test wants it to"),
            How::AnswerShort => return Ok(Vec::new()),
        }
        Ok(keys.into_iter().map(|key| key * 2).collect())
    }
}

fn doubler() -> (Arc<Doubler>, Dispatcher<Arc<Doubler>>) {
    let doubler = Arc::new(Doubler::default());
    (Arc::clone(&doubler), Dispatcher::new(doubler))
}

#[tokio::test]
async fn siblings_share_a_batch_at_each_level() {
    let (counts, dispatcher) = doubler();
    let two_levels = |key| {
        let dispatcher = &dispatcher;
        async move {
            let first = dispatcher.load(&How::Double, vec![key]).await.unwrap()[0];
            dispatcher.load(&How::Double, vec![first, first + 1]).await.unwrap()
        }
    };
    let mut all: FuturesUnordered<_> = (0..1000).map(|key| two_levels(key).map(move |values| (key, values))).collect();
    while let Some((key, values)) = all.next().await {
        assert_eq!(values, [key * 4, key * 4 + 2]);
    }
    assert_eq!(counts.batches.load(Ordering::Relaxed), 2);
    assert_eq!(counts.keys.load(Ordering::Relaxed), 3000);
}

#[tokio::test]
async fn other_arguments_are_another_batch_and_no_keys_are_none() {
    let (counts, dispatcher) = doubler();
    let (double, fail, none) = tokio::join!(
        dispatcher.load(&How::Double, vec![1]),
        dispatcher.load(&How::Fail, vec![1]),
        dispatcher.load(&How::Double, vec![])
    );
    assert_eq!((double.unwrap(), none.unwrap()), (vec![2], vec![]));
    assert!(matches!(fail, Err(BatchError::Vanished)));
    assert_eq!(counts.batches.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn errors_and_panics_reach_everybody_and_the_next_load_is_served() {
    let (_, dispatcher) = doubler();
    for (how, panicked) in [(How::Fail, false), (How::Panic, true), (How::AnswerShort, false)] {
        let answers = join_all((0..10).map(|key| dispatcher.load(&how, vec![key]))).await;
        assert_eq!(answers.len(), 10);
        for answer in answers {
            assert_eq!(matches!(answer.unwrap_err(), BatchError::Panicked), panicked);
        }
    }
    assert_eq!(dispatcher.load(&How::Double, vec![4]).await.unwrap(), [8]);
}

#[tokio::test]
async fn survives_the_loss_of_the_first_before_and_while_it_runs() {
    for polls_of_the_first in [1, 2] {
        let (counts, dispatcher) = doubler();
        let mut first = Box::pin(dispatcher.load(&How::DoubleSlowly, vec![1]));
        let mut second = Box::pin(dispatcher.load(&How::DoubleSlowly, vec![2]));
        for _ in 0..polls_of_the_first {
            assert!((&mut first).now_or_never().is_none());
            assert!((&mut second).now_or_never().is_none());
        }
        drop(first);
        let answer = tokio::time::timeout(Duration::from_secs(5), second).await;
        assert_eq!(answer.unwrap().unwrap(), [4]);
        assert_eq!(counts.batches.load(Ordering::Relaxed), 1);
    }
}

/// Loads `key - 1` of itself until it reaches zero.
struct Nested {
    dispatcher: Weak<Dispatcher<Nested>>,
}

impl Loader for Nested {
    type Arguments = ();
    type Key = usize;
    type Value = usize;

    async fn load(&self, (): (), keys: Vec<usize>) -> Result<Vec<usize>, BatchError> {
        let less: Vec<_> = keys.iter().filter(|key| **key > 0).map(|key| key - 1).collect();
        let dispatcher = self.dispatcher.upgrade().unwrap();
        let deeper: usize = Box::pin(dispatcher.load(&(), less)).await?.into_iter().sum();
        Ok(keys.into_iter().map(|key| key + deeper).collect())
    }
}

#[tokio::test]
async fn a_load_may_load() {
    let dispatcher = Arc::new_cyclic(|dispatcher| Dispatcher::new(Nested { dispatcher: dispatcher.clone() }));
    assert_eq!(dispatcher.load(&(), vec![3]).await.unwrap(), [3 + 2 + 1]);
}

//! Requests that ask at the same time, of what tells what it was asked and answers when it is told to.

use std::future::pending;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, poll};
use tokio::sync::Semaphore;

use super::*;

/// Doubles the keys, as often as it may, and remembers with which keys it was asked.
struct Doubler {
    together: Together<i32, i32>,
    asked: Mutex<Vec<Vec<i32>>>,
    may_answer: Semaphore,
}

impl Doubler {
    fn new() -> Self {
        Self { together: Together::default(), asked: Mutex::default(), may_answer: Semaphore::new(0) }
    }

    fn ask(&self, key: i32) -> BoxFuture<'_, Answer<i32>> {
        self.ask_with(Vec::new(), vec![key])
    }

    fn ask_with(&self, values: Vec<sea_orm::Value>, keys: Vec<i32>) -> BoxFuture<'_, Answer<i32>> {
        let double = |keys: Vec<i32>| async {
            lock(&self.asked).push(keys.clone());
            self.may_answer.acquire().await.unwrap().forget();
            if keys.contains(&-1) {
                Err(BatchError::Vanished)
            } else {
                Ok(keys.into_iter().map(|key| key * 2).collect())
            }
        };
        async move { self.together.ask(Values(values), &keys, double).await }.boxed()
    }

    fn asked(&self) -> Vec<Vec<i32>> {
        lock(&self.asked).clone()
    }
}

/// Lets it begin, and no more.
async fn begin<T>(future: &mut BoxFuture<'_, T>) {
    assert!(matches!(poll!(Pin::new(future)), Poll::Pending));
}

#[tokio::test]
async fn who_comes_while_one_asks_is_asked_for_together_with_others() {
    let doubler = Doubler::new();
    let mut alone = doubler.ask(1);
    begin(&mut alone).await;
    let mut waiting: Vec<_> = vec![doubler.ask_with(Vec::new(), vec![2, 3]), doubler.ask(4), doubler.ask(2)];
    for waiting in &mut waiting {
        begin(waiting).await;
    }
    assert_eq!(doubler.asked(), [vec![1]]);
    doubler.may_answer.add_permits(1);
    assert_eq!(alone.await.unwrap(), [2]);
    // Who comes before they are asked for is one of them.
    let mut late = doubler.ask(5);
    begin(&mut late).await;
    waiting.push(late);
    doubler.may_answer.add_permits(1);
    let answers: Vec<_> = join_all(waiting).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [vec![4, 6], vec![8], vec![4], vec![10]]);
    assert_eq!(doubler.asked(), [vec![1], vec![2, 3, 4, 2, 5]]);
}

#[tokio::test]
async fn who_asks_with_other_values_asks_alone() {
    let doubler = Doubler::new();
    let with = |value: i32, key| doubler.ask_with(vec![value.into()], vec![key]);
    let mut asks = [with(1, 1), with(1, 2), with(2, 3), with(1, 4)];
    for ask in &mut asks {
        begin(ask).await;
    }
    assert_eq!(doubler.asked(), [vec![1], vec![3]]);
    doubler.may_answer.add_permits(3);
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [[2], [4], [6], [8]]);
    assert_eq!(doubler.asked(), [vec![1], vec![3], vec![2, 4]]);
}

#[tokio::test]
async fn whoever_waits_for_one_that_goes_asks_again() {
    // While it waits for its turn, and while it asks for all.
    for has_begun in [false, true] {
        let doubler = Doubler::new();
        let (mut alone, mut first) = (doubler.ask(1), doubler.ask(2));
        begin(&mut alone).await;
        begin(&mut first).await;
        let mut others = [doubler.ask(3), doubler.ask(4), doubler.ask(5)];
        for other in &mut others {
            begin(other).await;
        }
        doubler.may_answer.add_permits(1);
        alone.await.unwrap();
        if has_begun {
            begin(&mut first).await;
        }
        drop(first);
        for other in &mut others {
            begin(other).await;
        }
        doubler.may_answer.add_permits(2);
        let answers: Vec<_> = join_all(others).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [[6], [8], [10]]);
        // One of them at once, and the others together.
        let own: &[Vec<i32>] = &[vec![3], vec![4, 5]];
        assert!(doubler.asked().ends_with(own), "{:?}", doubler.asked());
        assert_eq!(doubler.asked().contains(&vec![2, 3, 4, 5]), has_begun);
    }
}

#[tokio::test]
async fn nobody_fails_by_another_one() {
    let doubler = Doubler::new();
    let mut asks = [doubler.ask(1), doubler.ask(2), doubler.ask(-1), doubler.ask(3)];
    for ask in &mut asks {
        begin(ask).await;
    }
    doubler.may_answer.add_permits(9);
    let answers = join_all(asks).await;
    let found: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok().map(|found| found[0])).collect();
    // Who asked for all has failed with all.
    assert_eq!(found, [Some(2), None, None, Some(6)], "{:?}", doubler.asked());
}

#[tokio::test]
async fn nobody_waits_long_for_one_who_does_not_ask() {
    let doubler = Doubler::new();
    let (mut alone, mut stuck, mut other) = (doubler.ask(1), doubler.ask(2), doubler.ask(3));
    for ask in [&mut alone, &mut stuck, &mut other] {
        begin(ask).await;
    }
    doubler.may_answer.add_permits(2);
    alone.await.unwrap();
    // The one whose turn it is is not polled.
    assert_eq!(timeout(PATIENCE * 4, other).await.unwrap().unwrap(), [6]);
    drop(stuck);
}

#[tokio::test]
async fn nobody_waits_long_for_another_one() {
    let doubler = Doubler::new();
    let mut stuck = doubler.together.ask(Values(Vec::new()), &[1], |_| pending()).boxed();
    begin(&mut stuck).await;
    let mut waiting = doubler.ask(2);
    begin(&mut waiting).await;
    assert!(doubler.asked().is_empty());
    tokio::time::sleep(SHORT * 2).await;
    begin(&mut waiting).await;
    assert_eq!(doubler.asked(), [vec![2]]);
    doubler.may_answer.add_permits(1);
    assert_eq!(waiting.await.unwrap(), [4]);
    // The turn that comes with the end of the one that is stuck is nobody's.
    drop(stuck);
    doubler.may_answer.add_permits(1);
    assert_eq!(doubler.ask(3).await.unwrap(), [6]);
}

#[tokio::test]
async fn no_more_are_asked_for_together_than_may_be() {
    let together = Together::<usize, usize>::default();
    together.ask(Values(Vec::new()), &[0], |keys| async { Ok(keys) }).await.unwrap();
    let mut stuck = pin!(together.ask(Values(Vec::new()), &[0], |_| pending()));
    assert!(poll!(&mut stuck).is_pending());
    let mut waiting: Vec<_> = Vec::new();
    for key in 0..MOST {
        let together = &together;
        let ask = async move { together.ask(Values(Vec::new()), &[key], |keys| async { Ok(keys) }).await.unwrap() };
        let mut ask = ask.boxed();
        begin(&mut ask).await;
        waiting.push(ask);
    }
    assert_eq!(together.ask(Values(Vec::new()), &[MOST], |keys| async { Ok(keys) }).await.unwrap(), [MOST]);
    assert_eq!(join_all(waiting).await.concat(), (0..MOST).collect::<Vec<_>>());
}

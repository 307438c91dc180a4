//! What every driver of `Kv` must do.

#![allow(clippy::unwrap_used, reason = "test support")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ox_kv::{Bounds, Error, Kv, Lock, Memory};

const MINUTE: Duration = Duration::from_secs(60);

/// A clock that is moved by hand.
#[derive(Clone)]
struct Clock(Arc<Mutex<Instant>>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

fn memory(bounds: Bounds) -> (Memory, Clock) {
    let clock = Clock::new();
    let reader = clock.clone();
    (Memory::with_clock(bounds, move || reader.now()), clock)
}

fn driver() -> (Arc<dyn Kv>, Clock) {
    let (memory, clock) = memory(Bounds::default());
    (Arc::new(memory), clock)
}

fn text(value: &Option<Arc<str>>) -> Option<&str> {
    value.as_deref()
}

#[tokio::test]
async fn values_live_for_their_time() {
    let (kv, clock) = driver();
    assert_eq!(kv.get("a").await.unwrap(), None);
    kv.set("a", "1", Some(MINUTE)).await.unwrap();
    kv.set("b", "2", None).await.unwrap();
    clock.pass(MINUTE / 2);
    assert_eq!(text(&kv.get("a").await.unwrap()), Some("1"));
    kv.set("a", "3", Some(MINUTE)).await.unwrap();
    clock.pass(MINUTE / 2);
    assert_eq!(text(&kv.get("a").await.unwrap()), Some("3"));
    clock.pass(MINUTE);
    assert_eq!(kv.get("a").await.unwrap(), None);
    assert_eq!(text(&kv.get("b").await.unwrap()), Some("2"));
    assert!(kv.delete("b").await.unwrap());
    assert!(!kv.delete("b").await.unwrap());
}

#[tokio::test]
async fn one_of_several_wins() {
    let (kv, clock) = driver();
    assert!(kv.set_if_absent("a", "1", Some(MINUTE)).await.unwrap());
    assert!(!kv.set_if_absent("a", "2", Some(MINUTE)).await.unwrap());
    assert_eq!(text(&kv.take("a").await.unwrap()), Some("1"));
    assert_eq!(kv.take("a").await.unwrap(), None);
    assert!(kv.set_if_absent("a", "2", Some(MINUTE)).await.unwrap());
    clock.pass(MINUTE);
    assert!(kv.set_if_absent("a", "3", None).await.unwrap());
    assert!(!kv.delete_if("a", "2").await.unwrap());
    assert!(!kv.extend_if("a", "2", MINUTE).await.unwrap());
    assert!(kv.delete_if("a", "3").await.unwrap());
}

#[tokio::test]
async fn counters_keep_their_first_life_time() {
    let (kv, clock) = driver();
    assert_eq!(kv.increment("n", 2, MINUTE).await.unwrap(), 2);
    clock.pass(MINUTE / 2);
    assert_eq!(kv.increment("n", 3, MINUTE).await.unwrap(), 5);
    assert_eq!(kv.increment("n", -1, MINUTE).await.unwrap(), 4);
    clock.pass(MINUTE / 2);
    assert_eq!(kv.increment("n", 1, MINUTE).await.unwrap(), 1);
    kv.set("text", "x", None).await.unwrap();
    assert_eq!(kv.increment("text", 1, MINUTE).await, Err(Error::NotANumber("text".into())));
}

#[tokio::test]
async fn a_lock_is_released_by_its_holder_only() {
    let (kv, clock) = driver();
    let first = Lock::acquire(Arc::clone(&kv), "job", MINUTE).await.unwrap().unwrap();
    assert!(Lock::acquire(Arc::clone(&kv), "job", MINUTE).await.unwrap().is_none());
    clock.pass(MINUTE / 2);
    assert!(first.extend(MINUTE).await.unwrap());
    clock.pass(MINUTE / 2);
    assert!(Lock::acquire(Arc::clone(&kv), "job", MINUTE).await.unwrap().is_none());
    clock.pass(MINUTE);
    let second = Lock::acquire(Arc::clone(&kv), "job", MINUTE).await.unwrap().unwrap();
    assert!(!first.extend(MINUTE).await.unwrap());
    assert!(!first.release().await.unwrap());
    assert!(Lock::acquire(Arc::clone(&kv), "job", MINUTE).await.unwrap().is_none());
    assert!(second.release().await.unwrap());
    assert!(Lock::acquire(kv, "job", MINUTE).await.unwrap().is_some());
}

#[tokio::test]
async fn messages_reach_those_who_listen() {
    let (kv, _) = driver();
    assert_eq!(kv.publish("c", "nobody").await.unwrap(), 0);
    let (mut one, mut two) = (kv.subscribe("c").await.unwrap(), kv.subscribe("c").await.unwrap());
    let mut other = kv.subscribe("d").await.unwrap();
    assert_eq!(kv.publish("c", "m1").await.unwrap(), 2);
    drop(two.next().await.unwrap());
    drop(two);
    assert_eq!(kv.publish("c", "m2").await.unwrap(), 1);
    for expected in ["m1", "m2"] {
        assert_eq!(text(&one.next().await.unwrap()), Some(expected));
    }
    drop(one);
    assert_eq!(kv.publish("c", "m3").await.unwrap(), 0);
    kv.publish("d", "x").await.unwrap();
    assert_eq!(text(&other.next().await.unwrap()), Some("x"));
}

#[tokio::test]
async fn memory_is_bounded() {
    let (kv, clock) = memory(Bounds { entries: 2, backlog: 2 });
    kv.set("a", "1", Some(MINUTE)).await.unwrap();
    kv.set("b", "1", None).await.unwrap();
    assert_eq!(kv.set("c", "1", None).await, Err(Error::Full(2)));
    kv.set("b", "2", None).await.unwrap();
    clock.pass(MINUTE);
    kv.set("c", "1", None).await.unwrap();
    assert_eq!(kv.len(), 2);

    let mut slow = kv.subscribe("m").await.unwrap();
    for message in ["1", "2", "3", "4"] {
        kv.publish("m", message).await.unwrap();
    }
    assert_eq!(slow.next().await, Err(Error::Lagged(2)));
    assert_eq!(text(&slow.next().await.unwrap()), Some("3"));
}

//! What every driver of `Kv` must do: one suite for `Memory` and for `Redis`, and what only one of them can show.

#![allow(clippy::unwrap_used, reason = "test support")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use ox_kv::{Bounds, Error, Kv, Lock, Memory, Redis, RedisSettings, Subscription};
use ox_testkit::{RedisCluster, RedisSentinel, RedisServer};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// A driver with nothing in it, as two processes see it.
struct Driver {
    kv: Arc<dyn Kv>,
    other: Arc<dyn Kv>,
    /// Where there is none, time passes by waiting.
    clock: Option<Clock>,
    life: Duration,
}

impl Driver {
    fn memory() -> Self {
        let (memory, clock) = memory(Bounds::default());
        let kv: Arc<dyn Kv> = Arc::new(memory);
        Self { other: Arc::clone(&kv), kv, clock: Some(clock), life: Duration::from_secs(60) }
    }

    async fn redis(url: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let kv: Arc<dyn Kv> = Arc::new(connect(url, &prefix, Bounds::default()).await);
        let other: Arc<dyn Kv> = Arc::new(connect(url, &prefix, Bounds::default()).await);
        Self { kv, other, clock: None, life: Duration::from_millis(1500) }
    }

    async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.pass(time),
            // A server's clock has whole milliseconds.
            None => tokio::time::sleep(time + Duration::from_millis(20)).await,
        }
    }

    /// Half a life passes, or a bit more.
    async fn half(&self) {
        self.pass(self.life / 2).await;
    }
}

fn settings(url: &str, prefix: &str) -> RedisSettings {
    let variables = HashMap::from([
        ("OXIDIFY_REDIS_URL", url.to_owned()),
        ("REDIS_KEY_PREFIX", prefix.to_owned()),
        ("REDIS_RETRY_BACKOFF_BASE", "0.05".to_owned()),
        ("REDIS_RETRY_BACKOFF_CAP", "0.2".to_owned()),
        ("REDIS_SOCKET_TIMEOUT", "2".to_owned()),
    ]);
    RedisSettings::read(|name| variables.get(name).cloned()).unwrap().unwrap().0
}

async fn connect(url: &str, prefix: &str, bounds: Bounds) -> Redis {
    Redis::connect(settings(url, prefix), bounds).await.unwrap()
}

fn text(value: &Option<Arc<str>>) -> Option<&str> {
    value.as_deref()
}

async fn values_live_for_their_time(driver: Driver) {
    let (kv, life) = (&driver.kv, driver.life);
    assert_eq!(kv.get("a").await.unwrap(), None);
    kv.set("a", "1", Some(life)).await.unwrap();
    kv.set("b", "2", None).await.unwrap();
    kv.set("long", "3", Some(Duration::MAX)).await.unwrap();
    driver.half().await;
    assert_eq!(text(&kv.get("a").await.unwrap()), Some("1"));
    kv.set("a", "3", Some(life)).await.unwrap();
    driver.half().await;
    assert_eq!(text(&driver.other.get("a").await.unwrap()), Some("3"));
    driver.pass(life).await;
    assert_eq!(kv.get("a").await.unwrap(), None);
    assert_eq!(text(&kv.get("b").await.unwrap()), Some("2"));
    assert_eq!(text(&kv.get("long").await.unwrap()), Some("3"));
    assert!(kv.delete("b").await.unwrap());
    assert!(!kv.delete("b").await.unwrap());
    kv.set("odd", "line\nзnull\0", None).await.unwrap();
    assert_eq!(text(&kv.get("odd").await.unwrap()), Some("line\nзnull\0"));
}

async fn one_of_several_wins(driver: Driver) {
    let (kv, other, life) = (&driver.kv, &driver.other, driver.life);
    assert!(kv.set_if_absent("a", "1", Some(life)).await.unwrap());
    assert!(!other.set_if_absent("a", "1", Some(life)).await.unwrap());
    assert_eq!(text(&kv.take("a").await.unwrap()), Some("1"));
    assert_eq!(other.take("a").await.unwrap(), None);
    assert!(kv.set_if_absent("a", "2", Some(life)).await.unwrap());
    driver.pass(life).await;
    assert!(other.set_if_absent("a", "3", None).await.unwrap());
    assert!(!kv.delete_if("a", "2").await.unwrap());
    assert!(!kv.extend_if("a", "2", life).await.unwrap());
    assert!(kv.delete_if("a", "3").await.unwrap());
}

async fn counters_keep_their_first_life_time(driver: Driver) {
    let (kv, life) = (&driver.kv, driver.life);
    assert_eq!(kv.increment("n", 2, life).await.unwrap(), 2);
    driver.half().await;
    assert_eq!(driver.other.increment("n", 3, life).await.unwrap(), 5);
    assert_eq!(kv.increment("n", -1, life).await.unwrap(), 4);
    driver.half().await;
    assert_eq!(kv.increment("n", 1, life).await.unwrap(), 1);
    kv.set("text", "x", None).await.unwrap();
    assert_eq!(kv.increment("text", 1, life).await, Err(Error::NotANumber("text".into())));
    assert_eq!(kv.increment_up_to("text", 1, 9, life).await, Err(Error::NotANumber("text".into())));
}

async fn no_more_is_counted_than_fits(driver: Driver) {
    let (kv, life) = (&driver.kv, driver.life);
    for (by, most, expected) in [(3, 5, Some(3)), (3, 5, None), (2, 5, Some(5)), (1, 5, None), (1, 6, Some(6))] {
        assert_eq!(kv.increment_up_to("n", by, most, life).await.unwrap(), expected, "{by} {most}");
    }
    driver.pass(life).await;
    assert_eq!(kv.increment_up_to("n", 1, 1, life).await.unwrap(), Some(1), "a new life");
    assert_eq!(kv.increment_up_to("never", 2, 1, life).await.unwrap(), None);
    assert_eq!(kv.get("never").await.unwrap(), None, "a refusal leaves nothing");
    let callers = (0..50).map(|number| {
        let kv = Arc::clone(if number % 2 == 0 { &driver.kv } else { &driver.other });
        tokio::spawn(async move { kv.increment_up_to("race", 1, 20, Duration::from_secs(60)).await.unwrap() })
    });
    let callers: Vec<_> = callers.collect();
    let mut counts = Vec::new();
    for caller in callers {
        counts.extend(caller.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<i64>>());
}

async fn a_lock_is_released_by_its_holder_only(driver: Driver) {
    let (kv, other, life) = (&driver.kv, &driver.other, driver.life);
    let first = Lock::acquire(Arc::clone(kv), "job", life).await.unwrap().unwrap();
    assert!(Lock::acquire(Arc::clone(other), "job", life).await.unwrap().is_none());
    driver.half().await;
    assert!(first.extend(life).await.unwrap());
    driver.half().await;
    assert!(Lock::acquire(Arc::clone(other), "job", life).await.unwrap().is_none());
    driver.pass(life).await;
    let second = Lock::acquire(Arc::clone(other), "job", 4 * life).await.unwrap().unwrap();
    assert!(!first.extend(life).await.unwrap());
    assert!(!first.release().await.unwrap());
    assert!(Lock::acquire(Arc::clone(kv), "job", life).await.unwrap().is_none());
    assert!(second.release().await.unwrap());
    assert!(Lock::acquire(Arc::clone(kv), "job", life).await.unwrap().is_some());
}

/// Who has left is known to a server a moment later.
async fn published(kv: &Arc<dyn Kv>, message: &str, expected: usize) {
    let until = Instant::now() + PATIENCE;
    loop {
        let reached = kv.publish("probe", message).await.unwrap();
        if reached == expected || Instant::now() > until {
            assert_eq!(reached, expected);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn messages_reach_those_who_listen(driver: Driver) {
    let (kv, other) = (&driver.kv, &driver.other);
    assert_eq!(kv.publish("c", "nobody").await.unwrap(), 0);
    let (mut one, mut two) = (kv.subscribe("c").await.unwrap(), other.subscribe("c").await.unwrap());
    let mut elsewhere = kv.subscribe("d").await.unwrap();
    assert_eq!(kv.publish("c", "m1").await.unwrap(), 2);
    assert_eq!(other.publish("c", "m2").await.unwrap(), 2);
    for expected in ["m1", "m2"] {
        assert_eq!(text(&one.next().await.unwrap()), Some(expected));
        assert_eq!(text(&two.next().await.unwrap()), Some(expected));
    }
    kv.publish("d", "x").await.unwrap();
    assert_eq!(text(&elsewhere.next().await.unwrap()), Some("x"));

    let (stays, leaves) = (kv.subscribe("probe").await.unwrap(), kv.subscribe("probe").await.unwrap());
    published(kv, "both", 2).await;
    drop(leaves);
    published(kv, "one", 1).await;
    drop(stays);
    published(kv, "none", 0).await;
}

async fn it_answers(driver: Driver) {
    driver.kv.check().await.unwrap();
    assert_eq!(driver.kv.server().is_some(), driver.clock.is_none());
}

/// Runs every case of the suite on a driver of its own.
macro_rules! suite {
    ($driver:expr; $($case:ident),* $(,)?) => { $($case($driver).await;)* };
    ($driver:expr) => {
        suite!($driver;
            values_live_for_their_time,
            one_of_several_wins,
            counters_keep_their_first_life_time,
            no_more_is_counted_than_fits,
            a_lock_is_released_by_its_holder_only,
            messages_reach_those_who_listen,
            it_answers,
        )
    };
}

#[tokio::test]
async fn memory_passes_the_suite() {
    suite!(Driver::memory());
}

#[tokio::test]
async fn redis_passes_the_suite() {
    let Some(server) = RedisServer::start().await.unwrap() else { return };
    suite!(Driver::redis(&server.url()).await);
}

#[tokio::test]
async fn memory_is_bounded() {
    let life = Duration::from_secs(60);
    let (kv, clock) = memory(Bounds { entries: 2, backlog: 2 });
    kv.set("a", "1", Some(life)).await.unwrap();
    kv.set("b", "1", None).await.unwrap();
    assert_eq!(kv.set("c", "1", None).await, Err(Error::Full(2)));
    kv.set("b", "2", None).await.unwrap();
    clock.pass(life);
    kv.set("c", "1", None).await.unwrap();
    assert_eq!(kv.len(), 2);
    slow_listeners_are_told(&kv).await;
}

/// Of four messages two are kept.
async fn slow_listeners_are_told(kv: &dyn Kv) {
    let mut slow = kv.subscribe("m").await.unwrap();
    let mut witness = kv.subscribe("m").await.unwrap();
    for message in ["1", "2", "3", "4"] {
        kv.publish("m", message).await.unwrap();
    }
    // What is behind is known once somebody has the last one.
    while text(&witness.next().await.unwrap_or_default()) != Some("4") {}
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(slow.next().await, Err(Error::Lagged(2)));
    assert_eq!(text(&slow.next().await.unwrap()), Some("3"));
}

#[tokio::test]
async fn redis_tells_slow_listeners_and_keeps_to_its_prefix() {
    let Some(server) = RedisServer::start().await.unwrap() else { return };
    let kv = connect(&server.url(), "a", Bounds { entries: 2, backlog: 2 }).await;
    slow_listeners_are_told(&kv).await;
    let (plain, neighbour) =
        (connect(&server.url(), "", Bounds::default()).await, connect(&server.url(), "b", Bounds::default()).await);
    kv.set("k", "1", None).await.unwrap();
    assert_eq!(text(&plain.get("a:k").await.unwrap()), Some("1"));
    assert_eq!(neighbour.get("k").await.unwrap(), None);
    let mut listening = neighbour.subscribe("c").await.unwrap();
    assert_eq!(kv.publish("c", "not theirs").await.unwrap(), 0);
    neighbour.publish("c", "theirs").await.unwrap();
    assert_eq!(text(&listening.next().await.unwrap()), Some("theirs"));
}

async fn eventually_answers(kv: &dyn Kv) {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = kv.check().await {
        assert!(Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn next_in_time(listening: &mut Box<dyn Subscription>) -> Result<Option<Arc<str>>, Error> {
    tokio::time::timeout(PATIENCE, listening.next()).await.unwrap()
}

#[tokio::test]
async fn redis_may_go_and_come_back() {
    let Some(mut server) = RedisServer::start().await.unwrap() else { return };
    let kv = connect(&server.url(), "p", Bounds::default()).await;
    let (minute, began) = (Duration::from_secs(60), Instant::now());
    let mut listening = kv.subscribe("c").await.unwrap();
    assert_eq!(kv.increment_up_to("n", 1, 2, minute).await.unwrap(), Some(1));

    server.stop();
    // Limits hold, for this process alone; locks and values are refused.
    for expected in [Some(1), Some(2), None] {
        assert_eq!(kv.increment_up_to("n", 1, 2, minute).await.unwrap(), expected);
    }
    assert_eq!(kv.increment("m", 4, minute).await.unwrap(), 4);
    assert!(matches!(kv.get("a").await, Err(Error::Unavailable(_))));
    assert!(matches!(kv.set_if_absent("lock", "1", None).await, Err(Error::Unavailable(_))));
    assert!(matches!(kv.check().await, Err(Error::Unavailable(_))));
    let early = kv.subscribe("early").await;
    assert!(began.elapsed() < PATIENCE, "calls end by themselves");

    server.resume().await.unwrap();
    eventually_answers(&kv).await;
    assert_eq!(kv.increment_up_to("n", 1, 2, minute).await.unwrap(), Some(1), "counted there again");
    assert_eq!(next_in_time(&mut listening).await, Err(Error::Interrupted));
    kv.publish("c", "again").await.unwrap();
    assert_eq!(text(&next_in_time(&mut listening).await.unwrap()), Some("again"));
    let mut early = early.unwrap();
    assert_eq!(next_in_time(&mut early).await, Err(Error::Interrupted));

    // A restart between two calls is not even seen.
    server.stop();
    server.resume().await.unwrap();
    eventually_answers(&kv).await;
    assert!(kv.set_if_absent("lock", "1", Some(minute)).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_of() {
    let variables =
        HashMap::from([("OXIDIFY_REDIS_URL", "redis://:secret@127.0.0.1:1/2"), ("REDIS_RETRY_RETRIES", "0")]);
    let settings = RedisSettings::read(|name| variables.get(name).map(|text| (*text).to_owned())).unwrap().unwrap().0;
    let error = Redis::connect(settings, Bounds::default()).await.err().unwrap();
    for word in ["redis://:**@127.0.0.1:1/2", "REDIS_HOST", "Check that the server runs"] {
        assert!(error.contains(word), "no {word}: {error}");
    }
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_cluster_passes_the_suite() {
    let Some(cluster) = RedisCluster::start().await.unwrap() else { return };
    let url = cluster.url();
    suite!(Driver::redis(&url).await;
        values_live_for_their_time,
        one_of_several_wins,
        counters_keep_their_first_life_time,
        no_more_is_counted_than_fits,
        a_lock_is_released_by_its_holder_only,
        it_answers,
    );
    let kv = connect(&url, "spread", Bounds::default()).await;
    for number in 0..60 {
        kv.set(&format!("k{number}"), "1", None).await.unwrap();
    }
    let sizes = cluster.sizes().unwrap();
    assert!(sizes.iter().all(|size| *size > 0), "keys are spread: {sizes:?}");
    // A message reaches those who listen at other nodes; only those at the node that took it are counted.
    let mut listening = Vec::new();
    for _ in 0..3 {
        listening.push(connect(&url, "spread", Bounds::default()).await.subscribe("c").await.unwrap());
        listening.push(kv.subscribe("c").await.unwrap());
    }
    kv.publish("c", "all").await.unwrap();
    for mut one in listening {
        assert_eq!(text(&next_in_time(&mut one).await.unwrap()), Some("all"));
    }
}

#[tokio::test]
async fn a_replica_takes_over() {
    let Some(mut redis) = RedisSentinel::start().await.unwrap() else { return };
    let kv = connect(&redis.url(), "s", Bounds::default()).await;
    let (mut listening, minute) = (kv.subscribe("c").await.unwrap(), Duration::from_secs(60));
    kv.set("kept", "1", None).await.unwrap();
    let until = Instant::now() + PATIENCE;
    while !redis.replica.ask(&["GET", "s:kept"]).unwrap().starts_with('1') {
        assert!(Instant::now() < until, "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    redis.master.stop();
    assert_eq!(kv.increment_up_to("n", 1, 1, minute).await.unwrap(), Some(1), "counted by this process alone");
    // The sentinel knows of it after half a second, and then of the new master.
    let until = Instant::now() + PATIENCE;
    while let Err(error) = kv.set("new", "2", None).await {
        assert!(Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(text(&kv.get("kept").await.unwrap()), Some("1"), "what the replica had is there");
    assert_eq!(kv.increment_up_to("n", 1, 1, minute).await.unwrap(), Some(1), "counted there");
    assert!(redis.replica.ask(&["GET", "s:new"]).unwrap().starts_with('2'));
    assert_eq!(next_in_time(&mut listening).await, Err(Error::Interrupted));
    kv.publish("c", "again").await.unwrap();
    assert_eq!(text(&next_in_time(&mut listening).await.unwrap()), Some("again"));
}

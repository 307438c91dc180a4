use proptest::prelude::*;

use super::*;

const STOP: Limits = Limits { tokens: Some(100), price: None, action: Action::Stop };

fn tokens(tokens: u64) -> Amount {
    Amount { tokens, price: 0 }
}

fn hold(limits: Limits, expected: u64) -> [Hold; 1] {
    [Hold { account: "a".into(), limits, expected: tokens(expected) }]
}

fn told(ledger: &Ledger, amount: Amount) {
    let account = Arc::from("a");
    let now = Instant::now();
    let mark = ledger.stale(&account, Duration::ZERO, now).unwrap();
    ledger.told(&account, mark, amount, now);
}

#[test]
fn what_is_set_aside_counts_until_it_is_settled() {
    let (ledger, now) = (Arc::new(Ledger::default()), Instant::now());
    let first = ledger.try_reserve(&hold(STOP, 60), now).unwrap();
    let second = ledger.try_reserve(&hold(STOP, 60), now).unwrap();
    let third = ledger.try_reserve(&hold(STOP, 60), now).unwrap_err();
    assert_eq!(third, Refusal { hold: 0, why: Why::Held(Amount { tokens: 120, price: 2 }) });
    first.settle(&[tokens(30)]);
    drop(second);
    assert_eq!(ledger.used("a"), Some(tokens(30)));
    ledger.try_reserve(&hold(STOP, 60), now).unwrap().settle(&[tokens(70)]);
    assert_eq!(ledger.try_reserve(&hold(STOP, 1), now).unwrap_err().why, Why::Spent(tokens(100)));
    let warn = Limits { action: Action::Warn, ..STOP };
    assert!(ledger.try_reserve(&hold(warn, 1), now).is_ok(), "a budget that only warns stops nobody");
    let price = Limits { tokens: None, price: Some(5), action: Action::Stop };
    assert!(ledger.try_reserve(&hold(price, 1), now).is_ok(), "tokens do not count against money");
}

#[test]
fn what_is_written_is_counted_once() {
    let (ledger, now) = (Arc::new(Ledger::default()), Instant::now());
    told(&ledger, tokens(10));
    for used in [20, 5] {
        ledger.try_reserve(&hold(STOP, 1), now).unwrap().settle(&[tokens(used)]);
    }
    assert_eq!(ledger.used("a"), Some(tokens(35)));
    ledger.written("a", tokens(20));
    assert_eq!(ledger.used("a"), Some(tokens(35)), "before the database is asked again");
    // Another process used 7.
    told(&ledger, tokens(37));
    assert_eq!(ledger.used("a"), Some(tokens(42)));
    ledger.written("a", tokens(5));
    told(&ledger, tokens(42));
    assert_eq!(ledger.used("a"), Some(tokens(42)));
    // Two questions at once; the older answer comes last.
    let account: Arc<str> = "a".into();
    let old = ledger.stale(&account, Duration::ZERO, Instant::now()).unwrap();
    ledger.try_reserve(&hold(STOP, 1), now).unwrap().settle(&[tokens(3)]);
    ledger.written("a", tokens(3));
    told(&ledger, tokens(45));
    ledger.told(&account, old, tokens(42), now);
    assert_eq!(ledger.used("a"), Some(tokens(45)));
}

#[test]
fn one_asks_the_database_for_all() {
    let (ledger, now, account) = (Ledger::default(), Instant::now(), Arc::<str>::from("a"));
    let fresh = Duration::from_secs(2);
    let mark = ledger.stale(&account, fresh, now).unwrap();
    assert!(ledger.stale(&account, fresh, now).is_some(), "nobody may go on without an answer");
    ledger.told(&account, mark, Amount::default(), now);
    assert!(ledger.stale(&account, fresh, now + fresh / 2).is_none(), "fresh");
    assert!(ledger.stale(&account, fresh, now + fresh).is_some(), "due");
    assert!(ledger.stale(&account, fresh, now + fresh).is_none(), "somebody asks");
    assert!(ledger.stale(&account, fresh, now + fresh * 2).is_some(), "whoever asked was never heard of again");
}

#[test]
fn a_throttled_budget_lets_calls_begin_in_turns() {
    let ledger = Arc::new(Ledger::default());
    let limits = Limits { action: Action::Throttle { per_minute: 6 }, ..STOP };
    let start = Instant::now();
    for _ in 0..3 {
        ledger.try_reserve(&hold(limits, 1), start).unwrap().settle(&[tokens(40)]);
    }
    let begin = |after: u64| ledger.try_reserve(&hold(limits, 1), start + Duration::from_secs(after)).map(drop);
    assert!(begin(0).is_ok(), "the first after it was spent");
    assert_eq!(begin(4).unwrap_err().why, Why::Paced(Duration::from_secs(6)));
    assert!(begin(10).is_ok());
    assert_eq!(begin(11).unwrap_err().why, Why::Paced(Duration::from_secs(9)));
}

#[test]
fn the_first_of_several_that_refuses_is_named_and_nothing_is_set_aside() {
    let (ledger, now) = (Arc::new(Ledger::default()), Instant::now());
    let hold = |account: &str, limit| Hold {
        account: account.into(),
        limits: Limits { tokens: Some(limit), ..STOP },
        expected: tokens(10),
    };
    ledger.try_reserve(&[hold("b", 10)], now).unwrap().settle(&[tokens(10)]);
    let refusal = ledger.try_reserve(&[hold("a", 10), hold("b", 10)], now).unwrap_err();
    assert_eq!(refusal, Refusal { hold: 1, why: Why::Spent(tokens(10)) });
    assert!(ledger.try_reserve(&[hold("a", 10)], now).is_ok());
}

#[tokio::test]
async fn a_call_waits_for_what_is_set_aside() {
    let ledger = Arc::new(Ledger::default());
    let first = ledger.try_reserve(&hold(STOP, 100), Instant::now()).unwrap();
    let held = ledger.reserve(&hold(STOP, 1), Duration::ZERO).await.unwrap_err();
    assert!(matches!(held.why, Why::Held(_)));
    let other = Arc::clone(&ledger);
    let waiting = tokio::spawn(async move { other.reserve(&hold(STOP, 1), Duration::from_secs(30)).await.map(drop) });
    tokio::task::yield_now().await;
    first.settle(&[tokens(99)]);
    waiting.await.unwrap().unwrap();
}

#[test]
fn windows_are_days_and_months_of_utc() {
    let at: DateTime<Utc> = "2028-02-29T23:59:59Z".parse().unwrap();
    let days = |window: Window| window.days(at).map(|(first, last)| format!("{first} {last}"));
    assert_eq!(days(Window::Day).as_deref(), Some("2028-02-29 2028-02-29"));
    assert_eq!(days(Window::Month).as_deref(), Some("2028-02-01 2028-02-29"));
    assert_eq!(days(Window::Total), None);
    assert_eq!([Window::Month, Window::Total].map(|window| window.name(at)), ["2028-02-01", "total"]);
    assert_eq!(Window::parse("month"), Some(Window::Month));
    assert_eq!(Window::parse("week"), None);
}

#[test]
fn a_ratio_is_of_what_is_nearer_to_its_limit() {
    let limits = Limits { tokens: Some(100), price: Some(1000), action: Action::Warn };
    assert!((limits.ratio(Amount { tokens: 20, price: 900 }) - 0.9).abs() < 1e-9);
    assert!((limits.ratio(Amount { tokens: 150, price: 0 }) - 1.5).abs() < 1e-9);
}

proptest! {
    /// Whatever the order of beginnings and ends: a budget is exceeded by less than its last call where nothing needs
    /// more than was set aside, and by less than the calls in flight otherwise.
    #[test]
    fn never_exceeded_by_more_than_the_calls_in_flight(
        limit in 1_u64..500,
        steps in prop::collection::vec((any::<bool>(), 1_u64..50, 0_u64..3, any::<prop::sample::Index>()), 1..200),
    ) {
        let (ledger, now) = (Arc::new(Ledger::default()), Instant::now());
        let limits = Limits { tokens: Some(limit), ..STOP };
        let (mut open, mut used, mut most, mut honest) = (Vec::new(), 0, 0, true);
        for (begins, expected, times, which) in steps {
            if begins || open.is_empty() {
                if let Ok(reservation) = ledger.try_reserve(&hold(limits, expected), now) {
                    prop_assert!(used < limit);
                    open.push((reservation, expected, expected * times));
                    most = most.max(open.len() as u64);
                }
            } else {
                let (reservation, expected, needed) = open.swap_remove(which.index(open.len()));
                honest &= needed <= expected;
                used += needed;
                reservation.settle(&[tokens(needed)]);
            }
            prop_assert_eq!(ledger.used("a").unwrap_or_default().tokens, used);
        }
        for (reservation, expected, needed) in open {
            honest &= needed <= expected;
            used += needed;
            reservation.settle(&[tokens(needed)]);
        }
        prop_assert!(used < limit + most.max(1) * 98 + 1, "{used} of {limit} with {most} in flight");
        if honest {
            prop_assert!(used < limit + 50, "{used} of {limit}");
        }
    }
}

/// The same with threads: eight slots ask for as long as they may.
#[test]
fn threads_never_exceed_it_by_more_than_one_call_each() {
    const SLOTS: u64 = 8;
    for (expected, needed, bound) in [(10, 10, 1_009), (1, 10, 1_000 + SLOTS * 10 - 1)] {
        let ledger = Arc::new(Ledger::default());
        let limits = Limits { tokens: Some(1_000), ..STOP };
        std::thread::scope(|scope| {
            for _ in 0..SLOTS {
                scope.spawn(|| {
                    loop {
                        match ledger.try_reserve(&hold(limits, expected), Instant::now()) {
                            Ok(reservation) => {
                                std::thread::yield_now();
                                reservation.settle(&[tokens(needed)]);
                            }
                            Err(Refusal { why: Why::Spent(_), .. }) => return,
                            Err(_) => std::thread::yield_now(),
                        }
                    }
                });
            }
        });
        let used = ledger.used("a").unwrap().tokens;
        assert!((1_000..=bound).contains(&used), "{used}");
    }
}

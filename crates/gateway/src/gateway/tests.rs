use std::sync::Mutex;

use ox_models::ErrorClass;

use super::*;

const QUICK: Policy = Policy {
    retries: 2,
    pause: Duration::from_millis(2),
    longest_pause: Duration::from_millis(20),
    total: Duration::from_secs(5),
};

fn tiers(names: &[&[&str]]) -> Vec<Vec<Arc<str>>> {
    names.iter().map(|tier| tier.iter().map(|name| Arc::from(*name)).collect()).collect()
}

fn error(class: ErrorClass) -> ModelError {
    ModelError::new(class, "p", "")
}

const DOWN: ErrorClass = ErrorClass::Connection;
const LIMITED: ErrorClass = ErrorClass::RateLimit { retry_after: None };

/// What a route answers, in order; nothing is a good answer.
type Answers = Vec<(&'static str, Vec<Option<ErrorClass>>)>;

/// What routes answer, and who was asked.
struct World {
    tiers: Vec<Vec<Arc<str>>>,
    answers: Mutex<Answers>,
    asked: Mutex<Vec<String>>,
}

impl World {
    /// A route answers with each of its answers once, then goes on with the last; `None` is a good one.
    fn new(names: &[&[&str]], answers: &[(&'static str, &[Option<ErrorClass>])]) -> Self {
        let answers = answers.iter().map(|(name, list)| (*name, list.to_vec())).collect();
        Self { tiers: tiers(names), answers: Mutex::new(answers), asked: Mutex::default() }
    }

    async fn call(&self, gateway: &Gateway, policy: &Policy) -> Result<String, ModelError> {
        let attempt = |place: Place, _: bool| async move {
            let name = self.tiers[place.tier][place.route].to_string();
            self.asked.lock().unwrap().push(name.clone());
            let mut answers = self.answers.lock().unwrap();
            let Some((_, list)) = answers.iter_mut().find(|(of, _)| *of == name) else { return Ok(name) };
            let next = if list.len() > 1 { list.remove(0) } else { list[0].clone() };
            next.map_or(Ok(name), |class| Err(error(class)))
        };
        gateway.run(&self.tiers, policy, None, attempt, || error(ErrorClass::NotFound)).await
    }

    fn asked(&self) -> String {
        std::mem::take(&mut *self.asked.lock().unwrap()).join(" ")
    }
}

#[tokio::test]
async fn who_is_asked() {
    type Given<'a> = &'a [(&'static str, &'a [Option<ErrorClass>])];
    /// What it shows, the routes, their answers, who is asked, and what comes of it.
    type Case<'a> = (&'a str, &'a [&'a [&'a str]], Given<'a>, &'a str, Result<&'a str, ErrorClass>);
    let after = |millis| Some(ErrorClass::RateLimit { retry_after: Some(Duration::from_millis(millis)) });
    let (short, long) = ([after(5), None], [after(60_000)]);
    let cases: &[Case<'_>] = &[
        ("the first that works", &[&["a"], &["b"]], &[], "a", Ok("a")),
        ("the next tier at once", &[&["a"], &["b"]], &[("a", &[Some(DOWN)])], "a b", Ok("b")),
        ("other keys first", &[&["a", "a2"], &["b"]], &[("a", &[Some(LIMITED)])], "a a2", Ok("a2")),
        (
            "a bad request ends it",
            &[&["a"], &["b"]],
            &[("a", &[Some(ErrorClass::BadRequest)])],
            "a",
            Err(ErrorClass::BadRequest),
        ),
        ("a wrong key does not", &[&["a"], &["b"]], &[("a", &[Some(ErrorClass::Auth)])], "a b", Ok("b")),
        (
            "a wrong key alone is not tried again",
            &[&["a"]],
            &[("a", &[Some(ErrorClass::Auth)])],
            "a",
            Err(ErrorClass::Auth),
        ),
        ("alone: again after a pause", &[&["a"]], &[("a", &[Some(DOWN), Some(DOWN), None])], "a a a", Ok("a")),
        ("as long as it was told to wait", &[&["a"]], &[("a", &short)], "a a", Ok("a")),
        ("not when that is too long", &[&["a"]], &[("a", &long)], "a", Err(long[0].clone().unwrap())),
        ("tries are counted", &[&["a"]], &[("a", &[Some(DOWN)])], "a a a", Err(DOWN)),
        (
            "over all tiers",
            &[&["a", "a2"], &["b"]],
            &[("a", &[Some(DOWN)]), ("a2", &[Some(DOWN)]), ("b", &[Some(DOWN)])],
            "a a2 b a a2 b a a2 b",
            Err(DOWN),
        ),
        (
            "only those that may work again",
            &[&["a"], &["b"]],
            &[("a", &[Some(ErrorClass::Auth)]), ("b", &[Some(DOWN), None])],
            "a b b",
            Ok("b"),
        ),
        ("nobody", &[], &[], "", Err(ErrorClass::NotFound)),
    ];
    for (name, routes, answers, asked, outcome) in cases {
        let world = World::new(routes, answers);
        let answer = world.call(&Gateway::default(), &QUICK).await.map_err(|error| error.class);
        assert_eq!(world.asked(), *asked, "{name}");
        assert_eq!(answer.as_deref(), outcome.as_deref(), "{name}");
    }
}

#[tokio::test]
async fn keys_take_turns_and_one_that_was_limited_rests() {
    let gateway = Gateway::default();
    let world = World::new(&[&["a", "b", "c"]], &[("b", &[Some(LIMITED), None])]);
    let mut said = Vec::new();
    for _ in 0..9 {
        said.push(world.call(&gateway, &QUICK).await.unwrap());
    }
    assert_eq!(said.join(" "), "a c c a c c a c c", "b's turns go to the next");
    assert_eq!(world.asked().split(' ').filter(|name| *name == "b").count(), 1);
    assert!(gateway.health().resting("b").is_some_and(|left| left > Duration::from_secs(50)));
    gateway.health().forget("b");
    for _ in 0..3 {
        world.call(&gateway, &QUICK).await.unwrap();
    }
    assert!(world.asked().contains('b'), "a changed key is asked again");
}

#[tokio::test]
async fn when_all_rest_the_first_is_asked_all_the_same() {
    let gateway = Gateway::default();
    let once = Policy { retries: 0, ..QUICK };
    let world = World::new(&[&["a"], &["b"]], &[("a", &[Some(DOWN)]), ("b", &[Some(DOWN)])]);
    world.call(&gateway, &once).await.unwrap_err();
    assert_eq!(world.asked(), "a b");
    world.call(&gateway, &once).await.unwrap_err();
    assert_eq!(world.asked(), "a");
}

#[tokio::test]
async fn an_outage_does_not_multiply_calls() {
    let gateway = Gateway::default();
    let world = World::new(&[&["a"]], &[("a", &[Some(DOWN)])]);
    let policy = Policy { pause: Duration::ZERO, ..QUICK };
    for _ in 0..1000 {
        world.call(&gateway, &policy).await.unwrap_err();
    }
    assert_eq!(world.asked().split(' ').count(), 1000 + 100, "each call once, and the budget of retries");
}

#[tokio::test]
async fn a_trial_that_is_dropped_makes_room_for_the_next() {
    let gateway = Gateway::default();
    let routes = tiers(&[&["a"], &["b"]]);
    gateway.health.failed(&routes[0][0], Duration::from_nanos(1), Instant::now());
    tokio::time::sleep(Duration::from_millis(1)).await;
    let stuck = |_, _| std::future::pending::<Result<(), ModelError>>();
    let call = gateway.run(&routes, &QUICK, None, stuck, || error(ErrorClass::NotFound));
    assert!(tokio::time::timeout(Duration::from_millis(5), call).await.is_err());
    assert_eq!(gateway.health.admit("a", Instant::now()), Admission::Open);
}

/// Is ready when it was looked at so many times: everything that is waited for together is looked at equally often.
async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// What a route does: after so many turns, whether it answers.
type Does = (u32, bool);

#[tokio::test]
async fn a_slow_call_gets_company_and_the_first_answer_counts() {
    /// What it shows, when company is wanted and whether, what the routes do, who answers, and who was asked.
    type Case<'a> = (&'a str, (u32, bool), &'a [Does], Option<usize>, &'a [(usize, bool)]);
    let cases: &[Case<'_>] = &[
        ("quick enough", (50, true), &[(40, true), (10, true)], Some(0), &[(0, false)]),
        ("the second is quicker", (50, true), &[(500, true), (10, true)], Some(1), &[(0, false), (1, true)]),
        ("the first is quicker all the same", (50, true), &[(70, true), (90, true)], Some(0), &[(0, false), (1, true)]),
        ("not wanted", (50, false), &[(500, true), (10, true)], Some(0), &[(0, false)]),
        ("nobody else is there", (50, true), &[(500, true)], Some(0), &[(0, false)]),
        ("the first fails early", (50, true), &[(20, false), (10, true)], Some(1), &[(0, false), (1, false)]),
        ("the second fails", (50, true), &[(500, true), (10, false)], Some(0), &[(0, false), (1, true)]),
        ("the first fails late", (50, true), &[(100, false), (200, true)], Some(1), &[(0, false), (1, true)]),
        (
            "both fail, the third is asked",
            (50, true),
            &[(100, false), (10, false), (5, true)],
            Some(2),
            &[(0, false), (1, true), (2, false)],
        ),
        ("all fail", (50, true), &[(100, false), (10, false)], None, &[(0, false), (1, true)]),
    ];
    let once = Policy { retries: 0, ..QUICK };
    for (name, (after, is_wanted), does, answers, asked) in cases {
        let (gateway, log) = (Gateway::default(), Mutex::new(Vec::new()));
        let routes: Vec<Vec<Arc<str>>> = (0..does.len()).map(|number| vec![Arc::from(format!("r{number}"))]).collect();
        let attempt = |place: Place, is_hedge: bool| {
            log.lock().unwrap().push((place.tier, is_hedge));
            async move {
                let (after, works) = does[place.tier];
                turns(after).await;
                if works { Ok(place.tier) } else { Err(error(DOWN)) }
            }
        };
        let hedge: Hedge<'_> = Box::pin(async {
            turns(*after).await;
            *is_wanted
        });
        let answer = gateway.run(&routes, &once, Some(hedge), attempt, || error(ErrorClass::NotFound)).await;
        assert_eq!(answer.ok(), *answers, "{name}");
        assert_eq!(log.into_inner().unwrap(), *asked, "{name}");
    }
}

//! Every target takes its first inputs, and those that once were findings.

use super::*;

/// By target: what made it panic, and was mended.
fn findings(name: &str) -> Vec<Vec<u8>> {
    match name {
        // Read, but not written again: JSON that nests deeper than YAML may.
        "dsl" => (119..130)
            .flat_map(|depth| {
                let nest = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
                let app = format!(
                    "{{\"app\": {{\"mode\": \"workflow\"}}, \"kind\": \"app\", \"version\": \"0.4.0\", \"x\": {}}}",
                    nest(depth - 1)
                );
                [nest(depth).into_bytes(), app.into_bytes()]
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// In a thread with the stack that serves requests.
fn check(name: &'static str, most: usize) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let work = move || {
        let mut run = (target.start)().unwrap();
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        let step = seeds.len().div_ceil(most).max(1);
        for input in seeds.iter().step_by(step).chain(&findings(name)) {
            let began = Instant::now();
            run(input);
            let text = String::from_utf8_lossy(input);
            assert!(began.elapsed() < Duration::from_secs(60), "{name}: {text:.300}");
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

#[test]
fn conditions() {
    check("conditions", 200);
}

#[test]
fn documents() {
    check("dsl", 100);
}

#[test]
fn paths() {
    check("paths", 200);
}

#[test]
fn requests_to_the_proxy() {
    check("proxy", 200);
}

#[test]
fn answers_over_http() {
    check("responses", 40);
}

#[test]
fn whole_runs() {
    check("runs", 40);
}

#[test]
fn templates() {
    check("templates", 200);
}

#[test]
fn an_input_is_too_slow_when_it_is_so_twice() {
    let folder = std::env::temp_dir().join(format!("fuzz-watch-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (waits, expected) in [(vec![0], 0), (vec![400, 0], 0), (vec![400, 400], 1)] {
        let runs = waits.len();
        let watch = Watch::start("test", &folder, Duration::from_millis(300));
        let mut left = waits.into_iter();
        let mut run: Run = Box::new(move |_| {
            std::thread::sleep(Duration::from_millis(left.next().unwrap()));
            left.len() as u64
        });
        // Nothing is tried a third time.
        assert_eq!(tried(&mut run, &watch, b"x").unwrap(), 0, "{runs}");
        assert_eq!(watch.stop(), expected, "{runs}");
    }
    assert_eq!(fs::read(folder.join("test-slow-0")).unwrap(), b"x");
    fs::remove_dir_all(folder).unwrap();
}

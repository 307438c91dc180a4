//! Measures the sandbox: `cargo run --release -p ox-sandbox --example measure [runs]`.
//!
//! Latency is one run after the other; throughput is several in flight. Everything counts from the call of the
//! driver to its parsed answer, in confined processes, as the server uses them. The processor time is that of this
//! program and of all its processes, those that ended included: it does not depend on what else the machine does.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use ox_sandbox::{CodeLimits, CodeRequest, CodeRunner, Language, Local, Settings};

const IN_FLIGHT: [usize; 3] = [2, 4, 50];

fn main() -> ExitCode {
    if let Some(code) = ox_sandbox::run_if_worker(std::env::args_os()) {
        return code;
    }
    let runs = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    // On a thread of the runtime, as runs of the server are: the main thread would have to be woken once more.
    runtime.block_on(async { tokio::spawn(measure(runs)).await.unwrap_or(ExitCode::FAILURE) })
}

async fn measure(runs: usize) -> ExitCode {
    let sandbox = Local::new(Settings::default());
    for report in sandbox.check().await {
        println!("{}: {report} {}", report.language.as_str(), report.finding().unwrap_or_default());
    }
    for (language, code) in
        [(Language::JavaScript, "function main() { return {} }"), (Language::Python3, "def main():\n    return {}\n")]
    {
        let request = CodeRequest {
            caller: ox_net::Caller { workspace: "measure".into(), ..Default::default() },
            rules: None,
            language,
            code: code.into(),
            inputs: serde_json::Map::new(),
            limits: CodeLimits::default(),
        };
        let mut times = Vec::new();
        let before = processor_seconds();
        for _ in 0..runs {
            let started = Instant::now();
            if let Err(error) = sandbox.run(request.clone()).await {
                println!("{}: {error}", language.as_str());
                return ExitCode::FAILURE;
            }
            times.push(started.elapsed());
        }
        let used = per_run(processor_seconds() - before, runs);
        println!("{}: latency over {runs} runs: {}, {used}", language.as_str(), shown(times));
        for in_flight in IN_FLIGHT {
            throughput(&sandbox, &request, runs, in_flight).await;
        }
    }
    ExitCode::SUCCESS
}

async fn throughput(sandbox: &Local, request: &CodeRequest, runs: usize, in_flight: usize) {
    let before = processor_seconds();
    let started = Instant::now();
    let each = runs * 2 / in_flight;
    let lane = || async {
        let mut times = Vec::new();
        let mut failed = 0;
        for _ in 0..each {
            let began = Instant::now();
            failed += usize::from(sandbox.run(request.clone()).await.is_err());
            times.push(began.elapsed());
        }
        (times, failed)
    };
    let mut lanes: Vec<_> = (0..in_flight).map(|_| Box::pin(lane())).collect();
    let mut times = Vec::new();
    let mut failed = 0;
    // All lanes on one task: the driver's own work is small, the workers are other processes.
    std::future::poll_fn(|cx| {
        lanes.retain_mut(|lane| match lane.as_mut().poll(cx) {
            std::task::Poll::Ready((lane_times, lane_failed)) => {
                times.extend(lane_times);
                failed += lane_failed;
                false
            }
            std::task::Poll::Pending => true,
        });
        if lanes.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    let took = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
    let rate = times.len() as f64 / took;
    let language = request.language.as_str();
    let used = per_run(processor_seconds() - before, times.len());
    println!("{language}: {in_flight} in flight: {rate:.0} runs/s, {failed} failed: {}, {used}", shown(times));
}

fn per_run(seconds: f64, runs: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
    let each = seconds * 1000.0 / runs.max(1) as f64;
    format!("{each:.2} ms of processor time each")
}

/// Time that this process and its descendants used, with that of the processes that they waited for.
fn processor_seconds() -> f64 {
    let mut known = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<u64> = rest.split(' ').map(|field| field.parse().unwrap_or_default()).collect();
        let parent = fields.get(1).copied().unwrap_or_default();
        known.push((u64::from(pid), parent, fields.iter().skip(11).take(4).sum::<u64>()));
    }
    let mut ours = vec![u64::from(std::process::id())];
    let mut at = 0;
    while let Some(current) = ours.get(at).copied() {
        ours.extend(known.iter().filter(|(_, parent, _)| *parent == current).map(|(pid, ..)| *pid));
        at += 1;
    }
    let ticks: u64 = known.iter().filter(|(pid, ..)| ours.contains(pid)).map(|(.., ticks)| ticks).sum();
    #[expect(clippy::cast_precision_loss, reason = "a count of hundredths of a second")]
    let seconds = ticks as f64 / 100.0;
    seconds
}

fn shown(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    format!("p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms", at(50), at(95), at(99))
}

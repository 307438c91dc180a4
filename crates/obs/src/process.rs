//! Metrics of the process and of the runtime, read when asked for.

use std::{
    fmt::Write,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

/// Ticks a second in `/proc`, the same on every Linux.
const TICKS: f64 = 100.0;

pub(crate) fn render(started: SystemTime) -> String {
    let mut out = String::new();
    let start = started.duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    put(&mut out, "process_start_time_seconds", "gauge", "When the process started.", Some(start));
    put(&mut out, "process_cpu_seconds_total", "counter", "Time on processors.", cpu_seconds());
    put(&mut out, "process_resident_memory_bytes", "gauge", "Memory in use.", status_bytes("VmRSS:"));
    put(&mut out, "process_virtual_memory_bytes", "gauge", "Address space in use.", status_bytes("VmSize:"));
    put(&mut out, "process_open_fds", "gauge", "Open files and connections.", open_files());
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let numbers = runtime.metrics();
        put(&mut out, "tokio_workers", "gauge", "Worker threads.", Some(float(numbers.num_workers())));
        put(
            &mut out,
            "tokio_alive_tasks",
            "gauge",
            "Tasks that have not ended.",
            Some(float(numbers.num_alive_tasks())),
        );
        put(
            &mut out,
            "tokio_global_queue_depth",
            "gauge",
            "Tasks that wait for a worker.",
            Some(float(numbers.global_queue_depth())),
        );
    }
    out
}

fn put(out: &mut String, name: &str, kind: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before it may contain anything, also spaces and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn status_bytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn open_files() -> Option<f64> {
    // The listing itself holds one open.
    fs::read_dir("/proc/self/fd").ok().map(|files| float(files.count().saturating_sub(1)))
}

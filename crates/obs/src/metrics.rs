use std::time::SystemTime;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{BUCKETS, Error, Kind, METRICS, Result, process};

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    started: SystemTime,
}

impl Metrics {
    /// Starts collecting, and describes every metric of the table. Once per process.
    ///
    /// # Errors
    /// When somebody was faster.
    pub fn install(version: &str, commit: &str, role: &str) -> Result<Self> {
        let handle = PrometheusBuilder::new()
            .set_buckets(BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|e| Error::AlreadySet(e.to_string()))?;
        for metric in METRICS {
            match metric.kind {
                Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
                Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
                Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
            }
        }
        let labels = [("version", version.to_owned()), ("commit", commit.to_owned()), ("role", role.to_owned())];
        metrics::gauge!("oxidify_build_info", &labels).set(1.0);
        Ok(Self { handle, started: SystemTime::now() })
    }

    /// The text that `/metrics` answers.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        text.push_str(&process::render(self.started));
        text
    }

    /// Frees memory of histograms; call it every few seconds.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn render_has_counts_buckets_and_the_process() {
        let metrics = Metrics::install("0.1.0", "abc", "all").unwrap();
        metrics::counter!("oxidify_http_requests_total", "route" => "/v1/info", "method" => "GET", "status_class" => "2xx")
            .increment(2);
        metrics::histogram!("oxidify_node_duration_seconds", "node_type" => "llm", "status" => "succeeded")
            .record(0.02);
        metrics.upkeep();
        let text = metrics.render();
        for line in [
            "# TYPE oxidify_http_requests_total counter",
            r#"oxidify_http_requests_total{route="/v1/info",method="GET",status_class="2xx"} 2"#,
            r#"oxidify_node_duration_seconds_bucket{node_type="llm",status="succeeded",le="0.025"} 1"#,
            r#"oxidify_node_duration_seconds_bucket{node_type="llm",status="succeeded",le="0.01"} 0"#,
            r#"oxidify_build_info{version="0.1.0",commit="abc",role="all"} 1"#,
            "# TYPE process_start_time_seconds gauge",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
        #[cfg(target_os = "linux")]
        for name in ["process_resident_memory_bytes ", "process_cpu_seconds_total ", "process_open_fds "] {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() >= 0.0, "{line}");
        }
        assert!(matches!(Metrics::install("", "", ""), Err(Error::AlreadySet(_))));
    }
}

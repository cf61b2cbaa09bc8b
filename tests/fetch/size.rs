//! What a download costs: `cargo test --release --test fetch size -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use alertq::serve::Limits;
use tempfile::TempDir;

use super::faults::Script;
use super::log_analytics::{run, say};
use super::server::{Server, WORKSPACE};
use super::table::{Alerts, downloaded_prints, moment};

/// Downloads so many rows. Returns the seconds that it took, and the most memory that it held, in kB.
fn measured(rows: u64) -> (f64, u64) {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(rows));
    let (begun, peak) = run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_alertq"));
        command.args(["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "out"]);
        command.args(["--identity", "none", "--logs-endpoint", &server.address]).current_dir(folder.path());
        let (begun, mut child) = (Instant::now(), command.spawn().unwrap());
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let value = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak = value.unwrap_or(peak);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(child.wait().unwrap().success());
        (begun.elapsed().as_secs_f64(), peak)
    });
    let whole = alerts.prints(moment("2026-06-01"), i64::MAX, i64::MAX);
    assert!(downloaded_prints(&folder.path().join("out")) == whole, "other rows");
    say(&format!("{rows} rows: {begun:.1} s, {:.0} rows/s, {} MB", rows as f64 / begun, peak / 1024));
    (begun, peak)
}

#[test]
#[ignore = "a million rows"]
fn memory_stays_flat_from_a_hundred_thousand_to_a_million_rows() {
    let (_, small) = measured(100_000);
    let (_, large) = measured(1_000_000);
    assert!(large < small + small / 4, "{small} kB, then {large} kB");
}

//! A table over a long time: every row, whatever the server does.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use alertq::fetch::{ErrorKind, Event, Job, Logs, Report, Subject};
use alertq::serve::Limits;
use alertq::types::ticks;
use tempfile::TempDir;

use super::faults::{ALL, Fault, Script};
use super::server::{SECRET, Server, TOKEN};
use super::table::{Alerts, downloaded, downloaded_prints, moment};

/// Runs on threads with room for the engine's frames.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_stack_size(alertq::serve::STACK)
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn job<'a>(logs: &'a Logs, folder: &Path, window_rows: u64) -> Job<'a> {
    Job {
        logs,
        subject: Subject::of_table("SecurityAlert"),
        from: moment("2026-06-01"),
        to: Some(moment("2026-07-01")),
        folder: folder.to_path_buf(),
        window_rows,
        settle: 0,
    }
}

/// Everything that was ever ingested.
const ALWAYS: i64 = i64::MAX;

fn whole(alerts: &Alerts) -> Vec<String> {
    alerts.lines(moment("2026-06-01"), moment("2026-07-01"), ALWAYS)
}

#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Told {
    /// Returns how often a window was cut.
    fn splits(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Split { .. })).count()
    }
}

impl Report for Told {
    fn tell(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[test]
fn a_table_comes_whole_in_windows() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(1500));
    run(async {
        let server = Server::start(alerts.clone(), Limits { rows: 100, bytes: 1 << 20 }, Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        let summary = job(&logs, folder.path(), 100).run().await.unwrap();
        assert_eq!((summary.rows, summary.new_rows), (1500, 1500));
        assert!(server.state.most.load(Ordering::SeqCst) <= 5);
        // Nothing is asked for twice.
        let before = server.state.requests.load(Ordering::SeqCst);
        let again = job(&logs, folder.path(), 100).run().await.unwrap();
        assert_eq!((again.rows, again.new_rows), (1500, 0));
        assert_eq!(server.state.requests.load(Ordering::SeqCst) - before, 3);
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

#[test]
fn windows_that_are_too_large_are_halved() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(600));
    run(async {
        // Counted by rows, cut off by bytes: 120 rows of one moment are among them.
        let server = Server::start(alerts.clone(), Limits { rows: 1000, bytes: 100_000 }, Script::none()).await;
        let told = Arc::new(Told::default());
        let logs = server.logs_with(folder.path(), 1, 3, told.clone());
        job(&logs, folder.path(), 200).run().await.unwrap();
        assert!(told.splits() >= 4, "{}", told.splits());
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

/// The list of what was counted is an answer too: where it is too long, fewer parts are counted at a time.
#[test]
fn counts_that_are_too_many_are_asked_for_in_fewer_parts() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(1500));
    run(async {
        let server = Server::start(alerts.clone(), Limits { rows: 40, bytes: 1 << 20 }, Script::none()).await;
        let logs = server.logs(folder.path(), 1, 20);
        job(&logs, folder.path(), 5000).run().await.unwrap();
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

/// A busy service cuts answers, several in a row: counts, which cannot be split for it, are asked for again.
#[test]
fn answers_that_are_cut_are_asked_for_again() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(1500));
    run(async {
        // The sixth in a row is where it gives up.
        let script = Script::first(5, Fault::Partial);
        let server = Server::start(alerts.clone(), Limits { rows: 100, bytes: 1 << 20 }, script).await;
        let logs = server.logs(folder.path(), 1, 100);
        job(&logs, folder.path(), 100).run().await.unwrap();
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

/// Records of one moment and one identifier stay together however often their window is cut for a service that is slow
/// for a while: what cannot be cut is asked for again.
#[test]
fn windows_that_cannot_be_cut_are_asked_for_again() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(100));
    run(async {
        let limits = Limits { rows: 10, bytes: 1 << 20 };
        let server = Server::start(alerts.clone(), limits, Script::first(600, Fault::Crowded)).await;
        let logs = server.logs(folder.path(), 1, 1000);
        job(&logs, folder.path(), 10).run().await.unwrap();
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

/// Downloads with every fault at this share, and holds the rows against the table. Returns how often a window was cut.
fn against_faults(alerts: &Arc<Alerts>, window_rows: u64, bytes: usize, seed: u64, share: f64) -> usize {
    let (folder, told) = (TempDir::new().unwrap(), Arc::new(Told::default()));
    run(async {
        let limits = Limits { rows: window_rows as usize, bytes };
        let server = Server::start(alerts.clone(), limits, Script::new(seed, &ALL, share)).await;
        let logs = server.logs_with(folder.path(), seed, 100, told.clone());
        job(&logs, folder.path(), window_rows).run().await.unwrap();
    });
    let whole = alerts.prints(moment("2026-06-01"), moment("2026-07-01"), ALWAYS);
    assert!(downloaded_prints(folder.path()) == whole, "seed {seed}: other rows");
    no_secrets(folder.path());
    told.splits()
}

#[test]
fn every_fault_is_survived() {
    let alerts = Alerts::new(1000);
    for seed in 1..=3 {
        against_faults(&alerts, 50, 1 << 20, seed, 0.03);
    }
}

/// The same at full size: `cargo test --release --test fetch full_size -- --ignored`. `ALERTQ_SEEDS=11-20` says which seeds,
/// so that two processes can share them.
#[test]
#[ignore = "a million rows, twenty times"]
fn every_fault_is_survived_at_full_size() {
    let seeds = std::env::var("ALERTQ_SEEDS").unwrap_or("1-20".to_string());
    let (first, last) = seeds.split_once('-').expect("the first and the last seed");
    let alerts = Alerts::new(1_000_000);
    for seed in first.parse().unwrap()..=last.parse().unwrap() {
        let begun = std::time::Instant::now();
        // Windows are counted by rows and hold more bytes than an answer may have: nearly each of them is cut.
        let splits = against_faults(&alerts, 5000, 8_000_000, seed, 0.05);
        say(&format!("seed {seed}: {splits} splits, {:.0} s", begun.elapsed().as_secs_f64()));
        assert!(splits >= 200, "seed {seed}: {splits} splits");
    }
}

/// Stops a download after so many requests each time, until it is done; the first time once it is planned.
fn interrupted(rows: u64, window_rows: u64, step: usize) -> usize {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(rows));
    let manifest = folder.path().join("_fetch.json");
    let mut stops = 0;
    run(async {
        let limits = Limits { rows: window_rows as usize, ..Limits::default() };
        let server = Server::start(alerts.clone(), limits, Script::new(7, &ALL, 0.01)).await;
        loop {
            let logs = server.logs(folder.path(), stops as u64, 100);
            let job = job(&logs, folder.path(), window_rows);
            let until = server.state.requests.load(Ordering::SeqCst) + step + stops % 3;
            let enough = async {
                while !manifest.exists() || server.state.requests.load(Ordering::SeqCst) < until {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                done = job.run() => {
                    assert_eq!(done.unwrap().rows, rows);
                    break;
                }
                () = enough => stops += 1,
            }
            // Whole or not at all.
            if visible(folder.path()) {
                assert_eq!(downloaded_prints(folder.path()).len() as u64, rows, "a part of the download is shown");
            }
        }
    });
    let whole = alerts.prints(moment("2026-06-01"), moment("2026-07-01"), ALWAYS);
    assert!(downloaded_prints(folder.path()) == whole, "other rows");
    stops
}

pub fn visible(folder: &Path) -> bool {
    let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.any(|name| !name.starts_with(['.', '_']))
}

#[test]
fn a_download_that_is_stopped_goes_on() {
    let stops = interrupted(800, 40, 8);
    assert!(stops >= 3, "{stops}");
}

/// Returns the windows that a download has finished, and those that it has counted: of its manifest and the lines behind it.
fn known_windows(folder: &Path) -> (usize, usize) {
    let read = |name: String| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&read("_fetch.json".to_string())).unwrap_or_default();
    let lines = read(format!("_fetch.{}.jsonl", manifest["state"]));
    let lines: Vec<serde_json::Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let windows = manifest["generations"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|generation| generation["windows"].as_array());
    let windows: Vec<_> = windows.flatten().collect();
    let counted = lines.iter().filter_map(|line| line["counted"]["pieces"].as_array()).flatten();
    let by = lines.iter().filter_map(|line| line["fetched"]["by"].as_array()).flatten();
    let is_done = |window: &&serde_json::Value| window["done"]["file"].is_string();
    (windows.iter().copied().chain(by).filter(is_done).count(), windows.len() + counted.count())
}

/// Tells whether there are lines behind the manifest that say something.
fn has_journal(folder: &Path, text: &str) -> bool {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let journal = files.find(|path| path.extension().is_some_and(|end| end == "jsonl"));
    journal.is_some_and(|path| std::fs::read_to_string(path).is_ok_and(|lines| lines.contains(text)))
}

#[test]
fn each_window_that_is_finished_stays_finished() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(120));
    run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let (mut stops, mut finished) = (0, 0);
        loop {
            let logs = server.logs(folder.path(), 1, 3);
            let job = job(&logs, folder.path(), 4);
            let one_more = async {
                // The lines that an earlier stop left are in the manifest by then.
                while !has_journal(folder.path(), "\"fetched\"") || known_windows(folder.path()).0 <= finished {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                done = job.run() => {
                    assert_eq!(done.unwrap().rows, 120);
                    break;
                }
                () = one_more => {}
            }
            stops += 1;
            let now = known_windows(folder.path()).0;
            assert!(now > finished, "{stops} stops: {now} windows, {finished} before");
            finished = now;
        }
        assert!(stops > 10, "{stops}");
        assert!(!has_journal(folder.path(), ""));
        // A manifest of before there were such lines says nothing of its state.
        let path = folder.path().join("_fetch.json");
        let mut manifest: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(manifest.as_object_mut().unwrap().remove("state").is_some());
        std::fs::write(&path, manifest.to_string()).unwrap();
        let logs = server.logs(folder.path(), 1, 3);
        assert_eq!(job(&logs, folder.path(), 4).run().await.unwrap().new_rows, 0);
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

#[test]
fn counting_goes_on_where_it_stopped() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(900));
    run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        let requests = || server.state.requests.load(Ordering::SeqCst);
        job(&logs, folder.path(), 7).dry_run().await.unwrap();
        let whole = requests();
        let half = async {
            while requests() < whole + whole / 2 {
                tokio::task::yield_now().await;
            }
        };
        let job = job(&logs, folder.path(), 7);
        tokio::select! {
            done = job.run() => panic!("it should have been stopped: {done:?}"),
            () = half => {}
        }
        assert!(known_windows(folder.path()).1 > 0);
        let before = requests();
        assert_eq!(job.run().await.unwrap().rows, 900);
        // A request for each of the windows with rows, and no more than what was left to count.
        let windows = 900 / 7 * 3;
        assert!(requests() - before < windows + whole * 2 / 3, "{} {whole}", requests() - before);
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

#[test]
fn records_without_an_identifier_are_told_apart_by_all_they_hold() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(600));
    run(async {
        let server = Server::start(alerts.clone(), Limits { rows: 40, bytes: 1 << 20 }, Script::none()).await;
        let told = Arc::new(Told::default());
        let logs = server.logs_with(folder.path(), 1, 3, told.clone());
        let mut job = job(&logs, folder.path(), 40);
        job.subject.identifier = "_ItemId".to_string();
        job.run().await.unwrap();
        let note = Event::Note("SecurityAlert has no _ItemId: records are told apart by all they hold".to_string());
        assert!(told.0.lock().unwrap().contains(&note));
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

#[test]
fn what_a_killed_run_left_is_swept_away() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(20));
    let left = folder.path().join(".alertq-left");
    std::fs::write(&left, "half an answer").unwrap();
    run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        job(&logs, folder.path(), 40).run().await.unwrap();
    });
    assert!(!left.exists());
}

#[test]
#[ignore = "fifty stops in a million rows"]
fn a_download_that_is_stopped_fifty_times_goes_on() {
    let stops = interrupted(1_000_000, 4000, 12);
    assert!(stops >= 50, "{stops}");
}

#[test]
fn late_rows_are_the_next_generation() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(600));
    let (early, late) = (moment("2026-06-30"), moment("2026-08-01"));
    run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        alerts.set_now(early);
        let first = job(&logs, folder.path(), 100).run().await.unwrap();
        assert_eq!(first.until, Some(early));
        assert_eq!(downloaded(folder.path()), alerts.lines(moment("2026-06-01"), moment("2026-07-01"), early));
        alerts.set_now(late);
        let second = job(&logs, folder.path(), 100).run().await.unwrap();
        assert_eq!((second.rows, second.until), (600, Some(late)));
        assert!(second.new_rows > 0 && first.rows + second.new_rows == 600);
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

#[test]
fn records_that_could_not_be_seen_in_time_are_an_error() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(600));
    run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        alerts.set_now(moment("2026-06-28"));
        alerts.set_delay(ticks::TICKS_PER_DAY);
        job(&logs, folder.path(), 100).run().await.unwrap();
        alerts.set_now(moment("2026-08-01"));
        let error = job(&logs, folder.path(), 100).run().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Incomplete);
        assert!(error.to_string().contains("--settle"), "{error}");
        // Waiting for long enough finds them.
        let patient = TempDir::new().unwrap();
        let logs = server.logs(patient.path(), 1, 3);
        for now in ["2026-06-28", "2026-08-01"] {
            alerts.set_now(moment(now));
            Job { settle: 2 * ticks::TICKS_PER_DAY, ..job(&logs, patient.path(), 100) }.run().await.unwrap();
        }
        assert_eq!(downloaded(patient.path()), whole(&alerts));
    });
}

#[test]
fn rows_that_are_not_those_counted_are_an_error() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(50));
    run(async {
        let server = Server::start(alerts, Limits::default(), Script::new(1, &[Fault::Missing], 1.0)).await;
        let logs = server.logs(folder.path(), 1, 3);
        let error = job(&logs, folder.path(), 100).run().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Incomplete);
    });
    assert!(!visible(folder.path()));
}

#[test]
fn a_folder_belongs_to_one_download() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(50));
    run(async {
        let server = Server::start(alerts, Limits::default(), Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        job(&logs, folder.path(), 100).run().await.unwrap();
        let other = Job { from: moment("2026-06-02"), ..job(&logs, folder.path(), 100) };
        let error = other.run().await.unwrap_err();
        assert!(error.message.contains("its beginning is 2026-06-01"), "{error}");
        // Files that are gone are noticed.
        let mut generation = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let generation = generation.find(|path| path.to_string_lossy().contains("ingested")).unwrap();
        std::fs::remove_dir_all(generation).unwrap();
        let error = job(&logs, folder.path(), 100).run().await.unwrap_err();
        assert!(error.message.contains("is gone"), "{error}");
    });
}

#[test]
fn a_dry_run_shows_windows_without_a_gap() {
    let alerts = Alerts::new(500);
    run(async {
        let server = Server::start(alerts, Limits::default(), Script::none()).await;
        let folder = TempDir::new().unwrap();
        let logs = server.logs(folder.path(), 1, 3);
        let pieces = job(&logs, folder.path(), 60).dry_run().await.unwrap();
        assert_eq!(pieces.iter().map(|piece| piece.rows).sum::<u64>(), 500);
        assert!(pieces.iter().all(|piece| piece.rows <= 60));
        let mut reached = moment("2026-06-01");
        for piece in &pieces {
            match piece.bucket {
                Some(bucket) if bucket.index > 0 => assert_eq!(piece.to, reached),
                _ => assert_eq!(piece.from, reached),
            }
            reached = piece.to;
        }
        assert_eq!(reached, moment("2026-07-01"));
        assert!(pieces.iter().any(|piece| piece.bucket.is_some() && piece.to - piece.from == 1));
        assert!(!visible(folder.path()));
    });
}

#[test]
fn an_open_end_takes_what_there_is() {
    let (folder, alerts) = (TempDir::new().unwrap(), Alerts::new(50));
    run(async {
        let server = Server::start(alerts.clone(), Limits::default(), Script::none()).await;
        let logs = server.logs(folder.path(), 1, 3);
        let open = Job { to: None, settle: 5 * ticks::TICKS_PER_MINUTE, ..job(&logs, folder.path(), 20) };
        assert_eq!(open.run().await.unwrap().rows, 50);
    });
    assert_eq!(downloaded(folder.path()), whole(&alerts));
}

/// Says what was measured.
pub fn say(text: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Looks for what is secret in every file below a folder.
pub fn no_secrets(folder: &Path) {
    let mut left = vec![folder.to_path_buf()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for secret in [SECRET, TOKEN] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
        }
    }
}

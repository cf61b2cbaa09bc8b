//! What a conversion leaves that is killed, or that finds no room: a whole file or none, and nothing for the next run to
//! stumble over.
#![cfg(unix)]

use super::*;

/// Makes a folder of exports in which each file is as large as one batch or more.
fn exports(files: usize, rows: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in 0..files {
        let (out, seed) = (format!("in/{file}.jsonl"), file.to_string());
        fs::create_dir_all(folder.path().join("in")).unwrap();
        let run = run_in(folder.path(), &["sample", "--rows", rows, "--days", "3", "--seed", &seed, "--out", &out], "");
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    }
    folder
}

/// Returns the bytes of all files below a folder.
fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |path: PathBuf| if path.is_dir() { bytes(&path) } else { path.metadata().map_or(0, |m| m.len()) };
    entries.map(|entry| size(entry.path())).sum()
}

/// Starts a command and kills it as soon as the folder of its results holds so many bytes; tells whether it was killed.
fn killed_at(folder: &Path, arguments: &[&str], results: &str, limit: u64) -> bool {
    let mut command = alertq(folder, arguments);
    // What a killed process leaves of its temporary files goes away with the folder.
    let mut child = command.env("TMPDIR", folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0));
            return false;
        }
        if bytes(&folder.join(results)) >= limit {
            // SIGKILL: nothing of the process's own runs any more.
            child.kill().unwrap();
            return child.wait().unwrap().code().is_none();
        }
        std::thread::yield_now();
    }
}

fn count(folder: &TempDir, data: &str) -> Value {
    rows(&query(folder.path(), data, "SecurityAlert | count"))
}

#[test]
fn a_killed_conversion_leaves_a_whole_file_or_none() {
    let folder = exports(1, "200");
    fs::create_dir(folder.path().join("out")).unwrap();
    let arguments = ["convert", "in/", "--out", "out/t.jsonl"];
    assert_eq!(run_in(folder.path(), &arguments, "").status, Some(0));
    let whole = fs::read(folder.path().join("out/t.jsonl")).unwrap();
    let mut killed = 0;
    for turn in 0..60 {
        fs::remove_file(folder.path().join("out/t.jsonl")).unwrap();
        let limit = whole.len() as u64 * turn / 60;
        killed += u32::from(killed_at(folder.path(), &arguments, "out", limit));
        if let Ok(left) = fs::read(folder.path().join("out/t.jsonl")) {
            assert_eq!(left, whole);
        }
        assert_eq!(run_in(folder.path(), &arguments, "").status, Some(0));
        assert_eq!(fs::read(folder.path().join("out/t.jsonl")).unwrap(), whole);
        assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1, "the killed run left something");
    }
    assert!(killed > 0, "nothing was killed");
}

#[test]
fn a_killed_conversion_of_a_folder_is_completed_by_the_next() {
    let folder = exports(2, "40");
    let arguments = ["convert", "in/", "--out", "out/", "--partition-by", "day"];
    assert_eq!(run_in(folder.path(), &arguments, "").status, Some(0));
    let all = bytes(&folder.path().join("out"));
    let mut killed = 0;
    for turn in 0..40 {
        fs::remove_dir_all(folder.path().join("out")).unwrap();
        killed += u32::from(killed_at(folder.path(), &arguments, "out", all * turn / 40));
        assert_eq!(run_in(folder.path(), &arguments, "").status, Some(0));
        assert_eq!(count(&folder, "out/"), json!([[80]]));
        assert_eq!(fs::read_dir(folder.path().join("out/_alertq/tmp")).unwrap().count(), 0);
    }
    assert!(killed > 0, "nothing was killed");
}

/// Runs a command that may not write files larger than so many blocks of 512 or 1024 bytes.
fn limited(folder: &Path, blocks: u32, arguments: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_alertq")]);
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().unwrap(), b"")
}

#[test]
fn a_file_that_finds_no_room_is_told_and_not_left_half() {
    let folder = exports(1, "400");
    fs::create_dir(folder.path().join("out")).unwrap();
    // Both systems of blocks leave less room than the results need.
    for out in ["out/t.jsonl", "out/t.parquet", "out/t.csv"] {
        refused(&limited(folder.path(), 16, &["convert", "in/", "--out", out]), &[out, "cannot be written"]);
        refused(&limited(folder.path(), 16, &["sample", "--rows", "400", "--out", out]), &[out, "cannot be written"]);
    }
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 0);
    let arguments = ["convert", "in/", "--out", "tables/"];
    refused(&limited(folder.path(), 16, &arguments), &["tables/", "cannot be written"]);
    assert_eq!(run_in(folder.path(), &arguments, "").status, Some(0));
    assert_eq!(count(&folder, "tables/"), json!([[400]]));
}

//! Runs the pages of `fixtures/language`.

use std::fs;
use std::path::PathBuf;

use super::page::{Case, cases};
use super::run::{PLAIN, Rows, Setting, refusals, run};

fn pages() -> Vec<(String, Vec<Case>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/language");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "md") && file.file_stem().is_some_and(|s| s != "README"));
    files.sort();
    let page = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let cases = cases(&fs::read_to_string(file).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, cases)
    };
    files.iter().map(page).collect()
}

/// Returns the query of every case.
pub fn queries() -> Vec<String> {
    pages().into_iter().flat_map(|(_, cases)| cases).map(|case| case.query).collect()
}

/// Returns what a case says and what came out, where they differ.
fn fault(case: &Case) -> Option<String> {
    if !case.refused.is_empty() {
        let found = refusals(&case.query).into_iter().map(|problem| {
            let place = case.query.get(problem.span.start..problem.span.end).unwrap_or("?");
            (problem.code.to_string(), place.split_whitespace().collect::<Vec<_>>().join(" "))
        });
        let found: Vec<(String, String)> = found.collect();
        return (found != case.refused).then(|| format!("refused for {found:?}, not for {:?}", case.refused));
    }
    let found = match run(&case.query, PLAIN) {
        Ok(found) => found,
        Err(error) => return Some(error),
    };
    let head: Vec<String> = found.columns.iter().map(|c| format!("{}: {}", c.name, c.scalar_type)).collect();
    let mut expected = case.rows.clone();
    if !found.ordered {
        expected.sort();
    }
    let cells = found.cells();
    (head != case.head || cells != expected).then(|| format!("came out:\n{}", table(&head, &cells)))
}

/// Writes a table as it stands on a page.
fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    rows.iter().fold(line(head) + &rule, |text, row| text + &line(row))
}

#[test]
fn pages_say_what_comes_out() {
    let mut faults = Vec::new();
    for (name, cases) in pages() {
        for case in &cases {
            faults.extend(fault(case).map(|fault| format!("{name}, {}:\n{}\n{fault}", case.title, case.query)));
        }
    }
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}

/// Rows depend neither on how the work is divided nor on what is done to make it faster.
#[test]
fn pages_say_the_same_in_parts() {
    let mut faults = Vec::new();
    for (name, cases) in pages() {
        for case in cases.iter().filter(|case| case.refused.is_empty()) {
            // Its fault is the other test's.
            let Ok(whole) = run(&case.query, PLAIN) else { continue };
            for setting in settings() {
                let parts = run(&case.query, setting);
                if parts.as_ref().map(Rows::cells) != Ok(whole.cells()) {
                    faults.push(format!(
                        "{name}, {}, {setting:?}:\n{}\n{parts:?}\nnot {whole:?}",
                        case.title, case.query
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}

fn settings() -> Vec<Setting> {
    let sizes = [1, 7, 8192];
    let parts = [(1, false, true), (2, true, true), (2, true, false)];
    let all = parts.iter().flat_map(|(partitions, scanned, optimized)| {
        let setting = Setting { partitions: *partitions, batch_size: 0, scanned: *scanned, optimized: *optimized };
        sizes.iter().map(move |size| Setting { batch_size: *size, ..setting })
    });
    all.collect()
}

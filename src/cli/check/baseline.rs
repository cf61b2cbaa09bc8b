//! Problems that are known already: a project with many begins to check without mending them all first.
//!
//! ```json
//! {"version": 1, "findings": [{"path": "rules/a.yaml", "code": "AQ602", "line": "| where a has 'x'", "count": 1}]}
//! ```
//!
//! A finding is known by its file, its code and the text of its line, so that an edit elsewhere does not make it look
//! new. Paths are relative to the folder of the baseline where they lie below it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::Checked;
use crate::cli::Outcome;
use crate::cli::console::Console;
use crate::cli::input;
use crate::cli::output::Output;
use crate::cli::stop::Stop;
use crate::diagnostic::render::Lines;
use crate::diagnostic::{Diagnostic, Span};

const VERSION: u32 = 1;

/// What of the findings is told, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Findings")]
pub(super) struct Reported {
    /// Leaves out the findings that this file holds.
    #[arg(long, value_name = "PATH")]
    baseline: Option<PathBuf>,
    /// Writes all findings to this file, for --baseline, and tells none.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["baseline", "statistics"])]
    write_baseline: Option<PathBuf>,
    /// Counts the findings of each code in place of telling them.
    #[arg(long)]
    pub(super) statistics: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Known>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    path: String,
    code: String,
    line: String,
    count: usize,
}

/// Path, code, and the text of the line.
type Key = (String, String, String);

impl Reported {
    /// Writes the baseline, and says how the command ends then; or takes what it holds from the findings.
    pub(super) fn baseline(&self, checked: &mut [Checked], console: &Console) -> Result<Option<Outcome>, Stop> {
        if let Some(path) = &self.write_baseline {
            // In the place of another file it would take away what somebody else needs.
            if path.metadata().is_ok_and(|there| there.is_file() && there.len() > 0) {
                read(path).map_err(|stop| stop.help("it would be lost: give --write-baseline another name"))?;
            }
            write(path, checked, console)?;
            return Ok(Some(Outcome::Clean));
        }
        if let Some(path) = &self.baseline {
            let left = subtract(read(path)?, path, checked);
            if left > 0 {
                console.note(&format!("{left} findings of the baseline are gone: --write-baseline writes it anew"));
            }
        }
        Ok(None)
    }
}

fn write(path: &Path, checked: &[Checked], console: &Console) -> Result<(), Stop> {
    let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
    for checked in checked {
        let lines = Lines::new(&checked.input.text);
        for diagnostic in &checked.diagnostics {
            *counts.entry(key(path, checked, &lines, diagnostic)).or_default() += 1;
        }
    }
    let total: usize = counts.values().sum();
    let findings = counts.into_iter().map(|((path, code, line), count)| Known { path, code, line, count }).collect();
    let text = serde_json::to_string_pretty(&File { version: VERSION, findings }).map_err(Stop::failure)?;
    let mut output = Output::open(Some(path))?;
    output.text(&format!("{text}\n"))?;
    output.finish()?;
    let s = if total == 1 { "" } else { "s" };
    console.note(&format!("{}: {total} finding{s} written", path.display()));
    Ok(())
}

fn read(path: &Path) -> Result<BTreeMap<Key, usize>, Stop> {
    let input = input::file(path)?;
    let file: File = serde_json::from_str(&input.text).map_err(|error| {
        Stop::failure(format!("{} is no baseline: {error}", input.name)).help("--write-baseline writes one")
    })?;
    if file.version != VERSION {
        return Err(Stop::failure(format!("{} has version {}, not {VERSION}", input.name, file.version))
            .help("--write-baseline writes it anew"));
    }
    let mut counts = BTreeMap::new();
    for Known { path, code, line, count } in file.findings {
        *counts.entry((path, code, line)).or_default() += count;
    }
    Ok(counts)
}

/// Takes the known findings away, and returns how many of them were not found.
fn subtract(mut known: BTreeMap<Key, usize>, path: &Path, checked: &mut [Checked]) -> usize {
    for checked in checked {
        let text = std::mem::take(&mut checked.input.text);
        let lines = Lines::new(&text);
        let diagnostics = std::mem::take(&mut checked.diagnostics);
        let is_new = |diagnostic: &Diagnostic| match known.get_mut(&key(path, checked, &lines, diagnostic)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        let diagnostics = diagnostics.into_iter().filter(is_new).collect();
        checked.diagnostics = diagnostics;
        checked.input.text = text;
    }
    known.values().sum()
}

fn key(baseline: &Path, checked: &Checked, lines: &Lines, diagnostic: &Diagnostic) -> Key {
    let Span { start, end } = lines.line_of(diagnostic.span.start);
    let text = lines.text()[start..end].trim();
    (relative(baseline, &checked.input.name), diagnostic.code.to_string(), text.to_string())
}

/// Returns the path of a file as seen from the folder of the baseline, with `/`.
fn relative(baseline: &Path, name: &str) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = absolute(baseline).parent().map(Path::to_path_buf).unwrap_or_default();
    let path = absolute(Path::new(name));
    let path = path.strip_prefix(&folder).unwrap_or(Path::new(name));
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| part.as_os_str().to_string_lossy().replace('\\', "/")).collect::<Vec<_>>().join("/")
}

//! `--since`: what must change from one commit to the next, and what must not.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Checked;
use crate::cli::stop::Stop;
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::checks::Levels;
use crate::rules::model::Form;
use crate::rules::{Rule, form, write};

/// Tells which rules in YAML have changed since a commit and kept their version (AQ545), or have got another id (AQ546).
pub(super) fn tell(checked: &mut [Checked], revision: &str, levels: &Levels) -> Result<(), Stop> {
    let root = PathBuf::from(git(Path::new("."), &["rev-parse", "--show-toplevel"])?.trim_end());
    let listed = git(&root, &["diff", "--name-only", "-z", "--diff-filter=M", revision, "--"])?;
    let changed: HashSet<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    for file in checked {
        let path = Path::new(&file.input.name);
        let Some(name) = path.canonicalize().ok().and_then(|path| in_root(&path, &root)) else { continue };
        if !changed.contains(name.as_str()) {
            continue;
        }
        let before = git(&root, &["show", &format!("{revision}:{name}")])?;
        let (old, new) = (rules(path, &before), rules(path, &file.input.text));
        let found = new.iter().enumerate().filter_map(|(place, rule)| {
            // A file of one rule is about the same one, whatever its id is now.
            let same_id = |old: &&Rule| old.id.as_ref().map(|id| &id.value) == rule.id.as_ref().map(|id| &id.value);
            let old = old.iter().find(same_id).or_else(|| old.get(place).filter(|_| old.len() == new.len()))?;
            problem(old, rule, revision)
        });
        file.diagnostics.extend(found.filter_map(|problem| levels.apply(problem)));
        super::worst_first(&mut file.diagnostics);
    }
    Ok(())
}

fn rules(path: &Path, text: &str) -> Vec<Rule> {
    let reading = form::read(path, text).ok().flatten();
    let rules = reading.map(|reading| reading.rules).unwrap_or_default();
    rules.into_iter().filter(|rule| rule.form == Form::Yaml).collect()
}

/// Returns the name of a file below the root, as git has it.
fn in_root(path: &Path, root: &Path) -> Option<String> {
    let root = root.canonicalize().ok()?;
    let parts = path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str());
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

fn problem(old: &Rule, new: &Rule, revision: &str) -> Option<Diagnostic> {
    if let (Some(before), Some(now)) = (&old.id, &new.id)
        && before.value != now.value
    {
        let message = format!("the id was '{}' in {revision}", before.value);
        let help = "keep the id: with another one the rule is deployed a second time, beside the first";
        return Some(Diagnostic::error("AQ546", now.span, message).help(help));
    }
    let version = |rule: &Rule| rule.version.as_ref().map(|version| version.value.clone());
    if version(old) != version(new) || write::yaml::write(old) == write::yaml::write(new) {
        return None;
    }
    let span = new.version.as_ref().map_or(new.start, |version: &crate::rules::model::Located<String>| version.span);
    let message = match version(new) {
        Some(version) => format!("the rule has changed since {revision}, and its version is still {version}"),
        None => format!("the rule has changed since {revision}, and has no version"),
    };
    Some(Diagnostic::warning("AQ545", Span::new(span.start, span.end), message).help("count the version up: 1.0.1"))
}

/// Asks git, which knows what a file was.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, Stop> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = output.map_err(|error| Stop::failure(format!("--since: git cannot be run: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let stop = Stop::failure(format!("--since: git says: {}", said.trim()));
        return Err(stop.help("--since takes a commit, a branch or a tag of the repository that you are in"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

//! The files that are to be converted, and how a later run knows them again.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::source;

/// A file that is to be converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct File {
    /// The name of its table, where the user gave one.
    pub(in crate::cli) table: Option<String>,
    /// The path as the user gave it.
    pub(in crate::cli) path: PathBuf,
    /// How it is known again; a pipe is not.
    pub(super) print: Option<Print>,
}

/// What tells whether a file is the same as it was: its path, size and time of change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Print {
    /// The absolute path without links.
    pub(super) path: String,
    /// The name of the table that the user gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) table: Option<String>,
    /// Bytes.
    pub(super) size: u64,
    /// When it was changed last, in ticks since 1970.
    pub(super) changed: u64,
}

impl Print {
    /// Looks at a file; None where it is none, or cannot be looked at.
    pub(super) fn of(path: &Path, table: Option<&str>) -> Option<Print> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(Print {
            path: fs::canonicalize(path).ok()?.to_string_lossy().into_owned(),
            table: table.map(str::to_string),
            size: metadata.len(),
            changed: u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX),
        })
    }
}

impl File {
    pub(super) fn new(path: PathBuf, table: Option<String>) -> File {
        let print = Print::of(&path, table.as_deref());
        File { table, path, print }
    }

    /// Returns its size, as far as it is known.
    pub(in crate::cli) fn size(&self) -> u64 {
        self.print.as_ref().map_or(0, |print| print.size)
    }
}

/// Finds the files of paths, folders and globs, each once, and those that cannot be found.
///
/// What lies in the folder of the results is none of them, so that the results may lie in the folder of the exports.
pub(in crate::cli) fn find(specs: &[String], results: Option<&Path>) -> (Vec<File>, Vec<source::Error>) {
    let results = results.and_then(|folder| fs::canonicalize(folder).ok());
    let (mut files, mut missing, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for spec in specs {
        let (table, path) = source::split_name(spec);
        match source::expand(path) {
            Err(error) => missing.push(error),
            Ok(paths) => {
                for path in paths {
                    // Who names a file wants it, and must be told that it is none.
                    let named = path.as_os_str() == path_of(spec);
                    let file = File::new(path, table.map(str::to_string));
                    let own = |print: &Print| results.as_ref().is_some_and(|of| Path::new(&print.path).starts_with(of));
                    match &file.print {
                        Some(print) if own(print) && named => {
                            let error = source::Error::new("the file lies in the folder of the results").at(&file.path);
                            missing.push(error.remedy("give --out another folder, or have the inputs in another one"));
                        }
                        Some(print) if own(print) || !seen.insert(print.path.clone()) => {}
                        _ => files.push(file),
                    }
                }
            }
        }
    }
    (files, missing)
}

fn path_of(spec: &str) -> &str {
    source::split_name(spec).1
}

/// Returns the paths of files.
pub(in crate::cli) fn paths(files: &[File]) -> impl Iterator<Item = PathBuf> {
    files.iter().map(|file| file.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_and_results_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        fs::create_dir(path("out")).unwrap();
        for name in ["a.json", "b.csv", "out/a.parquet"] {
            fs::write(path(name), "x").unwrap();
        }
        let specs = [path(""), path("a.json"), path("missing.json"), path("out/a.parquet")];
        let (files, missing) = find(&specs, Some(Path::new(&path("out"))));
        let names: Vec<_> = files.iter().filter_map(|file| file.path.file_name()).collect();
        assert_eq!(names, ["a.json", "b.csv"]);
        // A result that is named is told.
        assert_eq!(missing.len(), 2);
        assert!(missing[1].to_string().contains("folder of the results"), "{}", missing[1]);
        assert_eq!(files[0].size(), 1);
    }

    #[test]
    fn a_changed_file_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "x").unwrap();
        let before = Print::of(&path, None);
        assert_eq!(before, Print::of(&path, None));
        fs::write(&path, "xy").unwrap();
        assert_ne!(before, Print::of(&path, None));
        assert_ne!(Print::of(&path, None), Print::of(&path, Some("T")));
    }
}

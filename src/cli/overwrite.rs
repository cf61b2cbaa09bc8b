//! Results take the place of nothing that is read, and not of each other.

use std::fs;
use std::path::{Path, PathBuf};

use super::stop::Stop;

/// A file that is to be written, and the flag that names it.
pub(super) type Wanted<'a> = (&'static str, &'a Path);

/// Refuses results of which one would take the place of a file that is read, or of another result: it would be gone.
pub(super) fn refuse(results: &[Wanted], read: impl IntoIterator<Item = PathBuf>) -> Result<(), Stop> {
    let places: Vec<_> = results.iter().filter_map(|(flag, path)| Some((*flag, *path, place(path)?))).collect();
    for (number, (flag, path, own)) in places.iter().enumerate() {
        if let Some((other, ..)) = places[..number].iter().find(|(_, _, place)| place == own) {
            return Err(Stop::failure(format!("{other} and {flag} are one file, {}", path.display()))
                .help(format!("give {flag} another name")));
        }
    }
    // What is not there yet is not read.
    let there: Vec<_> = places.iter().filter(|(_, _, place)| place.exists()).collect();
    if there.is_empty() {
        return Ok(());
    }
    for read in read {
        let Some(read) = place(&read) else { continue };
        if let Some((flag, path, _)) = there.iter().find(|(_, _, place)| *place == read) {
            return Err(Stop::failure(format!("{} is one of the inputs and would be lost", path.display()))
                .help(format!("give {flag} another name")));
        }
    }
    Ok(())
}

/// Returns where a file is, or will be; None for standard input and output, for devices and for pipes.
fn place(path: &Path) -> Option<PathBuf> {
    if path == Path::new("-") {
        return None;
    }
    match fs::canonicalize(path) {
        Ok(found) => found.is_file().then_some(found),
        // Its folder may have to be made yet.
        Err(_) => {
            let path = std::path::absolute(path).ok()?;
            let above = |folder: &Path| Some(fs::canonicalize(folder).ok()?.join(path.strip_prefix(folder).ok()?));
            path.ancestors().skip(1).find_map(above)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_is_written_are_different_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        ["a", "b"].iter().for_each(|name| fs::write(path(name), "x").unwrap());
        let refused = |results: &[(&'static str, PathBuf)], read: &[PathBuf]| {
            let results: Vec<Wanted> = results.iter().map(|(flag, path)| (*flag, path.as_path())).collect();
            match refuse(&results, read.to_vec()) {
                Ok(()) => String::new(),
                Err(Stop::Failure { message, help }) => format!("{message}; {}", help.unwrap_or_default()),
                Err(other) => panic!("{other:?}"),
            }
        };
        let around = path("sub").join("../a");
        assert!(refused(&[("--out", around.clone())], &[path("b"), path("a")]).ends_with("give --out another name"));
        assert_eq!(refused(&[("--out", path("new"))], &[path("a")]), "");
        // Neither is there yet, and still they are one.
        let both = [("--out", path("new")), ("--report", path("sub").join("../new"))];
        assert!(refused(&both, &[]).starts_with("--out and --report are one file"));
        let both = [("--out", path("none/new")), ("--report", path("none/./new"))];
        assert!(refused(&both, &[]).starts_with("--out and --report are one file"));
        // What each write gets is kept apart by the system.
        assert_eq!(
            refused(&[("--out", "/dev/null".into()), ("--report", "/dev/null".into())], &["/dev/null".into()]),
            ""
        );
        assert_eq!(refused(&[("--out", "-".into())], &["-".into()]), "");
        assert_eq!(refused(&[("--out", path("no/such"))], &[path("a")]), "");
    }
}

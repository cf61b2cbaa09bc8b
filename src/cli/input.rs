//! Reads texts: queries, rules, from files and from standard input.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::stop::Stop;

/// How messages call standard input.
pub(super) const STDIN: &str = "<stdin>";

/// Queries and rules are small; what is longer is something else.
const LONGEST: u64 = 64 << 20;

/// How compressed files begin. Records are read so, texts are not.
const PACKED: [(&[u8], &str); 3] = [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip")];

/// A text and how messages call it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads standard input to its end.
pub(super) fn stdin() -> Result<Input, Stop> {
    read(STDIN.to_string(), io::stdin().lock())
}

/// Reads a file, or standard input where the path is `-`.
pub(super) fn file(path: &Path) -> Result<Input, Stop> {
    if path == Path::new("-") {
        return stdin();
    }
    let name = path.display().to_string();
    match fs::File::open(path) {
        Ok(file) => read(name, file),
        Err(error) => Err(Stop::failure(format!("{name} cannot be read: {error}"))),
    }
}

/// Reads a text that a file names, by its path from the folder of that file; None where it is none.
pub(super) fn beside(file: &Path, path: &Path) -> Option<String> {
    let path = file.parent().unwrap_or(Path::new("")).join(path);
    // A pipe or a device would be waited for.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    if is_file { self::file(&path).ok().map(|input| input.text) } else { None }
}

fn read(name: String, stream: impl Read) -> Result<Input, Stop> {
    let mut bytes = Vec::new();
    if let Err(error) = stream.take(LONGEST + 1).read_to_end(&mut bytes) {
        return Err(Stop::failure(format!("{name} cannot be read: {error}")));
    }
    if bytes.len() as u64 > LONGEST {
        return Err(Stop::failure(format!("{name} is longer than {} MB: this is no query", LONGEST >> 20)));
    }
    if let Some(text) = utf16(&bytes) {
        return Ok(Input { name, text });
    }
    if let Some((_, packer)) = PACKED.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Stop::failure(format!("{name} is compressed ({packer})")).help("unpack it first"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Input { name, text }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
            Err(Stop::failure(format!("{name}, line {line}, byte {at}: the text is not UTF-8"))
                .help("save the file with the encoding UTF-8"))
        }
    }
}

/// Reads UTF-16 that says so itself, as PowerShell writes what is redirected; None of anything else.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (swapped, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (false, rest),
        [0xfe, 0xff, rest @ ..] => (true, rest),
        _ => return None,
    };
    let (pairs, []) = rest.as_chunks::<2>() else { return None };
    let unit = |pair: &[u8; 2]| if swapped { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    char::decode_utf16(pairs.iter().map(unit)).collect::<Result<_, _>>().ok()
}

/// Finds the files with one of the endings in folders and below, in the order of their names; paths of files stay. A file
/// that is named in several ways is there once.
///
/// What `.gitignore` and `.ignore` leave out stays out, and so do hidden files. Links are followed where the user names
/// them, not below: they may form a circle.
pub(super) fn files(paths: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, Stop> {
    let mut found = Vec::new();
    for path in paths {
        // Whatever is called so, this is standard input.
        if path != Path::new("-") && path.is_dir() {
            walk(path, endings, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

/// Names the folder, at any depth, that cannot be looked into.
fn unsearchable(folder: &Path, error: &ignore::Error) -> Stop {
    match error {
        ignore::Error::WithPath { path, err } => unsearchable(path, err),
        ignore::Error::WithDepth { err, .. } => unsearchable(folder, err),
        error => {
            let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
            Stop::failure(format!("{} cannot be searched: {why}", folder.display()))
        }
    }
}

fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let walk = ignore::WalkBuilder::new(folder).require_git(false).sort_by_file_name(Ord::cmp).build();
    for entry in walk {
        let entry = entry.map_err(|error| unsearchable(folder, &error))?;
        let is_file = entry.file_type().is_some_and(|file_type| file_type.is_file());
        let ending = entry.path().extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if is_file && ending.is_some_and(|ending| endings.contains(&ending.as_str())) {
            // Build systems know files by their path from the root, without a dot before it.
            let path = entry.path().strip_prefix(".").unwrap_or(entry.path());
            found.push(path.to_path_buf());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_files_in_order_without_hidden_and_ignored_ones() {
        let folder = tempfile::tempdir().unwrap();
        let texts = ["b/2.kql", "b/1.CSL", "a.kql", "c.txt", ".git/x.kql", "out/y.kql"].map(|path| (path, "T"));
        for (path, text) in texts.into_iter().chain([(".gitignore", "/out/\n")]) {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = files(&[folder.path().to_path_buf()], &["kql", "csl"]).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.kql", "b/1.CSL", "b/2.kql"]);
        let twice = [folder.path().join("b/2.kql"), folder.path().join("b"), folder.path().join("a.kql")];
        assert_eq!(files(&twice, &["kql"]).unwrap(), [twice[0].clone(), twice[2].clone()]);
    }

    #[test]
    fn utf16_is_read_where_it_says_so() {
        let of = |bytes: &[u8]| utf16(bytes);
        assert_eq!(of(b"\xff\xfeT\0\xe4\0").as_deref(), Some("Tä"));
        assert_eq!(of(b"\xfe\xff\0T").as_deref(), Some("T"));
        assert_eq!((of(b"T"), of(b"\xff\xfeT"), of(b"\xff\xfe\0\xd8")), (None, None, None));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_place() {
        let Err(Stop::Failure { message, help }) = read("q.kql".into(), &b"T\n| where a == '\xff'"[..]) else {
            panic!("accepted");
        };
        assert_eq!(message, "q.kql, line 2, byte 16: the text is not UTF-8");
        assert!(help.is_some());
        let Err(Stop::Failure { message, .. }) = read("q.kql.gz".into(), &b"\x1f\x8b\x08\0"[..]) else { panic!() };
        assert_eq!(message, "q.kql.gz is compressed (gzip)");
    }
}

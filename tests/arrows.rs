//! Holds the rooms of the library against the arrows between them.
//!
//! The table below is the picture in `src/lib.rs` as data. Code that names another room (`crate::room`) needs an arrow;
//! a room's tests, where they have a file of their own, may go round through other rooms.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("syntax", &["diagnostic"]),
    ("types", &["diagnostic"]),
    ("catalog", &["types"]),
    ("functions", &["types"]),
    ("plan", &["diagnostic", "types", "catalog", "functions"]),
    ("bind", &["diagnostic", "syntax", "types", "catalog", "functions", "plan"]),
    ("engine", &["diagnostic", "types", "catalog", "functions", "plan"]),
    ("query", &["diagnostic", "syntax", "types", "catalog", "functions", "plan", "bind", "engine"]),
    ("source", &["types", "catalog"]),
    ("format", &["types", "catalog"]),
    ("anonymize", &["types", "catalog"]),
    ("fetch", &["types", "catalog", "source", "format"]),
    ("serve", &["diagnostic", "syntax", "types", "catalog", "functions", "plan", "bind", "engine", "query", "format"]),
    ("lint", &["diagnostic", "syntax", "types", "catalog", "bind"]),
    ("rules", &["diagnostic", "syntax", "types", "catalog", "plan", "bind", "engine", "query"]),
    (
        "cli",
        &[
            "diagnostic",
            "syntax",
            "types",
            "catalog",
            "functions",
            "plan",
            "bind",
            "engine",
            "query",
            "source",
            "format",
            "fetch",
            "serve",
            "lint",
            "anonymize",
            "rules",
        ],
    ),
];

/// The rooms that talk to other machines.
const SOCKETS: &[&str] = &["fetch", "serve"];

/// What only some rooms say: the text, the rooms, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("datafusion::", &["engine"], "checking a rule needs no engine"),
    ("println!", &["cli"], "only cli prints"),
    ("eprintln!", &["cli"], "only cli prints"),
    ("io::stdout", &["cli"], "only cli prints"),
    ("io::stderr", &["cli"], "only cli prints"),
    ("process::exit", &["cli"], "only cli ends the process"),
    ("env::var", &["cli"], "only cli reads the environment"),
    ("SystemTime::now", &["cli"], "the clock is passed in"),
    ("TcpStream", SOCKETS, "only fetch and serve open sockets"),
    ("TcpListener", SOCKETS, "only fetch and serve open sockets"),
    ("reqwest::", SOCKETS, "only fetch and serve open sockets"),
];

#[test]
fn rooms_use_only_the_rooms_that_arrows_lead_to() {
    let mut wrong = Vec::new();
    for (room, path) in files() {
        let text = fs::read_to_string(&path).unwrap();
        wrong.extend(violations(&room, &text).into_iter().map(|what| format!("{}: {what}", path.display())));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_in_the_table() {
    let source = fs::read_dir(source()).unwrap().map(|entry| entry.unwrap().path());
    let rooms: Vec<_> = source.filter(|path| path.is_dir()).map(|path| name(&path)).collect();
    for room in &rooms {
        assert!(ARROWS.iter().any(|(known, _)| known == room), "src/{room} is in no table");
    }
    for (room, _) in ARROWS {
        assert!(rooms.iter().any(|known| known == room), "src/{room} does not exist");
    }
}

#[test]
fn violations_are_found() {
    assert_eq!(violations("syntax", "use crate::diagnostic::Span;\n"), [""; 0]);
    assert_eq!(violations("syntax", "use crate::types::Value;\n"), ["syntax must not use types"]);
    assert_eq!(violations("syntax", "use crate::{diagnostic, bind::{self, Bound}};\n"), ["syntax must not use bind"]);
    assert_eq!(violations("plan", "fn f() -> crate::bind::Bound {}\n"), ["plan must not use bind"]);
    assert_eq!(violations("plan", "/// See [`crate::bind`].\n// crate::bind\n"), [""; 0]);
    assert_eq!(
        violations("bind", "use datafusion::prelude;\n"),
        ["'datafusion::' in bind: checking a rule needs no engine"]
    );
    assert_eq!(violations("cellar", "\n"), ["cellar is in no table"]);
}

fn violations(room: &str, text: &str) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == room) else {
        return vec![format!("{room} is in no table")];
    };
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n");
    let mut wrong = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        for used in heads(&code[at + "crate::".len()..]) {
            if used != room && !allowed.contains(&used) {
                wrong.push(format!("{room} must not use {used}"));
            }
        }
    }
    for (words, owners, why) in RESERVED {
        if !owners.contains(&room) && code.contains(words) {
            wrong.push(format!("'{words}' in {room}: {why}"));
        }
    }
    wrong
}

/// Returns the first names of a path, or of each path of a group.
fn heads(path: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let Some(group) = path.strip_prefix('{') else { return vec![&path[..word(path)]] };
    let (mut depth, mut start, mut found) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && (c.is_alphanumeric() || c == '_') => {
                found.push(&group[at..at + word(&group[at..])]);
                start = false;
            }
            _ => {}
        }
    }
    found
}

/// Returns every source file below a room, with the room's name.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = vec![source()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if let Some(room) = room(&path) {
                found.push((room, path));
            }
        }
    }
    assert!(found.len() > 20, "the source was not found");
    found
}

/// Tells the room of a Rust file; none for those at the top.
fn room(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(source()).ok()?;
    let rust = path.extension().is_some_and(|ending| ending == "rs");
    let tests = inside.components().any(|part| part.as_os_str() == "tests") || name(path).ends_with("tests.rs");
    (rust && !tests && inside.components().count() > 1)
        .then(|| inside.components().next().unwrap().as_os_str().to_str().unwrap().into())
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_string()
}

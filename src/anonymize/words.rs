//! Words that identify nobody, and may stay.

use std::sync::LazyLock;

use hashbrown::HashSet;

use crate::catalog::log_analytics;

/// A set of words in lower case.
type Words = LazyLock<HashSet<&'static str>>;

macro_rules! words {
    ($file:literal) => {
        LazyLock::new(|| read(include_str!(concat!("words/", $file, ".txt"))))
    };
}

/// Words that are the same everywhere: accounts and names that systems come with, constants.
pub(super) static KNOWN: Words = words!("known");
/// Programs that systems come with, with and without their endings.
pub(super) static PROGRAMS: Words = words!("programs");
/// Folders and keys that systems come with; they stay within paths.
pub(super) static FOLDERS: Words = words!("folders");
/// Endings of files.
pub(super) static EXTENSIONS: Words = words!("extensions");
/// Domains under which a cloud gives names to its customers, and those of its own pages.
pub(super) static SERVICES: Words = words!("services");
/// Labels within such domains, and parts of the addresses of portals, that a cloud has chosen.
pub(super) static LABELS: Words = words!("labels");
/// Last labels of domains, besides the two letters of countries.
pub(super) static TOP_DOMAINS: Words = words!("top-domains");
/// Ordinary words of English and of the trade.
static PLAIN: Words = words!("plain");
/// Ordinary words that are also people's names: they are ordinary in lower case alone.
static LOWER: Words = words!("lower");
/// Options and words of command lines, and of queries.
pub(super) static COMMANDS: Words = words!("commands");

/// Names of the tables and columns of Log Analytics, which queries are full of.
pub(super) static SCHEMA: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let tables = log_analytics::names().filter_map(log_analytics::find);
    tables
        .flat_map(|table| table.columns.into_iter().map(|column| column.name).chain([table.name]))
        .map(|name| name.to_lowercase())
        .collect()
});

fn read(text: &'static str) -> HashSet<&'static str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
}

/// Tells whether a word is an ordinary one, in one of its forms.
pub(super) fn is_plain(word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        return false;
    }
    let lower = word.to_ascii_lowercase();
    (word == lower && LOWER.contains(lower.as_str())) || has_form(&lower)
}

/// Tells whether a word stands in one of the lists, or a program of its name does.
pub(super) fn is_listed(word: &str) -> bool {
    let lower = word.to_lowercase();
    let lists = [&KNOWN, &PROGRAMS, &FOLDERS, &EXTENSIONS, &SERVICES, &LABELS, &TOP_DOMAINS, &LOWER, &COMMANDS];
    let program = || ["exe", "dll"].iter().any(|ending| PROGRAMS.contains(format!("{lower}.{ending}").as_str()));
    is_plain(&lower) || lists.iter().any(|list| list.contains(lower.as_str())) || program()
}

fn has_form(word: &str) -> bool {
    let known = |stem: &str| stem.len() > 2 && PLAIN.contains(stem);
    if PLAIN.contains(word) {
        return true;
    }
    let endings = ["s", "es", "d", "ed", "ing", "ly"];
    endings.iter().any(|ending| {
        word.strip_suffix(ending).is_some_and(|stem| {
            let doubled = || stem.strip_suffix(|last: char| stem.ends_with(&format!("{last}{last}")));
            known(stem)
                || *ending == "ing" && known(&format!("{stem}e"))
                || matches!(*ending, "ing" | "ed") && doubled().is_some_and(known)
                || matches!(*ending, "es" | "ed")
                    && stem.ends_with('i')
                    && known(&format!("{}y", &stem[..stem.len() - 1]))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_lower_case_and_stand_in_one_list_only() {
        for list in [&KNOWN, &PROGRAMS, &FOLDERS, &EXTENSIONS, &SERVICES, &LABELS, &TOP_DOMAINS, &PLAIN, &LOWER] {
            assert!(!list.is_empty());
            assert!(list.iter().all(|word| *word == word.to_lowercase()));
        }
        let both: Vec<_> = PLAIN.intersection(&LOWER).collect();
        assert!(both.is_empty(), "{both:?}");
    }

    #[test]
    fn words_have_forms_and_names_are_no_words() {
        for word in ["detected", "Suspicious", "logging", "using", "entities", "stopped", "files", "will"] {
            assert!(is_plain(word), "{word}");
        }
        for name in ["Will", "Grace", "Contoso", "haddad", "srv", "web-server", "x1", ""] {
            assert!(!is_plain(name), "{name}");
        }
    }
}

//! What has been replaced, so that it can be looked for in the result.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use super::words;

/// Names that have been replaced. Only their hashes are held: eight bytes for each of them, however long.
///
/// GUIDs, hashes, addresses and numbers are not in here: there may be several in every record, and they are told from
/// their replacements by their form.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    names: hashbrown::HashSet<u64>,
    /// Names that are ordinary words as well.
    ordinary: HashSet<String>,
}

/// Letters that a name must have to be looked for: shorter ones occur by chance.
const SHORTEST: usize = 3;

impl Found {
    /// Adds a word that has been replaced.
    pub(super) fn add_name(&mut self, word: &str) {
        if word.chars().count() >= SHORTEST && !words::is_listed(word) {
            self.names.insert(hash(word));
        }
    }

    /// Adds the whole value of a field that holds names.
    pub(super) fn add_value(&mut self, value: &str) {
        let value = value.trim();
        let lower = value.to_lowercase();
        if value.chars().count() >= SHORTEST && words::is_plain(value) && !words::KNOWN.contains(lower.as_str()) {
            self.ordinary.insert(lower);
        }
    }

    /// Adds all that another has found.
    pub(super) fn merge(&mut self, other: Found) {
        self.names.extend(other.names);
        self.ordinary.extend(other.ordinary);
    }

    /// Tells whether a word has been replaced somewhere.
    pub(super) fn has(&self, word: &str) -> bool {
        self.names.contains(&hash(word))
    }

    /// Returns the names that are ordinary words as well.
    pub(super) fn ordinary(&self) -> &HashSet<String> {
        &self.ordinary
    }
}

fn hash(word: &str) -> u64 {
    let mut lower = [0; 64];
    match lower.get_mut(..word.len()) {
        Some(lower) if word.is_ascii() => {
            lower.copy_from_slice(word.as_bytes());
            lower.make_ascii_lowercase();
            xxh3_64(lower)
        }
        _ => xxh3_64(word.to_lowercase().as_bytes()),
    }
}

//! What has been replaced, so that it can be looked for in the result.

use std::collections::HashSet;

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::words;

/// Names that have been replaced. Only their hashes are held: eight bytes for each of them, however long.
///
/// GUIDs, hashes, addresses and numbers are not in here: there may be several in every record, and they are told from
/// their replacements by their form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    names: hashbrown::HashSet<u64>,
    /// Names that are ordinary words as well.
    ordinary: HashSet<String>,
    /// For what replaces a public IPv4 address the address: these are more than what replaces them can be told apart.
    addresses: HashMap<u32, u32>,
    /// The addresses of the replacements that several have.
    met: HashMap<u32, HashSet<u32>>,
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

    /// Adds a public address and what replaces it.
    pub(super) fn add_address(&mut self, address: u32, replacement: u32) {
        let first = *self.addresses.entry(replacement).or_insert(address);
        if first != address {
            self.met.entry(replacement).or_insert_with(|| HashSet::from([first])).insert(address);
        }
    }

    /// Adds all that another has found.
    pub(super) fn merge(&mut self, other: Found) {
        self.names.extend(other.names);
        self.ordinary.extend(other.ordinary);
        other.addresses.into_iter().for_each(|(replacement, address)| self.add_address(address, replacement));
        for (replacement, addresses) in other.met {
            addresses.into_iter().for_each(|address| self.add_address(address, replacement));
        }
    }

    /// Returns how many public addresses can no longer be told from another one.
    pub(super) fn met(&self) -> usize {
        self.met.values().map(|addresses| addresses.len() - 1).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_meet_are_counted_once_in_any_order() {
        let of = |pairs: &[(u32, u32)]| {
            let mut found = Found::default();
            pairs.iter().for_each(|(address, replacement)| found.add_address(*address, *replacement));
            found
        };
        assert_eq!(of(&[(1, 10), (2, 20), (1, 10)]).met(), 0);
        assert_eq!(of(&[(1, 10), (2, 10), (2, 10), (3, 20)]).met(), 1);
        let mut all = of(&[(1, 10), (2, 20)]);
        all.merge(of(&[(3, 10), (1, 10)]));
        all.merge(of(&[(2, 20), (4, 10)]));
        assert_eq!(all.met(), 2);
    }
}

//! The secret that every replacement follows from.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A secret key. The same key gives the same replacements, in any file and on any machine; without it nobody can find
/// out what a replacement stands for by trying values.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
}

/// Bytes that a key must have at least: fewer could be guessed.
pub const SHORTEST_KEY: usize = 16;

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Makes a key; None where the secret has fewer than [`SHORTEST_KEY`] bytes.
    pub fn new(secret: &[u8]) -> Option<Key> {
        if secret.len() < SHORTEST_KEY {
            return None;
        }
        Hmac::new_from_slice(secret).ok().map(|mac| Key { mac })
    }

    /// Returns the 32 bytes that belong to a text and one purpose of it.
    pub(super) fn bytes(&self, purpose: &str, text: &str) -> [u8; 32] {
        self.block(purpose, text, 0)
    }

    /// Returns a number of 128 bits that belongs to a text and one purpose of it.
    pub(super) fn number(&self, purpose: &str, text: &str) -> u128 {
        let bytes = self.bytes(purpose, text);
        bytes.first_chunk().map_or(0, |first| u128::from_be_bytes(*first))
    }

    /// Returns as many bytes as are wanted.
    pub(super) fn stream(&self, purpose: &str, text: &str, count: usize) -> Vec<u8> {
        let blocks = (0..).flat_map(|at| self.block(purpose, text, at));
        blocks.take(count).collect()
    }

    fn block(&self, purpose: &str, text: &str, at: u32) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(purpose.as_bytes());
        // A purpose has no zero in it, so that no two of them can be confused.
        mac.update(&[0]);
        mac.update(&at.to_be_bytes());
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_be_guessed_is_none() {
        assert!(Key::new(b"fifteen letters").is_none());
        assert!(Key::new(b"sixteen letters!").is_some());
    }

    #[test]
    fn bytes_follow_from_key_purpose_and_text_alone() {
        let (one, other) = (Key::new(&[1; 16]).unwrap(), Key::new(&[2; 16]).unwrap());
        assert_eq!(one.bytes("a", "x"), one.clone().bytes("a", "x"));
        assert_ne!(one.bytes("a", "x"), other.bytes("a", "x"));
        assert_ne!(one.bytes("a", "x"), one.bytes("b", "x"));
        assert_eq!(one.stream("a", "x", 70)[..32], one.bytes("a", "x"));
        assert_eq!(format!("{one:?}"), "Key");
    }
}

//! What has been worked out before: most values of a field occur again and again.

use hashbrown::HashMap;

use super::policy::Treatment;

/// Bytes of texts that one memory holds before it begins anew.
const MOST: usize = 4 << 20;
/// Bytes of a text from which on it is not remembered.
const LONG: usize = 1 << 10;
/// What a further text takes besides its bytes.
const OVERHEAD: usize = 64;

/// What follows from texts, for those that were met last.
#[derive(Debug)]
pub(super) struct Known<T> {
    texts: HashMap<String, T>,
    held: usize,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Known { texts: HashMap::new(), held: 0 }
    }
}

impl<T> Known<T> {
    pub(super) fn get(&self, text: &str) -> Option<&T> {
        self.texts.get(text)
    }

    /// Keeps what follows from a text, unless it is long.
    pub(super) fn keep(&mut self, text: &str, value: T) {
        if text.len() > LONG {
            return;
        }
        if self.held > MOST {
            self.texts.clear();
            self.held = 0;
        }
        self.held += 2 * text.len() + OVERHEAD;
        self.texts.insert(text.to_string(), value);
    }
}

/// What one thread has worked out of one table; it is good for one key and one way of replacing.
#[derive(Debug, Default)]
pub struct Memory {
    /// What takes the place of the texts of fields, by what becomes of these.
    leaves: [Known<String>; Treatment::ALL.len()],
    /// What takes the place of the names of fields.
    pub(super) fields: Known<String>,
    /// What becomes of fields, by the type of the entity and the name, with a zero between them.
    treatments: Known<Treatment>,
    pub(super) words: Known<String>,
    pub(super) addresses: Known<String>,
    /// Texts in which nothing is left that should not be.
    pub(super) clean: Known<()>,
    scratch: String,
}

impl Memory {
    pub(super) fn leaves(&mut self, treatment: Treatment) -> &mut Known<String> {
        &mut self.leaves[treatment as usize]
    }

    /// Returns what becomes of a field, which `decide` says where it is not known yet.
    pub(super) fn treatment(
        &mut self,
        entity: Option<&str>,
        name: &str,
        decide: impl FnOnce() -> Treatment,
    ) -> Treatment {
        self.scratch.clear();
        self.scratch.push_str(entity.unwrap_or("\0"));
        self.scratch.push('\0');
        self.scratch.push_str(name);
        if let Some(known) = self.treatments.get(&self.scratch) {
            return *known;
        }
        let treatment = decide();
        self.treatments.keep(&self.scratch, treatment);
        treatment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_small() {
        let mut known = Known::default();
        for number in 0..300_000 {
            known.keep(&number.to_string(), number);
        }
        assert!(known.texts.len() < MOST / OVERHEAD && known.held <= MOST + 2 * LONG + OVERHEAD);
        assert_eq!(known.get("299999"), Some(&299_999));
        known.keep(&"x".repeat(LONG + 1), 0);
        assert_eq!(known.get(&"x".repeat(LONG + 1)), None);
    }

    #[test]
    fn fields_are_known_by_entity_and_name() {
        let mut memory = Memory::default();
        assert_eq!(memory.treatment(Some("host"), "x", || Treatment::Name), Treatment::Name);
        assert_eq!(memory.treatment(Some("host"), "x", || Treatment::Kept), Treatment::Name);
        assert_eq!(memory.treatment(None, "x", || Treatment::Safe), Treatment::Safe);
        assert_eq!(memory.treatment(Some(""), "x", || Treatment::Prose), Treatment::Prose);
    }
}

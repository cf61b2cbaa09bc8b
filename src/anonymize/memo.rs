//! What has been worked out before: most values of a field occur again and again.

use hashbrown::HashMap;

use super::policy::Treatment;
use super::text::Level;

/// Bytes of texts that one memory holds before it begins anew.
const MOST: usize = 8 << 20;
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
        // What is long is never kept: it need not be looked up.
        if text.len() > LONG { None } else { self.texts.get(text) }
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
    pub(super) looking: Memories,
    pub(super) replacing: Memories,
}

/// What has been worked out by who looks, or by who replaces.
#[derive(Debug, Default)]
pub(super) struct Memories {
    /// What takes the place of the texts of fields, by what becomes of these.
    leaves: [Known<String>; Treatment::ALL.len()],
    /// What becomes of fields, by their [`place`](Memories::place).
    pub(super) fields: Known<Field>,
    pub(super) words: Known<String>,
    /// What becomes of a word or of several with dots between them, by the level.
    parts: [Known<String>; Level::COUNT],
    pub(super) numbers: Known<String>,
    pub(super) addresses: Known<String>,
    /// Texts in which nothing is left that should not be.
    pub(super) clean: Known<()>,
    pub(super) scratch: String,
}

/// What becomes of a field.
#[derive(Debug)]
pub(super) struct Field {
    /// What takes the place of its name, as JSON, with the colon.
    pub(super) written: String,
    pub(super) treatment: Treatment,
    /// Whether the user keeps it.
    pub(super) stays: bool,
}

impl Memories {
    pub(super) fn leaves(&mut self, treatment: Treatment) -> &mut Known<String> {
        &mut self.leaves[treatment as usize]
    }

    pub(super) fn parts(&mut self, level: Level) -> &mut Known<String> {
        &mut self.parts[level as usize]
    }

    /// Returns what a field is known by: the type of the entity and the name, with a zero between them. Who gives it back
    /// as `scratch` saves the next one its room.
    pub(super) fn place(&mut self, entity: Option<&str>, name: &str) -> String {
        let mut place = std::mem::take(&mut self.scratch);
        place.clear();
        place.push_str(entity.unwrap_or("\0"));
        place.push('\0');
        place.push_str(name);
        place
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
        let mut memory = Memories::default();
        let places = [(Some("host"), "x"), (None, "x"), (Some(""), "x"), (Some("hostx"), "")];
        let places = places.map(|(entity, name)| memory.place(entity, name));
        assert_eq!(places.iter().collect::<std::collections::HashSet<_>>().len(), 4);
    }
}

//! The different texts of a column chunk.

use ahash::RandomState;
use hashbrown::HashTable;

/// Bytes of texts from which on a dictionary takes no further ones: readers hold it whole, and what has so many texts
/// hardly repeats.
const FULL: usize = 1 << 20;

/// The most bytes of a text that is in its view as a whole.
const SHORT: usize = arrow::array::MAX_INLINE_VIEW_LEN as usize;

/// Texts that were met last.
const MET: usize = 256;

/// The different texts, in the order in which they were met.
pub(super) struct Dictionary {
    /// One behind the other.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: RandomState,
    /// The text that was met last of those whose length and first letters lead here, as its view and its place, counted
    /// from 1: most columns have few texts, and to compare one is cheaper than to hash it.
    met: [(u128, u32); MET],
}

impl Default for Dictionary {
    fn default() -> Dictionary {
        let (text, ends, table) = (String::new(), Vec::new(), HashTable::new());
        Dictionary { text, ends, table, hasher: RandomState::new(), met: [(0, 0); MET] }
    }
}

impl Dictionary {
    /// Returns the place of a text, which is added if it is new.
    ///
    /// The view of a short text holds all of it. Of that of a longer one the lower half counts: length and first letters.
    pub(super) fn place(&mut self, text: &str, view: u128) -> u32 {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let slot = (view as u64).wrapping_mul(SPREAD) >> (u64::BITS - MET.ilog2());
        let (met, place) = &mut self.met[slot as usize];
        if let Some(place) = place.checked_sub(1)
            && (if text.len() <= SHORT { *met == view } else { at(&self.text, &self.ends, place) == text })
        {
            return place;
        }
        *met = view;
        let hash = self.hasher.hash_one(text);
        let known = self.table.find(hash, |place| at(&self.text, &self.ends, *place) == text).copied();
        let found = known.unwrap_or(self.ends.len() as u32);
        *place = found + 1;
        if known.is_none() {
            self.text.push_str(text);
            self.ends.push(self.text.len());
            let (text, ends, hasher) = (&self.text, &self.ends, &self.hasher);
            self.table.insert_unique(hash, found, |place| hasher.hash_one(at(text, ends, *place)));
        }
        found
    }

    /// Tells whether further texts had better be written as they are.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|place| at(&self.text, &self.ends, place as u32))
    }

    /// Returns the texts as a plain page has them, each behind its length in four bytes, and their number.
    pub(super) fn plain(&self) -> (Vec<u8>, usize) {
        let mut out = Vec::with_capacity(self.text.len() + 4 * self.ends.len());
        for text in self.texts() {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        (out, self.ends.len())
    }

    /// Forgets all texts.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.table.clear();
        self.met.fill((0, 0));
    }
}

fn at<'t>(text: &'t str, ends: &[usize], place: u32) -> &'t str {
    let place = place as usize;
    let start = place.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    ends.get(place).and_then(|end| text.get(start..*end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn a_text_has_one_place_however_it_is_found() {
        let mut dictionary = Dictionary::default();
        // The same lengths and first letters, so that they take each other's slot.
        let texts: Vec<String> = (0..2000).map(|n| format!("the same beginning {:04}", n % 700)).collect();
        let array = StringViewArray::from_iter_values(&texts);
        for round in 0..2 {
            for (row, (text, view)) in texts.iter().zip(array.views()).enumerate() {
                assert_eq!(dictionary.place(text, *view), row as u32 % 700, "{round}");
            }
        }
        assert!(dictionary.texts().eq(texts[..700].iter().map(String::as_str)));
        assert_eq!(dictionary.plain().1, 700);
        // Short ones take each other's slot too.
        let short = StringViewArray::from_iter_values((0..600).map(|n| format!("same {:03}", n % 300)));
        for (row, text) in short.iter().enumerate() {
            assert_eq!(dictionary.place(text.unwrap(), short.views()[row]), 700 + row as u32 % 300);
        }
        dictionary.clear();
        assert_eq!(dictionary.place("", 0), 0);
        assert_eq!(dictionary.plain(), (vec![0; 4], 1));
    }
}

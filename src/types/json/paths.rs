//! Looking several paths up in one pass over a text, checked on the way or known to be valid.

use super::check::{check_colon, check_string, check_value};
use super::scan::{skip_blanks, slice, trim};
use super::{Key, MAX_DEPTH, Step, elements, members, not_null};

/// Several paths that are looked up in one pass over a text.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    root: Node,
    count: usize,
}

/// What is wanted of one value.
#[derive(Debug, Clone, Default)]
struct Node {
    /// Numbers of the paths that end here.
    ends: Vec<usize>,
    keys: Vec<(String, Node)>,
    indexes: Vec<(i64, Node)>,
}

impl Paths {
    /// Prepares paths.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a [Step]>) -> Self {
        let mut all = Paths::default();
        for path in paths {
            all.root.add(path, all.count);
            all.count += 1;
        }
        all
    }

    /// Returns how many paths there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Tells whether there is no path.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Looks all paths up; `found` becomes what each of them leads to, None where there is nothing or a null.
    pub fn get<'a>(&self, json: &'a str, found: &mut Vec<Option<&'a str>>) {
        found.clear();
        found.resize(self.count, None);
        self.root.get(trim(json), found);
    }
}

/// More keys than this are looked up in further passes, because a bit for each tells which were met.
const MOST_KEYS: usize = 64;

impl Paths {
    /// Looks all paths up in a text that may be no JSON; false if it is none, and then nothing is to be found.
    ///
    /// The text is checked and searched in one pass.
    pub fn get_checked<'a>(&self, text: &'a str, found: &mut Vec<Option<&'a str>>) -> bool {
        let json = trim(text);
        found.clear();
        found.resize(self.count, None);
        let valid = self.root.walk(json, 0, MAX_DEPTH, found) == Some(json.len());
        if !valid {
            found.fill(None);
        }
        valid
    }

    /// Looks all paths up in each element of an array: `found` gets as many places for each element as there are
    /// paths. False if the text is no array of valid JSON, and then nothing is to be found.
    ///
    /// The text is checked and searched in one pass.
    pub fn get_elements<'a>(&self, text: &'a str, found: &mut Vec<Option<&'a str>>) -> bool {
        found.clear();
        let valid = self.walk_elements(trim(text), found).is_some();
        if !valid {
            found.clear();
        }
        valid
    }

    fn walk_elements<'a>(&self, json: &'a str, found: &mut Vec<Option<&'a str>>) -> Option<()> {
        let bytes = json.as_bytes();
        if bytes.first() != Some(&b'[') {
            return None;
        }
        let mut at = skip_blanks(bytes, 1);
        if bytes.get(at) != Some(&b']') {
            loop {
                let first = found.len();
                found.resize(first + self.count, None);
                at = skip_blanks(bytes, self.root.walk(json, at, MAX_DEPTH - 1, &mut found[first..])?);
                match bytes.get(at)? {
                    b',' => at = skip_blanks(bytes, at + 1),
                    b']' => break,
                    _ => return None,
                }
            }
        }
        (at + 1 == bytes.len()).then_some(())
    }
}

impl Node {
    fn add(&mut self, path: &[Step], number: usize) {
        let mut node = self;
        for step in path {
            node = match step {
                Step::Key(key) => child(&mut node.keys, key),
                Step::Index(index) => child(&mut node.indexes, index),
            };
        }
        node.ends.push(number);
    }

    /// Checks the value at `at`, in which containers may nest `room` levels deep, looks up what is wanted of it, and
    /// returns its end; None where the text is no JSON. Recursion ends with the longest path.
    fn walk<'a>(&self, json: &'a str, at: usize, room: usize, found: &mut [Option<&'a str>]) -> Option<usize> {
        let bytes = json.as_bytes();
        let end = match bytes.get(at)? {
            b'{' if !self.keys.is_empty() && self.keys.len() <= MOST_KEYS => {
                self.walk_members(json, at, room.checked_sub(1)?, found)?
            }
            b'{' if !self.keys.is_empty() => {
                let end = check_value(bytes, at, room)?;
                self.get_members(slice(json, at, end), found);
                end
            }
            b'[' if !self.indexes.is_empty() => {
                let end = check_value(bytes, at, room)?;
                self.get_elements(slice(json, at, end), found);
                end
            }
            _ => check_value(bytes, at, room)?,
        };
        for number in &self.ends {
            found[*number] = not_null(slice(json, at, end));
        }
        Some(end)
    }

    fn walk_members<'a>(&self, json: &'a str, at: usize, room: usize, found: &mut [Option<&'a str>]) -> Option<usize> {
        let bytes = json.as_bytes();
        // Of equal keys the first counts.
        let mut met = 0_u64;
        let mut at = skip_blanks(bytes, at + 1);
        if bytes.get(at)? == &b'}' {
            return Some(at + 1);
        }
        loop {
            let (end, escaped) = check_string(bytes, at)?;
            let key = Key { raw: slice(json, at + 1, end - 1), escaped };
            at = check_colon(bytes, end)?;
            at = match self.keys.iter().position(|(wanted, _)| key.is(wanted)) {
                Some(index) if met >> index & 1 == 0 => {
                    met |= 1 << index;
                    self.keys[index].1.walk(json, at, room, found)?
                }
                _ => check_value(bytes, at, room)?,
            };
            at = skip_blanks(bytes, at);
            match bytes.get(at)? {
                b',' => at = skip_blanks(bytes, at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Recursion ends with the longest path.
    fn get<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        for number in &self.ends {
            found[*number] = not_null(json);
        }
        match json.as_bytes().first() {
            Some(b'{') if !self.keys.is_empty() => self.get_members(json, found),
            Some(b'[') if !self.indexes.is_empty() => self.get_elements(json, found),
            _ => {}
        }
    }

    fn get_members<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        for keys in self.keys.chunks(MOST_KEYS) {
            // Of equal keys the first counts.
            let mut met = 0_u64;
            let mut missing = keys.len();
            let mut members = members(json);
            while missing > 0
                && let Some((found_key, value)) = members.next_raw()
            {
                let Some(index) = keys.iter().position(|(key, _)| found_key.is(key)) else { continue };
                if met >> index & 1 == 0 {
                    met |= 1 << index;
                    missing -= 1;
                    keys[index].1.get(value, found);
                }
            }
        }
    }

    fn get_elements<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        let from_end = self.indexes.iter().any(|(index, _)| *index < 0);
        let length = if from_end { elements(json).count() as i64 } else { 0 };
        let wanted = |index: i64| if index < 0 { index + length } else { index };
        let last = self.indexes.iter().map(|(index, _)| wanted(*index)).max().unwrap_or(-1);
        for (at, element) in (0..=last).zip(elements(json)) {
            for (_, node) in self.indexes.iter().filter(|(index, _)| wanted(*index) == at) {
                node.get(element, found);
            }
        }
    }
}

fn child<'n, K: PartialEq + Clone>(children: &'n mut Vec<(K, Node)>, key: &K) -> &'n mut Node {
    let at = children.iter().position(|(other, _)| other == key).unwrap_or_else(|| {
        children.push((key.clone(), Node::default()));
        children.len() - 1
    });
    &mut children[at].1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::json::get;
    use crate::types::json::tests::path;

    #[test]
    fn a_checked_search_finds_what_a_search_in_valid_text_finds() {
        let paths = [path(&["a"]), path(&["b", "c"]), path(&["b", "d", "-1"]), path(&["x:\""])];
        let paths = Paths::new(paths.iter().map(Vec::as_slice));
        for text in [
            r#"{"a":1,"b":{"c":"x","d":[1,{"e":2}]}}"#,
            r#" { "b" : { "c" : null } , "a" : [1, 2] , "x:\"" : "q" } "#,
            r#"{"a":1,"a":2,"\u0061":3}"#,
            "{}",
            "[1]",
            "null",
            r#"{"z":{"a":5}}"#,
        ] {
            let (mut checked, mut plain) = (Vec::new(), Vec::new());
            assert!(paths.get_checked(text, &mut checked), "{text}");
            paths.get(text, &mut plain);
            assert_eq!(checked, plain, "{text}");
        }
        let mut found = Vec::new();
        for text in ["", r#"{"a":1"#, r#"{"a":1,}"#, r#"{"a":1} x"#, r#"{"a":01}"#, "text"] {
            assert!(!paths.get_checked(text, &mut found), "{text}");
            assert!(found.iter().all(Option::is_none), "{text}: {found:?}");
        }
    }

    #[test]
    fn several_paths_in_one_pass() {
        let json = r#"{"a": {"b": [1, 2, 3]}, "c": "x", "a": 5, "d": null}"#;
        let wanted =
            [path(&["c"]), path(&["a", "b", "-1"]), path(&["a"]), path(&["a", "b", "0"]), path(&["d"]), path(&["c"])];
        let paths = Paths::new(wanted.iter().map(Vec::as_slice));
        let mut found = Vec::new();
        paths.get(json, &mut found);
        let each: Vec<_> = wanted.iter().map(|path| get(json, path)).collect();
        assert_eq!(found, each);
        assert_eq!(found[1], Some("3"));
    }

    #[test]
    fn of_equal_keys_the_first_counts_however_many_are_wanted() {
        let wanted: Vec<_> = (0..130).map(|number| path(&[&format!("k{number}")])).collect();
        let text: Vec<_> = (0..130).chain(0..130).enumerate().map(|(at, key)| format!("\"k{key}\":{at}")).collect();
        let text = format!("{{{}}}", text.join(","));
        let paths = Paths::new(wanted.iter().map(Vec::as_slice));
        let expected: Vec<_> = (0..130).map(|number| number.to_string()).collect();
        let (mut plain, mut checked) = (Vec::new(), Vec::new());
        paths.get(&text, &mut plain);
        assert!(paths.get_checked(&text, &mut checked));
        for found in [plain, checked] {
            assert_eq!(found, expected.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>());
        }
    }
}

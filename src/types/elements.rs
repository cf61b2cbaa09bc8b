//! The rows that `mv-expand` makes of one value, with paths looked up in each element.

use super::json::{self, Paths};

impl Paths {
    /// Looks all paths up in each element that `mv-expand` makes of a value, and gives them to `add` with the element's
    /// number; at most `limit` elements are made.
    ///
    /// An array gives its elements, a bag a bag of one key for each of its members, anything else itself. With `parse`
    /// the value is a text that is read as `parse_json` reads it; else it is known to be JSON. Tells whether it is an
    /// array.
    ///
    /// ```
    /// use alertq::types::json::{Paths, Step};
    ///
    /// let paths = Paths::new([[Step::Key("Type".into())].as_slice()]);
    /// let mut types = Vec::new();
    /// let text = r#"[{"Type":"host"},7]"#;
    /// paths.in_elements(text, true, usize::MAX, &mut Vec::new(), &mut |found, _| types.push(found[0].map(str::to_string)));
    /// assert_eq!(types, [Some("\"host\"".to_string()), None]);
    /// ```
    pub fn in_elements<'a, F>(
        &self,
        value: &'a str,
        parse: bool,
        limit: usize,
        found: &mut Vec<Option<&'a str>>,
        add: &mut F,
    ) -> bool
    where
        F: FnMut(&[Option<&str>], usize),
    {
        let json = json::trim(value);
        if self.get_elements(json, found) {
            let elements = found.chunks_exact(self.len().max(1)).enumerate().take(limit);
            elements.for_each(|(index, found)| add(found, index));
            return true;
        }
        if json.starts_with('{') && (!parse || json::is_valid(json)) {
            let mut bag = String::new();
            for (index, (key, value)) in json::members(json).enumerate().take(limit) {
                write_member(&key, value, false, &mut bag);
                let mut found = Vec::new();
                self.get(&bag, &mut found);
                add(&found, index);
            }
        } else if limit > 0 {
            // Anything else is one element; text that is no JSON is a string, into which no path leads.
            self.get_checked(json, found);
            add(found, 0);
        }
        false
    }
}

/// Writes a member of a bag as the element that it becomes: a bag of one key, or `[key, value]`.
pub fn write_member(key: &str, value: &str, as_array: bool, text: &mut String) {
    text.clear();
    text.push(if as_array { '[' } else { '{' });
    json::write_string(key, text);
    text.push(if as_array { ',' } else { ':' });
    text.push_str(value);
    text.push(if as_array { ']' } else { '}' });
}

//! JSON of the sample, written as it is made: most of a row is JSON.

use crate::types::json;

/// A JSON value whose parts lie where they were made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Json<'a> {
    Bool(bool),
    Text(&'a str),
    List(&'a [Json<'a>]),
    Object(&'a [(&'a str, Json<'a>)]),
    Null,
}

impl Json<'_> {
    /// Returns its text, without white space.
    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(1024);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Text(text) => json::write_string(text, out),
            Json::List(values) => {
                out.push('[');
                for (place, value) in values.iter().enumerate() {
                    separate(place, out);
                    value.write(out);
                }
                out.push(']');
            }
            Json::Object(fields) => {
                out.push('{');
                for (place, (key, value)) in fields.iter().enumerate() {
                    separate(place, out);
                    json::write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn separate(place: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
}

/// Returns the text of a list of texts.
pub(super) fn list(texts: &[&str]) -> String {
    Json::List(&texts.iter().map(|text| Json::Text(text)).collect::<Vec<_>>()).text()
}

#[cfg(test)]
mod tests {
    use super::Json::{Bool, List, Null, Object, Text};
    use super::*;

    #[test]
    fn texts_are_those_of_a_serializer() {
        let odd = "a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{7f}ä€😀";
        let made = Object(&[("k\"", Text(odd)), ("l", List(&[Null, Bool(true), Object(&[]), List(&[])]))]).text();
        assert_eq!(made, serde_json::json!({"k\"": odd, "l": [null, true, {}, []]}).to_string());
        assert_eq!(list(&["a", "b"]), r#"["a","b"]"#);
    }
}

//! XML read as JSON, for `parse_xml`: attributes as `@name`, text beside them as `#text`, repeated elements as arrays.

use crate::types::json;

/// How deep elements may be nested.
const MAX_DEPTH: usize = 128;

/// The longest text that is read (documented).
const MAX_BYTES: usize = 1 << 20;

/// Returns the JSON of a document, or None if it is not well-formed or too long.
///
/// Only elements, attributes and text are translated (documented). Fails with the name of what is of unknown meaning:
/// a CDATA section, which may count as text or not, and several texts between elements.
pub(super) fn to_json(text: &str) -> Result<Option<String>, &'static str> {
    if text.len() > MAX_BYTES {
        return Ok(None);
    }
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}'), unsettled: None };
    let root = reader.document();
    match reader.unsettled {
        Some(what) if root.is_some() => Err(what),
        _ => Ok(root.map(|root| bag(&[root]))),
    }
}

struct Reader<'a> {
    rest: &'a str,
    unsettled: Option<&'static str>,
}

impl<'a> Reader<'a> {
    /// Reads the one element of a document.
    fn document(&mut self) -> Option<(String, String)> {
        self.skip_misc()?;
        let root = self.element(0)?;
        self.skip_misc()?;
        self.rest.is_empty().then_some(root)
    }

    /// Skips blanks, comments, a document type and processing instructions, the declaration too.
    fn skip_misc(&mut self) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest.split_once("-->")?.1;
            } else if self.rest.starts_with("<!DOCTYPE") {
                self.rest = self.rest.split_once('>')?.1;
            } else if self.rest.starts_with("<?") {
                self.rest = self.rest.split_once("?>")?.1;
            } else {
                return Some(());
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| c.is_whitespace() || "/>=<&'\"".contains(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    /// Reads `name="value"` pairs, up to what is none.
    fn attributes(&mut self) -> Option<Vec<(String, String)>> {
        let mut attributes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(['/', '>']) {
                return Some(attributes);
            }
            let name = self.name()?;
            self.rest = self.rest.trim_start().strip_prefix('=')?.trim_start();
            let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, rest) = self.rest[1..].split_once(quote)?;
            self.rest = rest;
            attributes.push((format!("@{name}"), json::string(&unescape(value)?)));
        }
    }

    /// Reads an element: its name and its value.
    fn element(&mut self, depth: usize) -> Option<(String, String)> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.rest = self.rest.strip_prefix('<')?;
        let name = self.name()?;
        let mut members = self.attributes()?;
        if let Some(rest) = self.rest.strip_prefix("/>") {
            self.rest = rest;
            return Some((name.to_string(), if members.is_empty() { "null".to_string() } else { bag(&members) }));
        }
        self.rest = self.rest.strip_prefix('>')?;
        let attributes = members.len();
        let mut texts: Vec<String> = Vec::new();
        loop {
            let (text, rest) = self.rest.split_at(self.rest.find('<')?);
            texts.push(unescape(text)?);
            self.rest = rest;
            if let Some(rest) = rest.strip_prefix("</") {
                self.rest = rest;
                if self.name()? != name {
                    return None;
                }
                self.rest = self.rest.trim_start().strip_prefix('>')?;
                break;
            }
            if let Some(rest) = rest.strip_prefix("<!--") {
                self.rest = rest.split_once("-->")?.1;
            } else if let Some(rest) = rest.strip_prefix("<![CDATA[") {
                self.unsettled = Some("a CDATA section");
                self.rest = rest.split_once("]]>")?.1;
            } else if rest.starts_with("<?") {
                self.rest = rest.split_once("?>")?.1;
            } else {
                members.push(self.element(depth + 1)?);
            }
        }
        let has_elements = members.len() > attributes;
        let text = if has_elements {
            texts.retain(|text| !text.trim().is_empty());
            if texts.len() > 1 {
                self.unsettled = Some("several texts between elements");
            }
            texts.concat().trim().to_string()
        } else {
            texts.concat()
        };
        let value = match (members.is_empty(), text.trim().is_empty()) {
            (true, true) => "null".to_string(),
            (true, false) => json::string(&text),
            (false, true) => bag(&members),
            (false, false) => {
                members.insert(attributes, ("#text".to_string(), json::string(&text)));
                bag(&members)
            }
        };
        Some((name.to_string(), value))
    }
}

/// Writes members as a bag; those of one name become an array.
fn bag(members: &[(String, String)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut out = String::from("{");
    for (name, _) in members {
        if names.contains(&name.as_str()) {
            continue;
        }
        if !names.is_empty() {
            out.push(',');
        }
        names.push(name);
        json::write_string(name, &mut out);
        out.push(':');
        let values: Vec<&str> =
            members.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect();
        match values.as_slice() {
            [value] => out.push_str(value),
            values => {
                out.push('[');
                out.push_str(&values.join(","));
                out.push(']');
            }
        }
    }
    out.push('}');
    out
}

/// Replaces the five entities and character references.
fn unescape(text: &str) -> Option<String> {
    let mut pieces = text.split('&');
    let mut out = pieces.next()?.to_string();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';')?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => {
                let number = other.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, to_json};

    #[test]
    fn reads_elements_attributes_and_text() {
        let xml = r#"<?xml version="1.0"?><!-- of a sensor --><Event xmlns='x'>
            <Data Name="Image">C:\a &amp; b</Data><Data Name="P"/><E></E><T>1</T></Event>"#;
        let json = concat!(
            r##"{"Event":{"@xmlns":"x","Data":[{"@Name":"Image","#text":"C:\\a & b"},{"@Name":"P"}],"##,
            r##""E":null,"T":"1"}}"##
        );
        assert_eq!(to_json(xml), Ok(Some(json.to_string())));
    }

    #[test]
    fn text_beside_elements_stands_without_blanks() {
        let json = r##"{"Note":{"#text":"seen","By":"lab"}}"##;
        assert_eq!(to_json("<Note> seen\n <By>lab</By> </Note>"), Ok(Some(json.to_string())));
        assert_eq!(to_json("<Note>a<By/>b</Note>"), Err("several texts between elements"));
        assert_eq!(to_json("<Note><![CDATA[a]]></Note>"), Err("a CDATA section"));
    }

    #[test]
    fn what_is_no_document_is_null() {
        let long = format!("<a>{}</a>", " ".repeat(MAX_BYTES));
        for text in ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&bad;</a>", "<a><![CDATA[", &long] {
            assert_eq!(to_json(text), Ok(None), "{text:.20}");
        }
    }
}

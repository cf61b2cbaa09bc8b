//! XML read as JSON, for `parse_xml`: attributes as `@name`, text beside them as `#text`, repeated elements as arrays.

use crate::types::json;

/// How deep elements may be nested.
const MAX_DEPTH: usize = 128;

/// Returns the JSON of a document, or None if it is not well-formed.
pub(super) fn to_json(text: &str) -> Option<String> {
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}') };
    let mut members: Vec<(String, String)> = Vec::new();
    let mut has_root = false;
    loop {
        reader.skip_misc()?;
        if reader.rest.is_empty() {
            break;
        }
        if let Some(rest) = reader.rest.strip_prefix("<?xml") {
            let (content, rest) = rest.split_once("?>")?;
            reader.rest = rest;
            let mut attributes = Reader { rest: content };
            members.push(("?xml".to_string(), bag(&attributes.attributes()?)));
            continue;
        }
        if has_root {
            return None;
        }
        has_root = true;
        members.push(reader.element(0)?);
    }
    has_root.then(|| bag(&members))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Skips blanks, comments, a document type and processing instructions other than the declaration.
    fn skip_misc(&mut self) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest.split_once("-->")?.1;
            } else if self.rest.starts_with("<!DOCTYPE") {
                self.rest = self.rest.split_once('>')?.1;
            } else if self.rest.starts_with("<?") && !self.rest.starts_with("<?xml") {
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
        let mut content = String::new();
        loop {
            let (text, rest) = self.rest.split_at(self.rest.find('<')?);
            content.push_str(&unescape(text)?);
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
                let (data, rest) = rest.split_once("]]>")?;
                members.push(("#cdata-section".to_string(), json::string(data)));
                self.rest = rest;
            } else if rest.starts_with("<?") {
                self.rest = rest.split_once("?>")?.1;
            } else {
                members.push(self.element(depth + 1)?);
            }
        }
        let blank = content.trim().is_empty();
        let value = match (members.is_empty(), blank) {
            (true, true) => "null".to_string(),
            (true, false) => json::string(&content),
            (false, true) => bag(&members),
            (false, false) => {
                members.push(("#text".to_string(), json::string(&content)));
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
    use super::to_json;

    #[test]
    fn reads_elements_attributes_and_text() {
        let xml = r#"<?xml version="1.0"?><Event xmlns='x'>
            <Data Name="Image">C:\a &amp; b</Data><Data Name="P"/><E></E><T>1</T></Event>"#;
        let json = concat!(
            r##"{"?xml":{"@version":"1.0"},"Event":{"@xmlns":"x","##,
            r##""Data":[{"@Name":"Image","#text":"C:\\a & b"},{"@Name":"P"}],"E":null,"T":"1"}}"##
        );
        assert_eq!(to_json(xml).as_deref(), Some(json));
    }

    #[test]
    fn what_is_no_document_is_null() {
        for text in ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&bad;</a>"] {
            assert_eq!(to_json(text), None, "{text}");
        }
    }
}

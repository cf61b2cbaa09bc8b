//! The reference as Markdown, and the table of what is supported.

use super::Entry;

/// The kinds of entries, in the order of the tables.
const KINDS: [(&str, &str); 5] = [
    ("operator", "Operators"),
    ("source", "Sources"),
    ("scalar", "Scalar functions"),
    ("aggregate", "Aggregates"),
    ("plugin", "Plugins"),
];

/// Writes one line for each kind: how many are known, how many are computed, and which are refused by name.
pub(super) fn matrix(entries: &[Entry]) -> String {
    let mut text = "| kind | known | supported | refused by name |\n| --- | --: | --: | --- |\n".to_string();
    for (kind, title) in kinds(entries) {
        let all: Vec<&Entry> = entries.iter().filter(|entry| entry.kind == kind).collect();
        let refused: Vec<String> =
            all.iter().filter(|entry| !entry.supported).map(|entry| format!("`{}`", entry.name)).collect();
        let supported = all.len() - refused.len();
        let refused = if refused.is_empty() { "none".to_string() } else { refused.join(", ") };
        text.push_str(&format!("| {title} | {} | {supported} | {refused} |\n", all.len()));
    }
    text
}

/// Writes the whole reference.
pub(super) fn reference(entries: &[Entry]) -> String {
    let mut text = format!("# Reference\n\n{}", matrix(entries));
    for (kind, title) in kinds(entries) {
        text.push_str(&format!("\n## {title}\n"));
        entries.iter().filter(|entry| entry.kind == kind).for_each(|entry| text.push_str(&section(entry)));
    }
    text
}

/// The kinds that there are: those that have a title first.
fn kinds(entries: &[Entry]) -> Vec<(&str, &str)> {
    let mut kinds: Vec<(&str, &str)> = KINDS.to_vec();
    for entry in entries {
        if !kinds.iter().any(|(kind, _)| *kind == entry.kind) {
            kinds.push((entry.kind, entry.kind));
        }
    }
    kinds.retain(|(kind, _)| entries.iter().any(|entry| entry.kind == *kind));
    kinds
}

fn section(entry: &Entry) -> String {
    let mut text = format!("\n### {}\n\n{}\n", entry.name, entry.summary);
    if !entry.supported {
        text.push_str("\nNot supported: queries that use it are refused.\n");
    }
    if !entry.aliases.is_empty() {
        let names: Vec<String> = entry.aliases.iter().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!("\nAlso {}.\n", names.join(", ")));
    }
    let mut code = entry.signatures.join("\n");
    for (query, result) in &entry.examples {
        if !code.is_empty() {
            code.push('\n');
        }
        code.push_str(query);
        code.extend(result.map(|result| format!("    // {result}")));
    }
    if !code.is_empty() {
        text.push_str(&format!("\n```kql\n{code}\n```\n"));
    }
    text
}

//! Forms of rule files: each is read into the same [model](crate::rules::model).
//!
//! ```text
//! file ──document──▶ Node ──one form each──▶ keys as ARM names them ──typed──▶ Rule
//!                                  ╲
//!                                   ▶ problems: unknown keys, wrong types, wrong words, with their places
//! ```

mod azsentinel;
mod expression;
mod fit;
pub mod key;
mod resource;
pub(crate) mod terraform;
mod typed;
mod yaml;

pub(crate) use resource::KEPT;

use std::path::Path;

use super::document::hcl::Load;
use super::document::{self, Node};
use super::model::{Kind, Rule};
use crate::diagnostic::{Diagnostic, Span};

/// The rules of a file, and what is wrong with how they are written.
#[derive(Debug, Default, PartialEq)]
pub struct Reading {
    pub rules: Vec<Rule>,
    /// Unknown keys, wrong types, wrong words; in no order.
    pub problems: Vec<Diagnostic>,
}

/// Endings of files that may hold rules.
pub const ENDINGS: [&str; 4] = ["json", "tf", "yaml", "yml"];

/// Tells from a file's name whether it may hold rules.
pub fn is_candidate(path: &Path) -> bool {
    ending(path).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}

/// Reads the rules of a file whose name tells its language; none where it holds something else.
///
/// Of a text without a name that tells (standard input) its beginning does: JSON begins with a bracket, Terraform with a
/// block. Fails with the problems that keep the file from being read at all.
///
/// ```
/// use alertq::rules::form;
/// let reading = form::read("rule.yaml".as_ref(), "kind: NRT\nname: n\nqeury: T\n").unwrap().unwrap();
/// assert_eq!(reading.rules[0].title(), "n");
/// assert_eq!(reading.problems[0].help.as_deref(), Some("did you mean 'query'?"));
/// ```
pub fn read(path: &Path, text: &str) -> Result<Option<Reading>, Vec<Diagnostic>> {
    read_with(path, text, &|_| None)
}

/// As [`read`]; `load` gives the texts of files that the file names itself (Terraform's `file`), by their paths from the
/// file's folder.
pub fn read_with(path: &Path, text: &str, load: Load) -> Result<Option<Reading>, Vec<Diagnostic>> {
    let reading = match ending(path).as_deref() {
        Some("yaml" | "yml") => yaml::read(text),
        Some("json") => json(text),
        Some("tf") => terraform::read(text, load),
        None if is_json(text) => json(text),
        None if is_terraform(text) => terraform::read(text, load),
        None => yaml::read(text),
        Some(_) => Ok(None),
    };
    reading.map_err(|problem| vec![problem])
}

fn is_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '['])
}

/// Says why a file that somebody takes for rules holds none: it cannot be read, or it is something else.
pub fn unread(path: &Path, text: &str) -> Diagnostic {
    let help = "rules are in YAML (kind, query), in templates and answers of the API in JSON, in Terraform";
    let other = if is_custom_detection(text) {
        "custom detections of Defender XDR are not supported: they run in its portal"
    } else {
        "the file holds no rule"
    };
    broken_json(path, text).unwrap_or_else(|| Diagnostic::error("AQ500", Span::default(), other).help(help))
}

/// Says where a file that is JSON by its name or its beginning stops being JSON.
pub fn broken_json(path: &Path, text: &str) -> Option<Diagnostic> {
    let is_json = ending(path).map_or_else(|| is_json(text), |ending| ending == "json");
    if is_json { document::json::read(text).err() } else { None }
}

/// Tells what Graph has of a rule of Defender XDR (`detectionRules`), in JSON and in YAML.
fn is_custom_detection(text: &str) -> bool {
    ["queryCondition", "detectionAction"]
        .iter()
        .all(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// Tells whether a line begins a block as `resource "azurerm_..." "name" {` does.
fn is_terraform(text: &str) -> bool {
    let mut words = text.lines().map(|line| (line.split_whitespace().next(), line.trim_end().ends_with('{')));
    words.any(|(word, opens)| {
        opens && matches!(word, Some("resource" | "variable" | "locals" | "terraform" | "provider"))
    })
}

fn json(text: &str) -> Result<Option<Reading>, Diagnostic> {
    if !may_hold_rules(text) {
        return Ok(None);
    }
    let root = document::json::read(text)?;
    Ok(azsentinel::read(&root, text).or_else(|| resource::read(&root, text)))
}

/// Tells rules from the records and settings that lie beside them as JSON too, without reading them: records are long,
/// and may be lines, which are no JSON document.
fn may_hold_rules(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let quoted = |kind: &Kind| has(&format!("\"{}\"", kind.word()));
    let types = ["/alertRules\"", "/alertrules\"", "lertRuleTemplates\"", "lertruletemplates\"", "nalyticsSettings\""];
    let template = has("\"kind\"") || has("\"resources\"");
    Kind::ALL.iter().any(quoted) || (template && types.iter().any(|word| has(word)))
}

/// Reads the kind of a rule, which is minded in its case: the kind that was meant, where only that is wrong, and what is
/// wrong with it.
fn kind_of(node: &Node) -> (Option<Kind>, Option<Diagnostic>) {
    let written = node.as_text().unwrap_or_default();
    let meant = Kind::ALL.iter().find(|kind| kind.word().eq_ignore_ascii_case(written)).copied();
    let exact = meant.is_some_and(|kind| kind.word() == written);
    let problem = || {
        let words = Kind::ALL.iter().map(|kind| kind.word());
        fit::word_problem(node.span, format!("'{written}' is no kind of rule"), written, words)
    };
    (meant, (!exact).then(problem))
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Reads the rules of a JSON file.
    pub(crate) fn json_rules(text: &str) -> Reading {
        read(Path::new("rules.json"), text).unwrap().unwrap()
    }

    /// Reads one rule of a YAML file.
    pub(crate) fn yaml_rule(text: &str) -> Rule {
        read(Path::new("rule.yaml"), text).unwrap().unwrap().rules.remove(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_not_read_as_rules() {
        let lines = "{\"AlertName\": \"Scheduled run\"}\n{\"AlertName\": \"b\"}\n";
        assert_eq!(read(Path::new("alerts.json"), lines), Ok(None));
        let broken = r#"{"resources": [{"type": "Microsoft.SecurityInsights/alertRules", "kind": "Schedulled", }"#;
        assert_eq!(read(Path::new("t.json"), broken).unwrap_err()[0].code, "AQ500");
        assert_eq!(read(Path::new("notes.txt"), "kind: NRT"), Ok(None));
    }

    #[test]
    fn a_text_without_a_name_tells_its_form_itself() {
        let title =
            |text: &str| read(Path::new("-"), text).unwrap().map(|reading| reading.rules[0].title().to_string());
        assert_eq!(title("kind: NRT\nname: n\nquery: T\n").as_deref(), Some("n"));
        let rule = r#"{"kind": "NRT", "type": "Microsoft.SecurityInsights/alertRules", "properties": {"displayName": "j", "query": "T"}}"#;
        assert_eq!(title(&format!("\u{feff} {rule}")).as_deref(), Some("j"));
        let rule = "resource \"azurerm_sentinel_alert_rule_nrt\" \"t\" {\n  display_name = \"t\"\n  query = \"T\"\n}\n";
        assert_eq!(title(rule).as_deref(), Some("t"));
        assert_eq!(title("SecurityAlert | count"), None);
    }
}

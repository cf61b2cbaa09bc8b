//! What an alert takes from the result in place of the rule's own values: names, severity, properties, custom details.

use serde_json::{Map, Value as Json, json};

use super::results::{Results, json_of};
use crate::rules::checks::is_tactic;
use crate::rules::model::{AlertProperty, Detection, Severity};
use crate::rules::row::{Alert, names};

/// Bytes of an alert's name and of other single values, and of its description and of collections (documented).
const LONGEST_VALUE: usize = 256;
const LONGEST_TEXT: usize = 5 << 10;
/// Values of one custom detail, and bytes of all (documented).
const MOST_VALUES: usize = 50;
const LONGEST_DETAILS: usize = 2048;

/// Replaces what columns of the first row replace. What is missing, empty or not allowed leaves the rule's own value.
pub(super) fn override_details(alert: &mut Alert, detection: &Detection, results: &Results) {
    let overrides = &detection.overrides;
    if let Some(name) = overrides.name_format.as_ref().and_then(|format| filled(&format.value, results)) {
        alert.name = cut(&name, LONGEST_VALUE).to_string();
    }
    if let Some(text) = overrides.description_format.as_ref().and_then(|format| filled(&format.value, results)) {
        alert.description = cut(&text, LONGEST_TEXT).to_string();
    }
    let text = |column: &str| results.first_text(column);
    if let Some(severity) = overrides.severity_column.as_ref().and_then(|column| Severity::read(&text(&column.value)?))
    {
        alert.severity = severity.word().to_string();
    }
    if let Some(tactics) = overrides.tactics_column.as_ref().and_then(|column| text(&column.value)) {
        let tactics = names(&tactics);
        if !tactics.is_empty() && tactics.iter().all(|tactic| is_tactic(tactic)) {
            alert.tactics = tactics.join(", ");
        }
    }
    for property in &overrides.dynamic_properties {
        if let (Some(property), Some(column)) = (&property.property, &property.column)
            && let Some(text) = text(&column.value)
        {
            set(alert, property.value, &text);
        }
    }
}

fn set(alert: &mut Alert, property: AlertProperty, text: &str) {
    let value = || cut(text, LONGEST_VALUE).to_string();
    let collection = || cut(text, LONGEST_TEXT).to_string();
    match property {
        AlertProperty::AlertLink => alert.link = value(),
        AlertProperty::ConfidenceLevel => alert.confidence_level = value(),
        AlertProperty::ConfidenceScore => alert.confidence_score = text.parse().ok().or(alert.confidence_score),
        AlertProperty::ExtendedLinks => alert.extended_links = collection(),
        AlertProperty::ProductComponentName => alert.component = value(),
        AlertProperty::ProductName => alert.product = value(),
        AlertProperty::ProviderName => alert.provider = value(),
        AlertProperty::RemediationSteps => alert.remediation_steps = collection(),
        AlertProperty::Techniques => alert.techniques = json!(names(text)).to_string(),
    }
}

/// Fills the placeholders of a format; None where one of them has no value.
fn filled(format: &str, results: &Results) -> Option<String> {
    let (mut text, mut rest) = (String::new(), format);
    while let Some((before, (name, behind))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        text.push_str(before);
        text.push_str(&results.first_text(name.trim())?);
        rest = behind;
    }
    text.push_str(rest);
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Returns what fits of a text, without the half of a character.
fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// Returns the JSON text of the custom details, each key with the values of all rows, each once.
pub(super) fn custom_details(detection: &Detection, results: &Results) -> Option<String> {
    if detection.custom_details.is_empty() {
        return None;
    }
    let mut bag = Map::new();
    let mut length = 2;
    for (key, column) in &detection.custom_details {
        let mut values: Vec<Json> = Vec::new();
        for value in results.values(&column.value).into_iter().flatten() {
            let json = match json_of(&value) {
                Json::Null => continue,
                Json::String(text) if text.is_empty() => continue,
                Json::String(text) => json!(text),
                other => json!(other.to_string()),
            };
            let size = json.to_string().len() + 1;
            if values.len() < MOST_VALUES
                && length + size + key.value.len() < LONGEST_DETAILS
                && !values.contains(&json)
            {
                length += size;
                values.push(json);
            }
        }
        if !values.is_empty() {
            length += key.value.len() + 6;
            bag.insert(key.value.clone(), Json::Array(values));
        }
    }
    Some(Json::Object(bag).to_string())
}

#[cfg(test)]
mod tests {
    use super::super::results::results;
    use super::*;
    use crate::types::{ScalarType, Value};

    fn rows() -> Results {
        let text = |text: &str| Value::String(text.into());
        results(
            &[("Host", ScalarType::String), ("N", ScalarType::Long), ("Empty", ScalarType::String)],
            &[vec![text("web{{N}}"), Value::Long(3), text("")], vec![text("db"), Value::Long(3), text("")]],
        )
    }

    #[test]
    fn placeholders_are_filled_from_the_first_row() {
        assert_eq!(filled("on {{Host}}: {{ N }} times", &rows()).as_deref(), Some("on web{{N}}: 3 times"));
        assert_eq!(filled("on {{Empty}}", &rows()), None);
        assert_eq!(filled("on {{Missing}}", &rows()), None);
        assert_eq!(filled("plain", &rows()).as_deref(), Some("plain"));
        assert_eq!(filled("}} {{Empty", &rows()).as_deref(), Some("}} {{Empty"));
    }
}

//! Rules in the YAML of the Azure-Sentinel repository.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Embedded;
use super::model::{EntityMapping, FieldMapping, Kind, Located, Rule};
use crate::diagnostic::{Diagnostic, Span, nearest};

/// Reads a rule. None where the file is some other YAML: it has neither `kind` nor `query`.
///
/// Keys that are not known are left alone, as Microsoft's own reader does. Fails with the problems that keep the file
/// from being read at all.
pub fn read(text: &str) -> Result<Option<Rule>, Vec<Diagnostic>> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| vec![unreadable(&error)])?;
    if file.kind.is_none() && file.query.is_none() {
        return Ok(None);
    }
    let kind = kind(&file).map_err(|problem| vec![problem])?;
    Ok(Some(file.rule(kind, text)))
}

fn unreadable(error: &serde_saphyr::Error) -> Diagnostic {
    let span = error.location().and_then(|location| span(&location)).unwrap_or_default();
    Diagnostic::error("AQ500", span, format!("the file is no rule: {}", error.without_snippet()))
}

fn kind(file: &File) -> Result<Kind, Diagnostic> {
    let Some(written) = &file.kind else { return Ok(Kind::Hunting) };
    let known = Kind::WORDS.iter().find(|(word, _)| *word == written.value);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        let place = span(&written.defined).unwrap_or_default();
        let problem = Diagnostic::error("AQ502", place, format!("'{}' is no kind of rule", written.value));
        let words = Kind::WORDS.map(|(word, _)| word);
        match nearest(&written.value, words) {
            Some(near) => problem.help(format!("did you mean '{near}'?")),
            None => problem.help(format!("the kinds are: {}", words.join(", "))),
        }
    })
}

fn span(location: &serde_saphyr::Location) -> Option<Span> {
    let span = location.span();
    let (start, length) = (span.byte_offset()?, span.byte_len()?);
    Some(Span::new(usize::try_from(start).ok()?, usize::try_from(start.saturating_add(length)).ok()?))
}

type Text = Option<Spanned<String>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    id: Text,
    kind: Text,
    name: Text,
    severity: Text,
    query_frequency: Text,
    query_period: Text,
    trigger_operator: Text,
    trigger_threshold: Text,
    query: Text,
    entity_mappings: Option<Vec<Entity>>,
    custom_details: Option<std::collections::BTreeMap<String, Text>>,
    alert_details_override: Option<Override>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    entity_type: Text,
    field_mappings: Option<Vec<Field>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    identifier: Text,
    column_name: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Override {
    alert_display_name_format: Text,
    alert_description_format: Text,
    alert_tactics_column_name: Text,
    alert_severity_column_name: Text,
    alert_dynamic_properties: Option<Vec<Property>>,
}

#[derive(Deserialize)]
struct Property {
    value: Text,
}

impl File {
    fn rule(self, kind: Kind, text: &str) -> Rule {
        let start = Span::new(0, text.lines().next().map_or(0, str::len));
        let query = self.query.map(|query| {
            let place = span(&query.defined).unwrap_or(start);
            Embedded::new(query.value, text, place)
        });
        let details = self.custom_details.unwrap_or_default();
        let overridden = self.alert_details_override;
        let (formats, overrides) = overridden.map(Override::split).unwrap_or_default();
        Rule {
            kind,
            start,
            id: located(self.id),
            name: located(self.name),
            severity: located(self.severity),
            frequency: located(self.query_frequency),
            period: located(self.query_period),
            trigger_operator: located(self.trigger_operator),
            trigger_threshold: located(self.trigger_threshold),
            query,
            entity_mappings: self.entity_mappings.unwrap_or_default().into_iter().map(Entity::mapping).collect(),
            custom_details: details.into_iter().filter_map(|(key, column)| Some((key, located(column)?))).collect(),
            formats,
            overrides,
        }
    }
}

impl Entity {
    fn mapping(self) -> EntityMapping {
        let fields = self.field_mappings.unwrap_or_default().into_iter();
        let fields = fields
            .map(|field| FieldMapping { identifier: located(field.identifier), column: located(field.column_name) });
        EntityMapping { entity: located(self.entity_type), fields: fields.collect() }
    }
}

impl Override {
    /// Tells texts with placeholders from names of columns.
    fn split(self) -> (Vec<Located<String>>, Vec<Located<String>>) {
        let formats = [self.alert_display_name_format, self.alert_description_format];
        let mut columns = vec![self.alert_tactics_column_name, self.alert_severity_column_name];
        columns.extend(self.alert_dynamic_properties.unwrap_or_default().into_iter().map(|property| property.value));
        (formats.into_iter().filter_map(located).collect(), columns.into_iter().filter_map(located).collect())
    }
}

/// An empty text is no value: `severity:` without anything.
fn located(text: Text) -> Option<Located<String>> {
    let text = text?;
    let place = span(&text.defined).unwrap_or_default();
    (!text.value.is_empty()).then_some(Located { value: text.value, span: place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_yaml_is_no_rule() {
        assert_eq!(read("a: 1\n"), Ok(None));
        assert_eq!(read("name: x\ndescription: y\n"), Ok(None));
    }

    #[test]
    fn kinds_without_a_query_are_known() {
        let rule = read("kind: Fusion\nname: f\n").unwrap().unwrap();
        assert_eq!((rule.kind, rule.query), (Kind::Fusion, None));
        let problems = read("kind: scheduled\n").unwrap_err();
        assert_eq!((problems[0].code, problems[0].help.as_deref()), ("AQ502", Some("did you mean 'Scheduled'?")));
    }

    #[test]
    fn broken_yaml_has_a_place() {
        let problems = read("kind: NRT\nquery: [\n").unwrap_err();
        assert_eq!((problems[0].code, problems[0].span.start), ("AQ500", 17));
    }

    #[test]
    fn columns_are_expected_wherever_the_rule_names_them() {
        let file = "query: T\nentityMappings:\n  - entityType: IP\n    fieldMappings:\n      - identifier: Address\n        \
                    columnName: A\ncustomDetails:\n  Key: B\n  Empty:\nalertDetailsOverride:\n  \
                    alertDisplayNameFormat: on {{C}}\n  alertSeverityColumnName: D\n  alertDynamicProperties:\n    \
                    - alertProperty: AlertLink\n      value: E\n";
        let rule = read(file).unwrap().unwrap();
        let mut names: Vec<_> = rule.expected_columns().into_iter().map(|column| column.value).collect();
        names.sort();
        assert_eq!(names, ["A", "B", "C", "D", "E"]);
        assert_eq!(rule.kind, Kind::Hunting);
    }
}

//! Entities of an alert, read from columns of the result as the rule maps them.

use serde_json::{Map, Value as Json, json};

use super::results::Results;
use crate::diagnostic::Span;
use crate::rules::Assumptions;
use crate::rules::document::Located;
use crate::rules::incident::type_of;
use crate::rules::model::{Detection, EntityMapping, EntityType, FieldMapping};
use crate::types::convert::text_of;

/// Entities of one alert, shared equally among the mappings (documented).
const MOST: usize = 500;
/// Bytes of `Entities` (documented); what does not fit is left out.
const LONGEST: usize = 64 << 10;
/// Accounts that are on every machine: their name alone tells nothing, and such an entity is dropped (documented).
const GENERIC: [&str; 11] = [
    "admin",
    "administrator",
    "system",
    "root",
    "anonymous",
    "authenticated user",
    "network",
    "null",
    "local system",
    "localsystem",
    "network service",
];

/// Columns that made entities before rules had mappings, one of each type (documented).
const OLD_MAPPINGS: [(&str, EntityType, &str); 5] = [
    ("AccountCustomEntity", EntityType::Account, "FullName"),
    ("HostCustomEntity", EntityType::Host, "FullName"),
    ("IPCustomEntity", EntityType::Ip, "Address"),
    ("URLCustomEntity", EntityType::Url, "Url"),
    ("FileHashCustomEntity", EntityType::FileHash, "Value"),
];

/// Returns the text of `Entities`; empty where there is none.
pub(super) fn entities(detection: &Detection, results: &Results, assumptions: Assumptions) -> String {
    let mut found = Found::default();
    // One mapping of the new kind puts all old ones out of force (documented).
    let old =
        if assumptions.old_mappings_hold && detection.entity_mappings.is_empty() { old_mappings() } else { vec![] };
    let mappings = if old.is_empty() { &detection.entity_mappings } else { &old };
    let share = MOST / mappings.len().max(1);
    for mapping in mappings {
        found.map(mapping, results, share);
    }
    for column in &detection.sentinel_entities {
        let texts = results.values(&column.value).into_iter().flatten().map(|value| text_of(&value));
        for list in texts.filter_map(|text| serde_json::from_str::<Json>(&text).ok()) {
            let items = list.as_array().cloned().unwrap_or_else(|| vec![list]);
            items.into_iter().filter_map(|item| item.as_object().cloned()).for_each(|entity| found.add(entity));
        }
    }
    if found.list.is_empty() { String::new() } else { Json::Array(found.list).to_string() }
}

fn old_mappings() -> Vec<EntityMapping> {
    fn nowhere<T>(value: T) -> Option<Located<T>> {
        Some(Located { value, span: Span::default() })
    }
    let mapping = |(column, entity, identifier): (&str, EntityType, &str)| EntityMapping {
        span: Span::default(),
        entity: nowhere(entity),
        fields: vec![FieldMapping { identifier: nowhere(identifier.to_string()), column: nowhere(column.to_string()) }],
    };
    OLD_MAPPINGS.into_iter().map(mapping).collect()
}

#[derive(Default)]
struct Found {
    list: Vec<Json>,
    /// What each says without its number.
    said: std::collections::HashSet<String>,
    length: usize,
}

impl Found {
    fn map(&mut self, mapping: &EntityMapping, results: &Results, share: usize) {
        let Some(entity) = mapping.entity else { return };
        let mut columns = Vec::new();
        for field in &mapping.fields {
            if let (Some(identifier), Some(column)) = (&field.identifier, &field.column) {
                let texts = results.values(&column.value).map(|values| values.map(|value| text_of(&value)));
                columns.push((identifier.value.as_str(), texts.map_or_else(Vec::new, Iterator::collect)));
            }
        }
        let before = self.list.len();
        for row in 0..results.count() {
            if self.list.len() - before >= share {
                return;
            }
            let mut fields = Map::new();
            for (identifier, texts) in &columns {
                let text = texts.get(row).map_or("", |text: &String| text.trim());
                if !text.is_empty() {
                    identify(entity.value, identifier, text, &mut fields);
                }
            }
            if !fields.is_empty() && !is_generic(entity.value, &fields) {
                fields.insert("Type".into(), json!(written_type(entity.value)));
                self.add(fields);
            }
        }
    }

    fn add(&mut self, fields: Map<String, Json>) {
        let said = Json::Object(fields.clone()).to_string();
        if self.said.contains(&said) || self.length + said.len() > LONGEST || self.list.len() >= MOST {
            return;
        }
        self.length += said.len() + 12;
        self.said.insert(said);
        // The container took the first number (observed).
        let mut numbered = Map::from_iter([("$id".to_string(), json!((self.list.len() + 2).to_string()))]);
        numbered.extend(fields);
        self.list.push(Json::Object(numbered));
    }
}

/// Writes an identifier as the entity has it: `FullName` exists in mappings alone, and is taken apart.
fn identify(entity: EntityType, identifier: &str, text: &str, fields: &mut Map<String, Json>) {
    let mut put = |name: &str, text: &str| _ = fields.insert(name.to_string(), json!(text));
    match (entity, identifier) {
        (EntityType::Account, "FullName") => match (text.split_once('\\'), text.split_once('@')) {
            (Some((domain, name)), _) => {
                put("Name", name);
                put("NTDomain", domain);
            }
            (None, Some((name, suffix))) => {
                put("Name", name);
                put("UPNSuffix", suffix);
            }
            (None, None) => put("Name", text),
        },
        (EntityType::Host, "FullName") => match text.split_once('.') {
            Some((name, domain)) => {
                put("HostName", name);
                put("DnsDomain", domain);
            }
            None => put("HostName", text),
        },
        _ => put(identifier, text),
    }
}

fn is_generic(entity: EntityType, fields: &Map<String, Json>) -> bool {
    entity == EntityType::Account
        && fields.len() == 1
        && fields.get("Name").and_then(Json::as_str).is_some_and(|name| GENERIC.contains(&name.to_lowercase().as_str()))
}

fn written_type(entity: EntityType) -> String {
    match entity {
        EntityType::SubmissionMail => "SubmissionMail".to_string(),
        other => type_of(other.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::results;
    use super::*;
    use crate::types::{ScalarType, Value};

    fn located<T>(value: T) -> Option<Located<T>> {
        Some(Located { value, span: crate::diagnostic::Span::default() })
    }

    fn mapping(entity: EntityType, fields: &[(&str, &str)]) -> EntityMapping {
        let field = |(identifier, column): &(&str, &str)| FieldMapping {
            identifier: located(identifier.to_string()),
            column: located(column.to_string()),
        };
        EntityMapping {
            span: crate::diagnostic::Span::default(),
            entity: located(entity),
            fields: fields.iter().map(field).collect(),
        }
    }

    fn check(mappings: Vec<EntityMapping>, values: &[&str], expected: &str) {
        let rows: Vec<Vec<Value>> = values.iter().map(|value| vec![Value::String(value.to_string())]).collect();
        let results = results(&[("C", ScalarType::String)], &rows);
        let detection = Detection { entity_mappings: mappings, ..Detection::default() };
        assert_eq!(entities(&detection, &results, Assumptions::default()), expected);
    }

    #[test]
    fn each_value_is_one_entity() {
        check(
            vec![mapping(EntityType::Ip, &[("Address", "C")])],
            &["192.0.2.1", "192.0.2.2", "192.0.2.1", ""],
            r#"[{"$id":"2","Address":"192.0.2.1","Type":"ip"},{"$id":"3","Address":"192.0.2.2","Type":"ip"}]"#,
        );
        check(
            vec![mapping(EntityType::AzureResource, &[("ResourceId", "C")])],
            &["/r"],
            r#"[{"$id":"2","ResourceId":"/r","Type":"azure-resource"}]"#,
        );
        check(vec![mapping(EntityType::Ip, &[("Address", "Missing")])], &["x"], "");
    }

    #[test]
    fn full_names_are_taken_apart() {
        let account = || vec![mapping(EntityType::Account, &[("FullName", "C")])];
        check(account(), &["ada@x.example"], r#"[{"$id":"2","Name":"ada","UPNSuffix":"x.example","Type":"account"}]"#);
        check(account(), &["X\\ada"], r#"[{"$id":"2","Name":"ada","NTDomain":"X","Type":"account"}]"#);
        check(account(), &["root", "SYSTEM"], "");
        check(
            vec![mapping(EntityType::Host, &[("FullName", "C")])],
            &["srv.x.example"],
            r#"[{"$id":"2","HostName":"srv","DnsDomain":"x.example","Type":"host"}]"#,
        );
    }

    #[test]
    fn the_500_are_shared_equally() {
        let values: Vec<String> = (0..400).map(|n| n.to_string()).collect();
        let rows: Vec<_> = values.iter().map(|value| vec![Value::String(value.clone())]).collect();
        let results = results(&[("C", ScalarType::String)], &rows);
        let mappings = vec![mapping(EntityType::Ip, &[("Address", "C")]), mapping(EntityType::Url, &[("Url", "C")])];
        let detection = Detection { entity_mappings: mappings, ..Detection::default() };
        let text = entities(&detection, &results, Assumptions::default());
        let list: Vec<Json> = serde_json::from_str(&text).unwrap();
        assert_eq!(list.iter().filter(|entity| entity["Type"] == "ip").count(), 250);
        assert_eq!(list.len(), 500);
    }
}

//! What of a file is not as its table has it, and what lies in its JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Listing, markdown, pretty};
use crate::catalog::entities::EntityType;
use crate::cli::Outcome;
use crate::source::{Entity, Finding, Profile};

/// Kinds of a thing that text and Markdown list; JSON has all of them.
const LISTED: usize = 40;

pub(super) fn outcome(profiles: &[Profile]) -> Outcome {
    // Of a table that nobody knows, records that cannot be read are all that can be found.
    match profiles.iter().all(|profile| profile.findings().is_empty() && profile.rejected == 0) {
        true => Outcome::Clean,
        false => Outcome::Found,
    }
}

pub(super) fn show(profiles: &[Profile], format: Listing) -> String {
    match format {
        Listing::Text => profiles.iter().map(text).collect(),
        Listing::Markdown => profiles.iter().map(page).collect(),
        Listing::Json => pretty(&Value::Array(profiles.iter().map(object).collect())),
    }
}

fn head(profile: &Profile, findings: usize) -> String {
    let Profile { table, rows, rejected, columns, .. } = profile;
    let verdict = match (profile.known, findings) {
        (None, _) => "alertq has no description of this table".to_string(),
        (_, 0) => "nothing found".to_string(),
        (_, count) => format!("{count} findings"),
    };
    format!("{table}: {rows} rows, {rejected} unreadable, {} columns: {verdict}", columns.len())
}

fn text(profile: &Profile) -> String {
    let findings = profile.findings();
    let mut text = head(profile, findings.len()) + "\n";
    for finding in &findings {
        text += &format!("  {:20} {}{}\n", finding.kind.name(), finding.message, tail(finding));
    }
    for (title, rows) in [
        ("entities", entities(profile)),
        ("ExtendedProperties by AlertType", keys(&profile.properties)),
        ("keys of objects", keys(&profile.keys)),
    ] {
        if !rows.is_empty() {
            text += &format!("\n  {title}\n");
        }
        for [name, count, parts] in rows.iter().take(LISTED) {
            text += &format!("    {name} ({count}): {parts}\n");
        }
        if rows.len() > LISTED {
            text += &format!("    and {} more (--format json has all)\n", rows.len() - LISTED);
        }
    }
    if profile.cut {
        text += "\n  there are more kinds of something than are told apart\n";
    }
    text + "\n"
}

fn tail(finding: &Finding) -> String {
    let count = if finding.count > 0 { format!(" ({} times)", finding.count) } else { String::new() };
    let first = finding.first.as_ref().map(|(row, value)| format!("; first in record {row}: {value}"));
    count + &first.unwrap_or_default()
}

fn page(profile: &Profile) -> String {
    let findings = profile.findings();
    let mut page = format!("## {}\n", head(profile, findings.len()));
    if !findings.is_empty() {
        let row = |finding: &Finding| {
            let (row, value) = finding.first.clone().map_or_else(Default::default, |(row, v)| (row.to_string(), v));
            vec![finding.kind.name().to_string(), finding.message.clone(), finding.count.to_string(), row, value]
        };
        page += "\n";
        page += &markdown(&["Kind", "Finding", "Count", "First record", "Value"], findings.iter().map(row));
    }
    for (title, parts, rows) in [
        ("Entity", "Fields", entities(profile)),
        ("AlertType", "Keys of ExtendedProperties", keys(&profile.properties)),
        ("Column", "Keys of its objects", keys(&profile.keys)),
    ] {
        if !rows.is_empty() {
            page += "\n";
            page += &markdown(&[title, "Count", parts], rows.into_iter().take(LISTED).map(|row| row.to_vec()));
        }
    }
    page + "\n"
}

/// Lists the types of entities, their number and fields; fields that are not documented have an asterisk.
fn entities(profile: &Profile) -> Vec<[String; 3]> {
    let row = |(name, entity): (&String, &Entity)| {
        let known = EntityType::find(name);
        let field = |(field, count): (&String, &u64)| {
            let mark = if known.is_none_or(|known| known.documents(field)) { "" } else { "*" };
            format!("{field}{mark} {count}")
        };
        let fields: Vec<_> = entity.fields.iter().map(field).collect();
        (entity.seen.count, [name.clone(), entity.seen.count.to_string(), fields.join(", ")])
    };
    by_count(profile.entities.iter().map(row).collect())
}

/// Lists things that have keys, and these.
fn keys<Name: ToString>(keys: &BTreeMap<Name, BTreeMap<String, u64>>) -> Vec<[String; 3]> {
    let rows = keys.iter().map(|(name, keys)| {
        let most = keys.values().copied().max().unwrap_or(0);
        let keys: Vec<_> = keys.iter().map(|(key, count)| format!("{key} {count}")).collect();
        (most, [name.to_string(), most.to_string(), keys.join(", ")])
    });
    by_count(rows.collect())
}

fn by_count(mut rows: Vec<(u64, [String; 3])>) -> Vec<[String; 3]> {
    rows.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn object(profile: &Profile) -> Value {
    let finding = |finding: Finding| {
        let (row, value) = finding.first.map_or((Value::Null, Value::Null), |(row, value)| (row.into(), value.into()));
        json!({
            "kind": finding.kind.name(), "column": finding.column, "message": finding.message, "count": finding.count,
            "first": {"record": row, "value": value},
        })
    };
    let entity = |(name, entity): (&String, &Entity)| {
        let known = EntityType::find(name);
        let field = |(field, count): (&String, &u64)| {
            let documented = known.is_some_and(|known| known.documents(field));
            (field.clone(), json!({"count": count, "documented": documented}))
        };
        let fields: serde_json::Map<String, Value> = entity.fields.iter().map(field).collect();
        (name.clone(), json!({"count": entity.seen.count, "known": known.is_some(), "fields": fields}))
    };
    let columns = profile.columns.iter().map(|c| json!({"name": c.name, "type": c.scalar_type.name()}));
    json!({
        "table": profile.table,
        "known": profile.known.is_some(),
        "rows": profile.rows,
        "rejected": profile.rejected,
        "findings": profile.findings().into_iter().map(finding).collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
        "entities": profile.entities.iter().map(entity).collect::<serde_json::Map<_, _>>(),
        "extended_properties": profile.properties,
        "keys": profile.keys,
        "complete": !profile.cut,
    })
}

//! What changed from one export to another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Listing, markdown, pretty};
use crate::cli::stop::Stop;
use crate::source::Profile;

/// Something that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// What kind of thing.
    what: &'static str,
    /// Which one.
    name: String,
    /// What it is in either; None where it is not there.
    before: Option<String>,
    after: Option<String>,
}

/// Compares tables of the same name; two single tables are compared whatever their names.
///
/// Fails when no table is in both.
pub(super) fn changes(before: &[Profile], after: &[Profile]) -> Result<Vec<Change>, Stop> {
    if let ([before], [after]) = (before, after) {
        return Ok(of_tables(before, after));
    }
    let mut changes = Vec::new();
    let mut both = 0;
    let find = |list: &[Profile], name: &str| list.iter().position(|profile| profile.table == name);
    let rows = |profile: &Profile| Some(format!("{} rows", profile.rows));
    for old in before {
        match find(after, &old.table) {
            Some(new) => {
                both += 1;
                changes.extend(of_tables(old, &after[new]));
            }
            None => changes.push(Change { what: "table", name: old.table.clone(), before: rows(old), after: None }),
        }
    }
    for new in after.iter().filter(|new| find(before, &new.table).is_none()) {
        changes.push(Change { what: "table", name: new.table.clone(), before: None, after: rows(new) });
    }
    match both {
        0 => Err(Stop::failure("the two exports have no table in common").help("say which table both are: TABLE")),
        _ => Ok(changes),
    }
}

fn of_tables(before: &Profile, after: &Profile) -> Vec<Change> {
    let columns = |profile: &Profile| -> BTreeMap<String, String> {
        let of_files = |name: &str| profile.fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
        // Of a known table's columns those that the files have.
        let columns = profile.columns.iter().filter(|column| profile.known.is_none() || of_files(&column.name));
        columns.map(|column| (column.name.clone(), column.scalar_type.name().to_string())).collect()
    };
    let values = |profile: &Profile| -> BTreeMap<String, String> {
        let values = profile.values.iter().flat_map(|(column, values)| values.keys().map(move |v| (column, v)));
        values.map(|(column, value)| (format!("{column} = {value}"), "there".to_string())).collect()
    };
    let keys = |profile: &Profile| -> BTreeMap<String, String> {
        let keys = profile.properties.iter().flat_map(|(kind, keys)| keys.keys().map(move |key| (kind, key)));
        keys.map(|(kind, key)| (format!("{kind}: {key}"), "there".to_string())).collect()
    };
    let objects = |profile: &Profile| -> BTreeMap<String, String> {
        let keys = profile.keys.iter().flat_map(|(column, keys)| keys.keys().map(move |key| (column, key)));
        keys.map(|(column, key)| (format!("{column}.{key}"), "there".to_string())).collect()
    };
    let fields = |profile: &Profile| -> BTreeMap<String, String> {
        let fields = profile.entities.iter().flat_map(|(kind, entity)| entity.fields.keys().map(move |f| (kind, f)));
        fields.map(|(kind, field)| (format!("{kind}.{field}"), "there".to_string())).collect()
    };
    let mut changes = differing("column", &columns(before), &columns(after));
    changes.extend(differing("value", &values(before), &values(after)));
    changes.extend(differing("ExtendedProperties key", &keys(before), &keys(after)));
    changes.extend(differing("key", &objects(before), &objects(after)));
    changes.extend(differing("entity field", &fields(before), &fields(after)));
    changes
}

fn differing(what: &'static str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let change = |name: &String| Change {
        what,
        name: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    let gone = before.iter().filter(|(name, is)| after.get(*name) != Some(*is)).map(|(name, _)| change(name));
    let new = after.keys().filter(|name| !before.contains_key(*name)).map(change);
    gone.chain(new).collect()
}

pub(super) fn show(changes: &[Change], format: Listing) -> String {
    let absent = || "absent".to_string();
    match format {
        Listing::Text => changes
            .iter()
            .map(|change| match (&change.before, &change.after) {
                (Some(before), Some(after)) => format!("~ {} {}: {before}, now {after}\n", change.what, change.name),
                (Some(_), None) => format!("- {} {}\n", change.what, change.name),
                (None, _) => format!("+ {} {}\n", change.what, change.name),
            })
            .collect(),
        Listing::Markdown => markdown(
            &["What", "Name", "Before", "After"],
            changes.iter().map(|change| {
                let (before, after) = (change.before.clone(), change.after.clone());
                let cells = [before.unwrap_or_else(absent), after.unwrap_or_else(absent)];
                [vec![change.what.to_string(), change.name.clone()], cells.to_vec()].concat()
            }),
        ),
        Listing::Json => {
            let change = |change: &Change| json!({"what": change.what, "name": change.name, "before": change.before, "after": change.after});
            pretty(&Value::Array(changes.iter().map(change).collect()))
        }
    }
}

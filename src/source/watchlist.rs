//! Watchlists: lists of items whose values are all text.
//!
//! A watchlist is uploaded as CSV, deployed as a template that holds CSV, or exported by querying it; its items have
//! the columns of the CSV's header and, as `_GetWatchlist` gives them, `_DTItemId`, `LastUpdatedTimeUTC` and
//! `SearchKey`. What of these a file does not tell is not known.

use std::path::Path;

use arrow::array::RecordBatch;
use serde_json::Value;

use crate::types::arrow::schema;
use crate::types::{Column, ScalarType};

use super::Options;
use super::build::ColumnBuilder;
use super::cell::Cell;
use super::decode::Bytes;
use super::detect::{Form, Layout, detect};
use super::error::Error;
use super::records::Step;

/// The column by which items are found.
pub const SEARCH_KEY: &str = "SearchKey";

/// The columns that the product puts before an item's own.
const FIRST: [(&str, ScalarType); 3] =
    [("_DTItemId", ScalarType::String), ("LastUpdatedTimeUTC", ScalarType::DateTime), (SEARCH_KEY, ScalarType::String)];

/// The items of a watchlist.
#[derive(Debug, Clone)]
pub struct Watchlist {
    pub columns: Vec<Column>,
    pub batch: RecordBatch,
}

/// Reads a watchlist from CSV, JSON or a deployment template; `search_key` names the column that `SearchKey` repeats.
///
/// Fails where the file cannot be read, where a row does not fit the header, and where there is no such column.
pub fn read(path: &Path, search_key: Option<&str>) -> Result<Watchlist, Error> {
    let bytes = Bytes::new(path)?;
    let form = detect(&bytes)?;
    if form.layout == Layout::Parquet {
        return Err(Error::new("a watchlist is CSV or JSON, and this is Parquet").at(path));
    }
    let template = matches!(form.layout, Layout::JsonSequence | Layout::JsonLines).then(|| template(&bytes)).flatten();
    match template {
        Some(template) => {
            let bytes = Bytes::spool(path, &mut template.content.as_bytes())?;
            let key = search_key.map(str::to_string).or(template.search_key);
            let form = Form { layout: Layout::Csv(b','), ..form };
            items(&bytes, form, key.as_deref()).map_err(|error| error.at(path))
        }
        None => items(&bytes, form, search_key),
    }
}

/// What a deployment template says of a watchlist.
struct Template {
    content: String,
    search_key: Option<String>,
}

/// Finds the watchlist in a template of Azure Resource Manager: the object that has `rawContent`.
fn template(bytes: &Bytes) -> Option<Template> {
    const LARGEST: u64 = 64 << 20;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(bytes.open().ok()?, LARGEST), &mut text).ok()?;
    let mut left: Vec<Value> = vec![serde_json::from_str(&text).ok()?];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => {
                if let Some(Value::String(content)) = fields.get("rawContent") {
                    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_string);
                    let skip = fields.get("numberOfLinesToSkip").and_then(Value::as_u64).unwrap_or(0);
                    let lines = content.split_inclusive('\n').skip(usize::try_from(skip).unwrap_or(usize::MAX));
                    return Some(Template { content: lines.collect(), search_key: text("itemsSearchKey") });
                }
                left.extend(fields.into_iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    None
}

fn items(bytes: &Bytes, form: Form, search_key: Option<&str>) -> Result<Watchlist, Error> {
    let options = Options::default();
    let reading = form.reading();
    let names = names(bytes, form, &options)?;
    let own: Vec<&String> = names.iter().filter(|name| FIRST.iter().all(|(first, _)| first != name)).collect();
    let key = match search_key {
        Some(key) if !names.iter().any(|name| name == key) => {
            let message = format!("the watchlist has no column `{key}` to search by");
            return Err(Error::new(message).at(&bytes.path).remedy(format!("its columns are: {}", names.join(", "))));
        }
        key => key.unwrap_or(SEARCH_KEY),
    };
    let is_known = |first: &str| names.iter().any(|name| name == first) || first == SEARCH_KEY && search_key.is_some();
    let first = FIRST.iter().filter(|(name, _)| is_known(name)).map(|(name, t)| Column::new(*name, *t));
    let columns: Vec<Column> =
        first.chain(own.iter().map(|name| Column::new(name.as_str(), ScalarType::String))).collect();
    let sources: Vec<&str> =
        columns.iter().map(|column| if column.name == SEARCH_KEY { key } else { column.name.as_str() }).collect();
    let mut builders: Vec<ColumnBuilder> = columns.iter().map(|c| ColumnBuilder::new(c.scalar_type)).collect();
    let mut records = form.open(bytes, &options)?;
    loop {
        let mut filled = vec![false; builders.len()];
        let mut wrong = None;
        let step = records.next(&mut |name, cell| {
            for (index, source) in sources.iter().enumerate() {
                if *source == name && !filled[index] {
                    filled[index] = true;
                    if let Err(reason) = push(&mut builders[index], cell, reading) {
                        wrong.get_or_insert(format!("{name}: {reason}"));
                    }
                }
            }
        })?;
        let wrong = match step {
            Step::End => break,
            Step::Bad(reason) => Some(reason),
            Step::Record => wrong,
        };
        if let Some(reason) = wrong {
            return Err(Error::new(format!("an item cannot be read: {reason}")).at(&bytes.path).place(records.place()));
        }
        for (builder, _) in builders.iter_mut().zip(filled).filter(|(_, filled)| !filled) {
            builder.push_missing();
        }
    }
    let arrays = builders.iter_mut().map(ColumnBuilder::finish).collect();
    let batch = RecordBatch::try_new(schema(&columns), arrays)
        .map_err(|error| Error::new(format!("the items make no table: {error}")).at(&bytes.path))?;
    Ok(Watchlist { columns, batch })
}

fn push(builder: &mut ColumnBuilder, cell: Cell<'_>, reading: super::build::Reading) -> Result<(), String> {
    match cell {
        Cell::Null => builder.push_missing(),
        cell => builder.push(&cell, reading)?,
    }
    Ok(())
}

/// Returns the names of all fields, in the order in which they first occur.
fn names(bytes: &Bytes, form: Form, options: &Options) -> Result<Vec<String>, Error> {
    let mut records = form.open(bytes, options)?;
    let mut names: Vec<String> = records.header().into_iter().map(|(name, _)| name).collect();
    let mut seen: hashbrown::HashSet<String> = names.iter().cloned().collect();
    loop {
        let step = records.next(&mut |name, _| {
            if !seen.contains(name) {
                seen.insert(name.to_string());
                names.push(name.to_string());
            }
        })?;
        if step == Step::End {
            break;
        }
    }
    if names.is_empty() {
        return Err(Error::new("the watchlist has no columns").at(&bytes.path).remedy("its first line names them"));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::arrow::value_at;

    fn table(name: &str, text: &str, search_key: Option<&str>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let list = read(&path, search_key).map_err(|error| error.message)?;
        let mut lines = vec![list.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join("|")];
        for row in 0..list.batch.num_rows() {
            let cells = list.columns.iter().zip(list.batch.columns());
            let cells = cells.map(|(c, array)| crate::types::convert::text_of(&value_at(array, row, c.scalar_type)));
            lines.push(cells.collect::<Vec<_>>().join("|"));
        }
        Ok(lines.join("\n"))
    }

    #[test]
    fn every_value_is_text() {
        let text = "Host,Ports,Empty\nsrv-1,443,\n\"a,b\",007,x\n";
        assert_eq!(table("w.csv", text, None).unwrap(), "Host|Ports|Empty\nsrv-1|443|\na,b|007|x");
        let text = r#"[{"Host":"h","Port":7,"On":true},{"Host":"i\u0041","Tags":[1]}]"#;
        assert_eq!(table("w.json", text, None).unwrap(), "Host|Port|On|Tags\nh|7|true|\niA|||[1]");
    }

    #[test]
    fn what_the_product_adds_comes_first() {
        let text = "Host,SearchKey,LastUpdatedTimeUTC,_DTItemId\nh,k,2026-01-01T00:00:00Z,i\n";
        let expected = "_DTItemId|LastUpdatedTimeUTC|SearchKey|Host\ni|2026-01-01T00:00:00.0000000Z|k|h";
        assert_eq!(table("w.csv", text, None).unwrap(), expected);
        assert_eq!(table("w.csv", "Host,Owner\nh,o\n", Some("Host")).unwrap(), "SearchKey|Host|Owner\nh|h|o");
    }

    #[test]
    fn a_template_brings_its_search_key() {
        let text = r#"{"resources":[{"properties":{"itemsSearchKey":"Ip","numberOfLinesToSkip":1,
            "rawContent":"made by hand\r\nIp,Note\r\n10.0.0.1,x\r\n"}}]}"#;
        assert_eq!(table("w.json", text, None).unwrap(), "SearchKey|Ip|Note\n10.0.0.1|10.0.0.1|x");
    }

    #[test]
    fn lists_that_cannot_be_read_say_why() {
        let error = |name, text, key| table(name, text, key).unwrap_err();
        assert_eq!(error("w.csv", "A,B\n1\n", None), "an item cannot be read: the row has 1 fields for 2 columns");
        assert_eq!(error("w.csv", "A,B\n1,2\n", Some("C")), "the watchlist has no column `C` to search by");
        assert!(error("w.csv", "A,LastUpdatedTimeUTC\n1,noon\n", None).starts_with("an item cannot be read: Last"));
    }
}

//! The known tables as they are documented.

use serde_json::{Value, json};

use super::{Listing, markdown, pretty};
use crate::catalog::products::{PRODUCTS, Product};
use crate::catalog::tables::{ColumnInfo, Json, TABLES, TableInfo};

/// Lists the known tables.
pub(super) fn tables(format: Listing) -> String {
    match format {
        Listing::Text => TABLES.iter().map(|table| format!("{}\n  {}\n", table.name, table.meaning)).collect(),
        Listing::Markdown => {
            markdown(&["Table", "Meaning"], TABLES.iter().map(|table| vec![table.name.into(), table.meaning.into()]))
        }
        Listing::Json => {
            let tables = TABLES.iter().map(|table| json!({"name": table.name, "meaning": table.meaning}));
            pretty(&Value::Array(tables.collect()))
        }
    }
}

/// Shows the columns of a known table, and how its rows differ by product.
pub(super) fn columns(table: &TableInfo, format: Listing) -> String {
    let of_products = table.name == "SecurityAlert";
    match format {
        Listing::Text => {
            let longest = table.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
            let line = |column: &ColumnInfo| {
                format!("{:longest$}  {:8}  {}\n", column.name, column.scalar_type.name(), meaning(column))
            };
            let columns: String = table.columns.iter().map(line).collect();
            let products: String = PRODUCTS.iter().filter(|_| of_products).map(product).collect();
            let products = if of_products { format!("\nBy product:\n\n{products}") } else { products };
            format!("{}: {}\n\n{columns}{products}", table.name, table.meaning)
        }
        Listing::Markdown => {
            let row = |column: &ColumnInfo| {
                vec![column.name.to_string(), column.scalar_type.name().to_string(), meaning(column)]
            };
            let columns = markdown(&["Column", "Type", "Meaning"], table.columns.iter().map(row));
            let mut text = format!("## {}\n\n{}\n\n{columns}", table.name, table.meaning);
            if of_products {
                let rows = PRODUCTS.iter().map(|product| cells(product).map(|(_, text)| text.to_string()).to_vec());
                text += "\n### By product\n\n";
                text +=
                    &markdown(&PRODUCTS.first().map_or([""; 7], |product| cells(product).map(|(name, _)| name)), rows);
            }
            text
        }
        Listing::Json => pretty(&Value::Array(table.columns.iter().map(column).collect())),
    }
}

fn column(column: &ColumnInfo) -> Value {
    let json = match column.json {
        Json::None => Value::Null,
        Json::Array => "array".into(),
        Json::Object => "object".into(),
    };
    json!({
        "name": column.name,
        "type": column.scalar_type.name(),
        "hidden": column.hidden,
        "deprecated": column.deprecated,
        "values": if column.values.is_empty() { Value::Null } else { json!(column.values) },
        "json": json,
        "meaning": column.meaning,
    })
}

fn meaning(column: &ColumnInfo) -> String {
    let deprecated = if column.deprecated { " Deprecated." } else { "" };
    format!("{}{deprecated}", column.meaning)
}

/// Returns what differs by product, with the names of the columns.
fn cells(product: &Product) -> [(&'static str, &'static str); 7] {
    [
        ("Source", product.name),
        ("ProductName", product.product_name),
        ("ProviderName", product.provider_name),
        ("ProductComponentName", product.component),
        ("AlertType", product.alert_type),
        ("VendorOriginalId", product.original_id),
        ("Known", product.known),
    ]
}

fn product(product: &Product) -> String {
    let lines = cells(product).into_iter().skip(1).map(|(name, text)| format!("  {name:20}  {text}\n"));
    format!("{}\n{}", product.name, lines.collect::<String>())
}

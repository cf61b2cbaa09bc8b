//! `externaldata`: files that a query names itself.

use std::rc::Rc;

use super::scope::{Context, Scope};
use super::{Binder, Table};
use crate::catalog::{External, ExternalFormat, is_address};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::{Kind, Node};
use crate::syntax::ast::{self, OperatorParameter};
use crate::types::Value;

/// Formats of Kusto's that alertq does not read for `externaldata`.
const OTHER_FORMATS: &[&str] =
    &["apacheavro", "avro", "ndjson", "orc", "parquet", "psv", "scsv", "sohsv", "sstream", "tsv", "tsve", "w3clogfile"];

const FORMATS: &[(&str, ExternalFormat)] = &[
    ("csv", ExternalFormat::Csv),
    ("json", ExternalFormat::Json),
    ("multijson", ExternalFormat::Json),
    ("raw", ExternalFormat::Raw),
    ("singlejson", ExternalFormat::Json),
    ("txt", ExternalFormat::Text),
];

impl Binder<'_> {
    pub(super) fn external_data(&mut self, external: &ast::ExternalData, span: Span, scope: &Rc<Scope>) -> Table {
        let ast::ExternalData { columns, uris, properties, .. } = external;
        let columns = self.declared_columns(columns);
        let addresses: Vec<String> = uris.iter().filter_map(|uri| self.external_address(uri, scope)).collect();
        let (format, skip_first) = self.external_properties(properties, addresses.first());
        let kind = match addresses.len() == uris.len() && self.sketched == 0 {
            true => self.external_files(columns.clone(), addresses, format, skip_first),
            false => Kind::Values { rows: Vec::new() },
        };
        if columns.is_empty() {
            self.unsupported(span, "`externaldata` without columns");
        }
        Table::new(Node { columns, serialized: false, kind })
    }

    /// Names the table that the files are read as.
    fn external_files(
        &mut self,
        columns: Vec<crate::types::Column>,
        addresses: Vec<String>,
        format: ExternalFormat,
        skip_first: bool,
    ) -> Kind {
        let external = External { table: String::new(), columns, addresses, format, skip_first };
        let same = |other: &&External| External { table: String::new(), ..(*other).clone() } == external;
        if let Some(known) = self.externals.iter().find(same) {
            return Kind::Scan { table: known.table.clone() };
        }
        let table = self.fresh("externaldata");
        self.externals.push(External { table: table.clone(), ..external });
        Kind::Scan { table }
    }

    /// Returns the address of a file that can be read; else it is refused, by what it is.
    fn external_address(&mut self, uri: &ast::Expr, scope: &Rc<Scope>) -> Option<String> {
        let scalar = self.scalar(uri, &Context::rowless(scope));
        let Some(Value::String(text)) = self.constant(&scalar) else {
            self.unsupported(uri.span, "`externaldata` from an address that is no constant");
            return None;
        };
        let externals = self.catalog.externals();
        if externals.addresses.iter().any(|known| is_address(known, &text)) {
            return Some(text);
        }
        // Only the scheme: what follows may be a secret.
        let (what, help) = match text.split_once("://") {
            Some((scheme, _)) => (
                format!("`externaldata` reads from {scheme}, and alertq reads nothing from elsewhere"),
                "get the file and say where it is: --externaldata ADDRESS=PATH, or in alertq.toml under [externaldata]",
            ),
            None if externals.folders => return Some(text),
            None => (
                "`externaldata` reads a file of its own, and alertq reads those only that it was given".to_string(),
                "give the folder that it is in with --data FOLDER, or the file with --externaldata ADDRESS=PATH",
            ),
        };
        self.refusals.push(Diagnostic::error("AQ042", uri.span, what).help(help));
        None
    }

    /// Reads how records stand in the files; what is not said the name of the first file tells.
    fn external_properties(
        &mut self,
        properties: &[OperatorParameter],
        first: Option<&String>,
    ) -> (ExternalFormat, bool) {
        let ending = first.map(|address| ending(address)).unwrap_or_default();
        let known = |name: &str| FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        let mut format = known(&ending);
        if format.is_none() && OTHER_FORMATS.contains(&ending.as_str()) && !properties.iter().any(is_format) {
            let span = properties.first().map_or(Span::default(), |property| property.name.span);
            self.unsupported(span, format_args!("the format {ending} of `externaldata`"));
        }
        let mut skip_first = false;
        for property in properties {
            let text = crate::syntax::print::expr(&property.value).trim_matches(['"', '\'', '@']).to_lowercase();
            match property.name.text.to_lowercase().as_str() {
                "format" => match known(&text) {
                    Some(known) => format = Some(known),
                    None if OTHER_FORMATS.contains(&text.as_str()) => {
                        self.unsupported(property.value.span, format_args!("the format {text} of `externaldata`"));
                    }
                    None => {
                        let names = FORMATS.iter().map(|(name, _)| *name).chain(OTHER_FORMATS.iter().copied());
                        let message = format!("`externaldata` has no format `{text}`");
                        let problem = Diagnostic::error("AQ023", property.value.span, message);
                        self.refusals.push(match nearest(&text, names) {
                            Some(near) => problem.help(format!("did you mean `{near}`?")),
                            None => problem,
                        });
                    }
                },
                "ignorefirstrecord" => match text.as_str() {
                    "true" => skip_first = true,
                    "false" => skip_first = false,
                    _ => self.refuse("AQ023", property.value.span, "`ignoreFirstRecord` is true or false"),
                },
                _ => self.unsupported(property.name.span, format_args!("`{}` of `externaldata`", property.name.text)),
            }
        }
        let format = format.unwrap_or(ExternalFormat::Csv);
        if skip_first && matches!(format, ExternalFormat::Json | ExternalFormat::Raw) {
            let span = properties.first().map_or(Span::default(), |property| property.name.span);
            self.unsupported(span, "`ignoreFirstRecord` of a format without lines");
        }
        (format, skip_first)
    }
}

fn is_format(property: &OperatorParameter) -> bool {
    property.name.text.eq_ignore_ascii_case("format")
}

/// Returns the ending of a file's name, in small letters, without those of compression and what follows the address.
fn ending(address: &str) -> String {
    let path = address.split(['?', ';']).next().unwrap_or(address).to_lowercase();
    let path = path.trim_end_matches(".gz").trim_end_matches(".zst");
    path.rsplit_once('.').map(|(_, ending)| ending.to_string()).unwrap_or_default()
}

//! A first pass over the records: which fields occur, what they can be typed as, and which table they are of.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::catalog::tables::{TABLES, TableInfo};
use crate::types::{Column, ScalarType, decimal};

use super::build::Reading;
use super::cell::Cell;
use super::time;

/// The field that names the table of a record.
pub(super) const TYPE_NAME: &str = "Type";

/// What the records of one file, or several, hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    fields: Vec<Field>,
    index: HashMap<String, usize>,
    /// The field that is expected next: most records have the same fields in the same order.
    expected: usize,
    type_name: TypeName,
    pub(super) rows: u64,
}

#[derive(Debug, Clone, Default)]
struct Field {
    name: String,
    declared: Option<ScalarType>,
    seen: Seen,
}

/// The kinds of values that occurred.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Seen {
    bool: bool,
    long: bool,
    real: bool,
    /// Numbers with more digits than a real keeps, which a decimal does.
    decimal: bool,
    datetime: bool,
    text: bool,
    nested: bool,
}

/// What the column `Type` says: nothing yet, the same in all rows, or different things, of which two are held.
#[derive(Debug, Clone, Default, PartialEq)]
enum TypeName {
    #[default]
    Unknown,
    Same(String),
    Mixed(String, String),
}

impl Survey {
    /// Adds a column that the file declares.
    pub(super) fn declare(&mut self, name: &str, declared: Option<ScalarType>) {
        let field = self.field(name);
        self.fields[field].declared = self.fields[field].declared.or(declared);
    }

    /// Adds a field of a record.
    pub(super) fn observe(&mut self, name: &str, cell: Cell<'_>, reading: Reading) {
        let field = self.field(name);
        let field = &mut self.fields[field];
        if let Cell::Text(text) = cell
            && name == TYPE_NAME
        {
            self.type_name = match std::mem::take(&mut self.type_name) {
                TypeName::Same(name) if name != text => TypeName::Mixed(name, text.to_string()),
                TypeName::Unknown => TypeName::Same(text.to_string()),
                known => known,
            };
        }
        // A text column stays one, whatever else comes.
        if !(field.seen.text && (reading.all_text || field.seen.nested)) {
            field.seen.add(cell, reading);
        }
    }

    fn field(&mut self, name: &str) -> usize {
        if self.fields.get(self.expected).is_some_and(|field| field.name == name) {
            self.expected += 1;
            return self.expected - 1;
        }
        let next = self.fields.len();
        let index = *self.index.entry_ref(name).or_insert(next);
        if index == next {
            self.fields.push(Field { name: name.to_string(), ..Field::default() });
        }
        self.expected = index + 1;
        index
    }

    /// Says that a record has ended.
    pub(super) fn end_record(&mut self) {
        self.expected = 0;
        self.rows += 1;
    }

    /// Adds what another file of the same table holds.
    pub(super) fn merge(&mut self, other: &Survey, reading: Reading) {
        for field in &other.fields {
            let index = self.field(&field.name);
            let mine = &mut self.fields[index];
            mine.declared = mine.declared.or(field.declared);
            mine.seen.merge(field.seen);
            // Text of a form that has nothing else, beside typed values: both stay what they are in a text column.
            mine.seen.text |= reading.all_text && field.seen.text;
        }
        self.rows += other.rows;
    }

    /// Finds the known table that the records are of: by their `Type` where all agree, else by their fields.
    pub(super) fn known(&self) -> Option<&'static TableInfo> {
        if let TypeName::Same(name) = &self.type_name
            && let Some(table) = TableInfo::find(name)
        {
            return Some(table);
        }
        if matches!(&self.type_name, TypeName::Same(name) if is_name(name)) {
            return None;
        }
        // Rows of several tables are rows of none of them.
        if self.several().is_some() {
            return None;
        }
        TABLES.iter().copied().find(|table| self.fits(table))
    }

    /// Returns the names of two known tables whose rows are both there.
    pub(super) fn several(&self) -> Option<(&str, &str)> {
        match &self.type_name {
            TypeName::Mixed(one, other) if [one, other].iter().all(|name| TableInfo::find(name).is_some()) => {
                Some((one, other))
            }
            _ => None,
        }
    }

    /// Returns what the column `Type` says in every row, if that can be a table's name.
    pub(super) fn type_name(&self) -> Option<&str> {
        match &self.type_name {
            TypeName::Same(name) if is_name(name) => Some(name),
            _ => None,
        }
    }

    /// Tells whether most fields are the table's, and at least two of them are such as no other table has.
    fn fits(&self, table: &'static TableInfo) -> bool {
        let tells = |field: &&Field| table.telling.iter().any(|name| name.eq_ignore_ascii_case(&field.name));
        let matched = self.fields.iter().filter(|field| matches(table, &field.name)).count();
        self.fields.iter().filter(tells).count() >= 2 && matched * 5 >= self.fields.len() * 3
    }

    /// Decides on columns: the known table's shown ones and those hidden ones that occur, then all others.
    pub(super) fn columns(&self, known: Option<&'static TableInfo>) -> Columns {
        let mut columns: Vec<Column> = known.map(TableInfo::shown).unwrap_or_default();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut taken = vec![false; known.map_or(0, |table| table.columns.len())];
        if let Some(table) = known {
            // The best match first: the exact name, the name in other letters, an alias.
            let ranks: [fn(&TableInfo, &str) -> Option<usize>; 3] = [exact, folded, aliased];
            for rank in ranks {
                for field in &self.fields {
                    if let (false, Some(at)) = (places.contains_key(&field.name), rank(table, &field.name))
                        && !std::mem::replace(&mut taken[at], true)
                    {
                        let column = table.columns[at].column();
                        let place = columns.iter().position(|shown| *shown == column).unwrap_or_else(|| {
                            columns.push(column);
                            columns.len() - 1
                        });
                        places.insert(field.name.clone(), place);
                    }
                }
            }
        }
        for field in &self.fields {
            if !places.contains_key(&field.name) {
                places.insert(field.name.clone(), columns.len());
                let name = match columns.iter().any(|column| column.name == field.name) {
                    true => format!("{}1", field.name),
                    false => field.name.clone(),
                };
                columns.push(Column::new(name, field.scalar_type()));
            }
        }
        Columns { columns, places }
    }

    /// Returns the fields with the types that they say or suggest; none where no value suggests one.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, Option<ScalarType>)> {
        self.fields.iter().map(|field| {
            let any = field.declared.is_some() || field.seen != Seen::default();
            (field.name.as_str(), any.then(|| field.scalar_type()))
        })
    }

    /// Returns the field names that a known table's columns stand for under another name.
    pub(super) fn renamed(&self, columns: &Columns) -> Vec<(String, String)> {
        let renamed = self.fields.iter().filter_map(|field| {
            let column = &columns.columns[*columns.places.get(&field.name)?].name;
            (!column.eq_ignore_ascii_case(&field.name)).then(|| (field.name.clone(), column.clone()))
        });
        renamed.collect()
    }
}

/// What was concluded of the first records, and must hold for the others: then the columns are those that a survey of
/// all records finds.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    /// For each column its type, and the kinds of its values where they decide on it.
    columns: Vec<(ScalarType, Option<Seen>)>,
    /// The fields that a record may have.
    names: Arc<HashSet<String>>,
    /// The shown columns of a known table that no field fills.
    free: Vec<String>,
    type_name: TypeName,
    broken: bool,
}

impl Guess {
    /// Concludes from the records of all files what columns a known table has.
    pub(super) fn new(survey: &Survey, columns: &Columns, known: Option<&'static TableInfo>) -> Guess {
        let decided = known.map_or(0, |known| known.columns.len());
        let own = |column: &Column| known.is_some_and(|known| known.column(&column.name).is_some());
        let mut seen: Vec<_> = columns.columns.iter().map(|column| (column.scalar_type, None)).collect();
        for field in survey.fields.iter().filter(|field| field.declared.is_none()) {
            if let Some(place) = columns.places.get(&field.name)
                && !(decided > 0 && own(&columns.columns[*place]))
            {
                seen[*place].1 = Some(field.seen);
            }
        }
        let free = columns.free(known).map(|(_, column)| column.name.clone()).collect();
        Guess { columns: seen, names: Arc::default(), free, type_name: TypeName::Unknown, broken: false }
    }

    /// Narrows it down to one file, of which this is known.
    pub(super) fn of(&self, survey: &Survey) -> Guess {
        let own = survey.fields.iter().map(|field| &field.name);
        // Where its name decides on the table, further columns of the table's change nothing.
        let free = self.free.iter().filter(|_| survey.type_name().and_then(TableInfo::find).is_some());
        let names = own.chain(free).cloned().collect();
        Guess { names: Arc::new(names), type_name: survey.type_name.clone(), ..self.clone() }
    }

    /// Takes note of a field's name.
    pub(super) fn meet(&mut self, name: &str) {
        self.broken |= !self.names.contains(name);
    }

    /// Tells whether the kinds of a column's values decide on its type.
    pub(super) fn watches(&self, place: usize) -> bool {
        self.columns.get(place).is_some_and(|(_, seen)| seen.is_some())
    }

    /// Takes note of a field that fills a column.
    pub(super) fn observe(&mut self, place: usize, name: &str, cell: Cell<'_>, reading: Reading) {
        // A text column stays one, as in a survey.
        if let Some((_, Some(seen))) = self.columns.get_mut(place)
            && !(seen.text && (reading.all_text || seen.nested))
        {
            seen.add(cell, reading);
        }
        if let Cell::Text(text) = cell
            && name == TYPE_NAME
        {
            self.broken |= match &self.type_name {
                TypeName::Unknown => true,
                TypeName::Same(same) => same != text,
                TypeName::Mixed(..) => false,
            };
        }
    }

    /// Tells whether the records so far are like the first ones.
    pub(super) fn holds(&self) -> bool {
        let same = |(scalar_type, seen): &(ScalarType, Option<Seen>)| {
            seen.is_none_or(|seen| seen.scalar_type() == *scalar_type)
        };
        !self.broken && self.columns.iter().all(same)
    }
}

/// A table's columns, and where each field of the records goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    pub(super) places: HashMap<String, usize>,
}

impl Columns {
    /// Returns the shown columns of the known table that no field fills, and their places.
    pub(super) fn free(&self, known: Option<&'static TableInfo>) -> impl Iterator<Item = (usize, &Column)> {
        let shown = known.map_or(0, |known| known.shown().len());
        let filled: HashSet<usize> = self.places.values().copied().collect();
        self.columns.iter().enumerate().take(shown).filter(move |(place, _)| !filled.contains(place))
    }
}

impl Field {
    fn scalar_type(&self) -> ScalarType {
        self.declared.unwrap_or_else(|| self.seen.scalar_type())
    }
}

impl Seen {
    fn add(&mut self, cell: Cell<'_>, reading: Reading) {
        match cell {
            Cell::Null | Cell::Text("") => {}
            Cell::Text("None") if reading.none_is_null => {}
            Cell::Bool(_) => self.bool = true,
            Cell::Number(text) => self.add_number(text),
            Cell::Json(_) => self.nested = true,
            Cell::Escaped(_) => self.text = true,
            Cell::Text(text) => self.add_text(text, reading),
        }
    }

    fn add_number(&mut self, text: &str) {
        match text.parse::<i64>() {
            Ok(_) => self.long = true,
            Err(_) if fits_real(text) => self.real = true,
            Err(_) if fits_decimal(text) => self.decimal = true,
            // As JSON it keeps all digits.
            Err(_) => self.nested = true,
        }
    }

    fn add_text(&mut self, text: &str, reading: Reading) {
        if time::looks_iso(text) && time::read(text).is_some() {
            self.datetime = true;
        } else if !reading.all_text {
            self.text = true;
        } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            self.bool = true;
        } else if is_plain_number(text) {
            self.add_number(text);
        } else if time::american(text).is_some() {
            self.datetime = true;
        } else {
            self.text = true;
        }
    }

    fn merge(&mut self, other: Seen) {
        self.bool |= other.bool;
        self.long |= other.long;
        self.real |= other.real;
        self.decimal |= other.decimal;
        self.datetime |= other.datetime;
        self.text |= other.text;
        self.nested |= other.nested;
    }

    /// Values of different kinds in one column are kept as they are: in a dynamic, or as text where all is text.
    fn scalar_type(self) -> ScalarType {
        let Seen { bool, long, real, decimal, datetime, text, nested } = self;
        match (bool, long || real || decimal, datetime, text, nested) {
            (false, false, false, _, false) => ScalarType::String,
            (true, false, false, false, false) => ScalarType::Bool,
            (false, true, false, false, false) if real && decimal => ScalarType::Dynamic,
            (false, true, false, false, false) if decimal => ScalarType::Decimal,
            (false, true, false, false, false) if real => ScalarType::Real,
            (false, true, false, false, false) => ScalarType::Long,
            (false, false, true, false, false) => ScalarType::DateTime,
            (false, false, true, true, false) => ScalarType::String,
            _ => ScalarType::Dynamic,
        }
    }

    /// Where every value is text, columns of mixed kinds are text.
    fn settle(&mut self) {
        if self.scalar_type() == ScalarType::Dynamic {
            *self = Seen { text: true, ..Seen::default() };
        }
    }
}

impl Survey {
    /// Ends the survey of a form whose every value is text.
    pub(super) fn settle(&mut self, reading: Reading) {
        if reading.all_text {
            self.fields.iter_mut().for_each(|field| field.seen.settle());
        }
    }
}

/// Tells whether a real keeps all digits of a number: seventeen are as many as any program writes of one.
fn fits_real(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    let zeros = mantissa.bytes().rev().filter(u8::is_ascii_digit).take_while(|digit| *digit == b'0').count();
    digits.saturating_sub(zeros) <= 17
}

/// Tells whether a decimal keeps all digits of a number.
fn fits_decimal(text: &str) -> bool {
    !text.contains(['e', 'E']) && decimal::parse_exact(text).is_some()
}

/// Tells whether text is a number as a program writes it; `007` and `+1` are identifiers.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    let begins = digits.as_bytes().first().is_some_and(u8::is_ascii_digit);
    // More digits than a real can hold are an identifier too.
    let fits = digits.len() <= 17 || text.parse::<i64>().is_ok();
    begins && plain && fits && !leading_zero && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Tells whether text can be a table's name.
pub(super) fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn matches(table: &TableInfo, name: &str) -> bool {
    folded(table, name).or_else(|| aliased(table, name)).is_some()
}

fn exact(table: &TableInfo, name: &str) -> Option<usize> {
    table.columns.iter().position(|column| column.name == name)
}

fn folded(table: &TableInfo, name: &str) -> Option<usize> {
    table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
}

fn aliased(table: &TableInfo, name: &str) -> Option<usize> {
    let (_, target) = table.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name))?;
    exact(table, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Reading = Reading { all_text: true, none_is_null: false, dynamic_is_text: false };

    fn inferred(cells: &[Cell<'_>], reading: Reading) -> ScalarType {
        let mut survey = Survey::default();
        for cell in cells {
            survey.observe("a", *cell, reading);
            survey.end_record();
        }
        survey.settle(reading);
        survey.columns(None).columns[0].scalar_type
    }

    #[test]
    fn json_values_keep_their_type() {
        let json = |cells: &[Cell<'_>]| inferred(cells, Reading::default());
        assert_eq!(json(&[Cell::Null]), ScalarType::String);
        assert_eq!(json(&[Cell::Number("1"), Cell::Null]), ScalarType::Long);
        assert_eq!(json(&[Cell::Number("1"), Cell::Number("1.5")]), ScalarType::Real);
        assert_eq!(json(&[Cell::Number("1"), Cell::Text("1")]), ScalarType::Dynamic);
        assert_eq!(json(&[Cell::Number("0.10000000000000001"), Cell::Number("1e300")]), ScalarType::Real);
        assert_eq!(json(&[Cell::Number("18446744073709551615"), Cell::Number("1")]), ScalarType::Decimal);
        assert_eq!(json(&[Cell::Number("0.1234567890123456789012")]), ScalarType::Decimal);
        assert_eq!(json(&[Cell::Number("0.1234567890123456789012345678901234567890")]), ScalarType::Dynamic);
        assert_eq!(json(&[Cell::Number("18446744073709551615"), Cell::Number("1.5")]), ScalarType::Dynamic);
        assert_eq!(json(&[Cell::Text("1")]), ScalarType::String);
        assert_eq!(json(&[Cell::Text("2025-01-01T00:00:00Z"), Cell::Text("")]), ScalarType::DateTime);
        assert_eq!(json(&[Cell::Text("2025-01-01T00:00:00Z"), Cell::Text("soon")]), ScalarType::String);
        assert_eq!(json(&[Cell::Bool(true)]), ScalarType::Bool);
        assert_eq!(json(&[Cell::Json("{}"), Cell::Text("x")]), ScalarType::Dynamic);
    }

    #[test]
    fn text_forms_are_typed_only_where_every_value_agrees() {
        let csv =
            |texts: &[&'static str]| inferred(&texts.iter().map(|text| Cell::Text(text)).collect::<Vec<_>>(), CSV);
        assert_eq!(csv(&["1", "2", ""]), ScalarType::Long);
        assert_eq!(csv(&["1", "x"]), ScalarType::String);
        assert_eq!(csv(&["007", "012"]), ScalarType::String);
        assert_eq!(csv(&["1.5", "2"]), ScalarType::Real);
        assert_eq!(csv(&["True", "False"]), ScalarType::Bool);
        assert_eq!(csv(&["1", "true"]), ScalarType::String);
        assert_eq!(csv(&["2/25/2025, 9:19:25.391 AM"]), ScalarType::DateTime);
        assert_eq!(csv(&["123456789012345678901234"]), ScalarType::String);
        assert_eq!(csv(&["[1]"]), ScalarType::String);
    }

    #[test]
    fn a_known_table_brings_its_columns_and_finds_its_own() {
        let mut survey = Survey::default();
        for name in
            ["timegenerated", "AlertDisplayName", "SystemAlertId", "Severity", "_ItemId", "rn", "CompromisedEntity"]
        {
            survey.observe(name, Cell::Text("x"), Reading::default());
        }
        let table = survey.known().unwrap();
        assert_eq!(table.name, "SecurityAlert");
        let columns = survey.columns(Some(table));
        let names: Vec<_> = columns.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names.len(), 37);
        assert_eq!(names[35..], ["_ItemId", "rn"]);
        assert_eq!(columns.places["timegenerated"], 1);
        assert_eq!(names[columns.places["Severity"]], "AlertSeverity");
        assert_eq!(survey.renamed(&columns).len(), 2);
    }

    #[test]
    fn type_decides_where_all_rows_agree() {
        let mut survey = Survey::default();
        survey.observe("Type", Cell::Text("Heartbeat"), Reading::default());
        assert_eq!(survey.type_name(), Some("Heartbeat"));
        assert!(survey.known().is_none());
        survey.observe("Type", Cell::Text("Other"), Reading::default());
        assert_eq!(survey.type_name(), None);
    }
}

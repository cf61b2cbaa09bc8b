//! JSON, in which each field is treated by its name, and text that holds JSON within JSON.

use crate::catalog::entities::ENTITY_TYPES;
use crate::types::json::{self, Kind};

use super::memo::Field;
use super::policy::{self, Treatment, folded};
use super::text::{Level, Replacer, is_guid, is_moment};
use super::{Options, words};

/// Replaces what identifies in JSON and in texts that may hold some.
pub(super) struct Documents<'a> {
    pub(super) replacer: Replacer<'a>,
    options: &'a Options,
    /// Room for the texts of JSON within JSON.
    inner: Vec<String>,
}

/// Where a value lies.
#[derive(Debug, Clone, Copy)]
struct Place<'p> {
    /// The type of the entity around it.
    entity: Option<&'p str>,
    /// What becomes of it where it is no object: by its key.
    treatment: Treatment,
    /// Whether it lies within an object whose keys somebody has made up.
    details: bool,
}

impl Place<'_> {
    /// Returns that of a column.
    fn column(treatment: Treatment) -> Self {
        Place { entity: None, treatment, details: treatment == Treatment::Details }
    }
}

impl<'a> Documents<'a> {
    pub(super) fn new(replacer: Replacer<'a>, options: &'a Options) -> Documents<'a> {
        Documents { replacer, options, inner: Vec::new() }
    }

    /// Replaces what identifies in the text of a column, which may be JSON.
    pub(super) fn text(&mut self, text: &str, treatment: Treatment) -> String {
        let mut out = String::new();
        self.text_to(text, treatment, &mut out);
        out
    }

    /// Writes what takes the place of the text of a column.
    pub(super) fn text_to(&mut self, text: &str, treatment: Treatment, out: &mut String) {
        self.leaf(text, Place::column(treatment), plain, out);
    }

    /// Writes what takes the place of a value of JSON.
    pub(super) fn json_to(&mut self, json: &str, treatment: Treatment, out: &mut String) {
        self.value(json, Place::column(treatment), out);
    }

    /// Writes what takes the place of the name of a field, and what stands before its value; tells what becomes of it.
    fn field(&mut self, entity: Option<&str>, name: &str, out: &mut String) -> (Treatment, bool) {
        let memory = &mut *self.replacer.memory;
        let place = memory.place(entity, name);
        if let Some(known) = memory.fields.get(&place) {
            out.push_str(&known.written);
            let known = (known.treatment, known.stays);
            memory.scratch = place;
            return known;
        }
        let (treatment, stays) = (policy::treatment(entity, name), self.options.keeps(name));
        let written = json::string(&self.new_name(name)) + ":";
        out.push_str(&written);
        let memory = &mut *self.replacer.memory;
        memory.fields.keep(&place, Field { written, treatment, stays });
        memory.scratch = place;
        (treatment, stays)
    }

    /// Replaces what identifies in the name of a field: what is made of ordinary words stays.
    ///
    /// Products use names and addresses as keys.
    fn new_name(&mut self, name: &str) -> String {
        let known = is_documented(name) || self.options.keeps(name);
        let number = || name.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() > 4);
        let plain = || parts(name).iter().all(|part| part.len() < 3 || words::is_listed(part));
        if known || plain() && !number() {
            return name.to_string();
        }
        self.replacer.text(name, Level::Prose)
    }

    /// Writes what takes the place of a text.
    fn leaf(&mut self, text: &str, place: Place<'_>, write: fn(&str, &mut String), out: &mut String) {
        if text.trim_start().starts_with(['{', '[']) && json::is_valid(text) {
            let mut replaced = self.inner.pop().unwrap_or_default();
            self.value(text, place, &mut replaced);
            write(&replaced, out);
            replaced.clear();
            self.inner.push(replaced);
            return;
        }
        // Who looks writes nothing down.
        let write = if self.replacer.looking { nothing } else { write };
        // What is there once need not be remembered.
        if is_moment(text) && self.replacer.days == 0 {
            write(text, out);
            return;
        }
        if is_guid(text) && place.treatment != Treatment::Coordinate {
            write(&self.replacer.guid(text), out);
            return;
        }
        if let Some(known) = self.replacer.memory.leaves(place.treatment).get(text) {
            write(known, out);
            return;
        }
        let replaced = self.new_leaf(text, place.treatment);
        write(&replaced, out);
        self.replacer.memory.leaves(place.treatment).keep(text, replaced);
    }

    fn new_leaf(&mut self, text: &str, treatment: Treatment) -> String {
        match treatment {
            Treatment::Coordinate => self.number(text, treatment),
            _ => {
                if let Some(found) = self.replacer.found.as_mut().filter(|_| treatment == Treatment::Name) {
                    found.add_value(text);
                }
                self.replacer.text(text, treatment.level())
            }
        }
    }

    fn value(&mut self, json: &str, place: Place<'_>, out: &mut String) {
        match json::kind(json) {
            Kind::Bag => self.bag(json, place, out),
            Kind::Array => {
                out.push('[');
                for (at, element) in json::elements(json).enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.value(element, place, out);
                }
                out.push(']');
            }
            Kind::String => {
                let text = json::as_string(json).unwrap_or_default();
                self.leaf(&text, place, json::write_string, out);
            }
            Kind::Long | Kind::Real if self.replacer.looking => {}
            Kind::Long | Kind::Real => out.push_str(&self.number(json.trim(), place.treatment)),
            Kind::Bool | Kind::Null => out.push_str(json.trim()),
        }
    }

    fn bag(&mut self, json: &str, place: Place<'_>, out: &mut String) {
        let members: Vec<_> = json::members(json).collect();
        let own = members.iter().find(|(key, _)| key.eq_ignore_ascii_case("type"));
        let own = own.and_then(|(_, value)| json::as_string(value).map(|name| name.to_lowercase()));
        let entity = own.as_deref().or(place.entity);
        out.push('{');
        for (at, (key, value)) in members.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let (treatment, stays) = self.field(entity, key, out);
            if stays {
                out.push_str(value.trim());
                continue;
            }
            let treatment = match treatment {
                _ if place.details => Treatment::Unknown,
                // What surrounds a query within its own field is part of it.
                Treatment::Unknown if place.treatment == Treatment::Command => Treatment::Command,
                other => other,
            };
            let details = place.details || treatment == Treatment::Details;
            self.value(value, Place { entity, treatment, details }, out);
        }
        out.push('}');
    }

    /// Replaces a number, in JSON or as text.
    pub(super) fn number(&mut self, number: &str, treatment: Treatment) -> String {
        let key = self.replacer.key;
        match treatment {
            Treatment::Kept | Treatment::Safe | Treatment::Prose | Treatment::Command => number.to_string(),
            Treatment::Coordinate => match number.trim().parse::<f64>() {
                Ok(_) => {
                    let places = number.rsplit_once('.').map_or(0, |(_, behind)| behind.len().min(9));
                    let unit = (key.number("coordinate", number) as u32) as f64 / f64::from(u32::MAX);
                    format!("{:.places$}", 180.0 * unit - 90.0)
                }
                Err(_) => number.to_string(),
            },
            Treatment::Name | Treatment::Details | Treatment::Unknown => {
                let shortest = if treatment == Treatment::Name { 2 } else { 4 };
                // What follows an exponent says how large the number is.
                let end = number.find(['e', 'E']).unwrap_or(number.len());
                let mut out = String::new();
                for part in number[..end].split_inclusive(|letter: char| !letter.is_ascii_digit()) {
                    let digits = part.trim_end_matches(|letter: char| !letter.is_ascii_digit());
                    match digits.len() >= shortest {
                        true => out.push_str(&self.replacer.digits(digits)),
                        false => out.push_str(digits),
                    }
                    out.push_str(&part[digits.len()..]);
                }
                out.push_str(&number[end..]);
                // Beside the largest number lie others of as many digits that are too large.
                match out.parse::<f64>() {
                    Ok(large) if large.is_infinite() => format!("1{}", &number[end..]),
                    _ => out,
                }
            }
        }
    }
}

fn nothing(_: &str, _: &mut String) {}

fn plain(text: &str, out: &mut String) {
    out.push_str(text);
}

/// Tells whether the name of a field is one that is documented: it says nothing of those whose records they are.
pub(super) fn is_documented(name: &str) -> bool {
    name.starts_with('$')
        || policy::treatment(None, name) != Treatment::Unknown
        || ENTITY_TYPES.iter().any(|entity| entity.documents(name))
}

/// Takes a name apart into its words: at signs, and where a capital follows a small letter.
pub(super) fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut small = false;
    for letter in name.chars() {
        if !letter.is_alphabetic() || letter.is_uppercase() && small {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut().filter(|_| letter.is_alphabetic()) {
            last.extend(letter.to_lowercase());
        }
        small = letter.is_lowercase();
    }
    parts
}

impl Options {
    /// Tells whether the user wants to keep a column or field.
    pub(super) fn keeps(&self, name: &str) -> bool {
        !self.keep.is_empty() && self.keep.contains(&folded(name))
    }
}

//! JSON, in which each field is treated by its name, and text that holds JSON within JSON.

use crate::catalog::entities::ENTITY_TYPES;
use crate::types::json::{self, Kind};

use super::names;
use super::policy::{self, Treatment, folded};
use super::text::{Level, Replacer};
use super::{Options, words};

/// Replaces what identifies in JSON and in texts that may hold some.
pub(super) struct Documents<'a> {
    pub(super) replacer: Replacer<'a>,
    options: &'a Options,
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

impl<'a> Documents<'a> {
    pub(super) fn new(replacer: Replacer<'a>, options: &'a Options) -> Documents<'a> {
        Documents { replacer, options }
    }

    /// Replaces what identifies in the text of a column, which may be JSON.
    pub(super) fn text(&mut self, text: &str, treatment: Treatment) -> String {
        self.leaf(text, Place { entity: None, treatment, details: treatment == Treatment::Details })
    }

    /// Replaces what identifies in a value of JSON.
    pub(super) fn json(&mut self, json: &str, treatment: Treatment) -> String {
        let mut out = String::with_capacity(json.len());
        self.value(json, Place { entity: None, treatment, details: treatment == Treatment::Details }, &mut out);
        out
    }

    /// Replaces what identifies in the name of a field: what is made of ordinary words stays.
    ///
    /// Products use names and addresses as keys.
    fn name(&mut self, name: &str) -> String {
        if let Some(known) = self.replacer.memory.fields.get(name) {
            return known.clone();
        }
        let replaced = self.new_name(name);
        self.replacer.memory.fields.keep(name, replaced.clone());
        replaced
    }

    fn new_name(&mut self, name: &str) -> String {
        let known = name.starts_with('$')
            || policy::treatment(None, name) != Treatment::Unknown
            || ENTITY_TYPES.iter().any(|entity| entity.documents(name))
            || self.options.keeps(name);
        let number = || name.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() > 4);
        let plain = || parts(name).iter().all(|part| part.len() < 3 || words::is_listed(part));
        if known || plain() && !number() {
            return name.to_string();
        }
        self.replacer.text(name, Level::Prose)
    }

    fn leaf(&mut self, text: &str, place: Place<'_>) -> String {
        let start = text.trim_start();
        if start.starts_with(['{', '[']) && json::is_valid(text) {
            let mut out = String::with_capacity(text.len());
            self.value(text, place, &mut out);
            return out;
        }
        if let Some(known) = self.replacer.memory.leaves(place.treatment).get(text) {
            return known.clone();
        }
        let replaced = self.new_leaf(text, place.treatment);
        self.replacer.memory.leaves(place.treatment).keep(text, replaced.clone());
        replaced
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
                json::write_string(&self.leaf(&text, place), out);
            }
            Kind::Long | Kind::Real => out.push_str(&self.number(json.trim(), place.treatment)),
            Kind::Bool | Kind::Null => out.push_str(json.trim()),
        }
    }

    fn bag(&mut self, json: &str, place: Place<'_>, out: &mut String) {
        let own = json::members(json).find(|(key, _)| key.eq_ignore_ascii_case("type"));
        let own = own.and_then(|(_, value)| json::as_string(value).map(|name| name.to_lowercase()));
        let entity = own.as_deref().or(place.entity);
        out.push('{');
        for (at, (key, value)) in json::members(json).enumerate() {
            if at > 0 {
                out.push(',');
            }
            json::write_string(&self.name(&key), out);
            out.push(':');
            if self.options.keeps(&key) {
                out.push_str(value.trim());
                continue;
            }
            let decide = || policy::treatment(entity, &key);
            let treatment = match (place.details, self.replacer.memory.treatment(entity, &key, decide)) {
                (true, _) => Treatment::Unknown,
                // What surrounds a query within its own field is part of it.
                (false, Treatment::Unknown) if place.treatment == Treatment::Command => Treatment::Command,
                (false, treatment) => treatment,
            };
            let details = place.details || treatment == Treatment::Details;
            self.value(value, Place { entity, treatment, details }, out);
        }
        out.push('}');
    }

    /// Replaces a number, in JSON or as text.
    pub(super) fn number(&self, number: &str, treatment: Treatment) -> String {
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
                        true => out.push_str(&names::digits(key, digits)),
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

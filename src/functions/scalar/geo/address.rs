//! Where IP addresses are, as a database that the user gives tells it.

use std::net::IpAddr;

use super::super::rows::{self, Column, DYNAMIC, function, string};
use crate::functions::lift::{Reader, Text};
use crate::functions::{Call, Function, FunctionError, Kernel, Naming, Overload};
use crate::types::json;
use crate::types::whereabouts::{Places, Whereabouts};

/// Kusto reads MaxMind's GeoLite2-City (documented); so does alertq, from the file that `--geo-database` names.
pub(super) const FUNCTIONS: &[Function] = &[function!(
    "geo_info_from_ip_address",
    "Gives country, state, city, latitude and longitude of an IP address, from the file that --geo-database names.",
    "geo-info-from-ip-address-function",
    Naming::None,
    [Overload { parameters: &[string("ip_address")], returns: DYNAMIC, kernel: Kernel::Located(geo_info) }],
    [
        ("isnull(geo_info_from_ip_address('no address'))", "true"),
        ("isnull(geo_info_from_ip_address(''))", "true"),
        // A private address is in no database.
        ("isnull(geo_info_from_ip_address('10.0.0.1'))", "true"),
    ]
)];

fn geo_info(call: &Call, places: &dyn Places) -> Column {
    let addresses = Reader::<Text>::new(call, 0);
    let mut found = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let address: Option<IpAddr> = addresses.get(row).and_then(|text| text.trim().parse().ok());
        found.push(address.map_or(Ok(None), |address| places.whereabouts(address)).map_err(unreadable)?);
    }
    rows::json(call, |row, out| {
        write(found[row].as_ref()?, out);
        Some(())
    })
}

fn unreadable(message: String) -> FunctionError {
    FunctionError { code: "AQ044", message: format!("the database of places can't be read: {message}"), argument: None }
}

/// Writes what is known: parts that are missing are left out.
fn write(place: &Whereabouts, out: &mut String) {
    let texts = [("country", &place.country), ("state", &place.state), ("city", &place.city)];
    let numbers = [("latitude", place.latitude), ("longitude", place.longitude)];
    let name = |name: &str, out: &mut String| {
        out.push(if out.is_empty() { '{' } else { ',' });
        json::write_string(name, out);
        out.push(':');
    };
    for (part, text) in texts {
        if let Some(text) = text {
            name(part, out);
            json::write_string(text, out);
        }
    }
    for (part, number) in numbers {
        if let Some(number) = number {
            name(part, out);
            json::write_real(number, out);
        }
    }
    out.push_str(if out.is_empty() { "{}" } else { "}" });
}

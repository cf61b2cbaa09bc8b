//! Where IP addresses are: files in MaxMind's form, as GeoLite2-City comes.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::Reader;
use serde::Deserialize;

use crate::types::whereabouts::{Places, Whereabouts};

/// A database of places, read whole.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("metadata", self.reader.metadata()).finish()
    }
}

/// The parts of a record that are read.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    country: Named,
    #[serde(default)]
    subdivisions: Vec<Named>,
    #[serde(default)]
    city: Named,
    #[serde(default)]
    location: Location,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    names: Names,
}

#[derive(Default, Deserialize)]
struct Names {
    en: Option<String>,
}

#[derive(Default, Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Database {
    /// Reads a file.
    ///
    /// # Errors
    /// What keeps it from being read: it is not there, or of another form.
    pub fn open(path: &Path) -> Result<Database, String> {
        match Reader::open_readfile(path) {
            Ok(reader) => Ok(Database { reader }),
            Err(error) => {
                Err(format!("{} is no database of places in MaxMind's form (.mmdb): {error}", path.display()))
            }
        }
    }
}

impl Places for Database {
    fn whereabouts(&self, address: IpAddr) -> Result<Option<Whereabouts>, String> {
        // A database may know addresses of version 4 alone.
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        let found = self.reader.lookup(address).and_then(|found| found.decode::<Record>());
        Ok(found.map_err(|error| error.to_string())?.map(|record| Whereabouts {
            country: record.country.names.en,
            // The first is the largest, as MaxMind says: a state, where a second one would be a county.
            state: record.subdivisions.into_iter().next().and_then(|first| first.names.en),
            city: record.city.names.en,
            latitude: record.location.latitude,
            longitude: record.location.longitude,
        }))
    }
}

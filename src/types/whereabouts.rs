//! Where IP addresses are: what `geo_info_from_ip_address` tells, and who knows it.

use std::fmt::Debug;
use std::net::IpAddr;

/// What is known of the place of an address; any part may be missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Whereabouts {
    pub country: Option<String>,
    /// The largest subdivision of the country.
    pub state: Option<String>,
    pub city: Option<String>,
    /// Degrees.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

/// Knows where addresses are.
pub trait Places: Debug + Send + Sync {
    /// Returns where an address is, or None if nothing is known of it.
    ///
    /// # Errors
    /// What is wrong with the file that tells it.
    fn whereabouts(&self, address: IpAddr) -> Result<Option<Whereabouts>, String>;
}

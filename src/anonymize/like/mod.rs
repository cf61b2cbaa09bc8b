//! Alerts like those of an export, without anything of them: its shape is learnt, and others are made to it.
//!
//! What is taken over as it stands is what products have chosen from lists: product, provider, component, severity,
//! tactics and techniques, types of entities, and the type of a product's alerts. The title of a product's alert is taken
//! over where it is made of ordinary words alone; those of analytics rules are the house's own and get a number.
//! Everything else is made up: numbered machines, accounts and addresses that occur as often as those of the export.
//!
//! Incidents are made of the alerts that are made: as large a share of the alerts of each kind comes into incidents, in
//! groups as large, and each incident goes through the versions of one of the export's: status, severity, classification,
//! how many comments, tasks, tags and bookmarks, whether somebody owns it. What people have written is made up.
//!
//! What the export has of each is counted over records whose ids' hashes lie below a bound that sinks when there are too
//! many of them: memory stays, and what is counted is a fair sample.

mod incident_make;
mod incident_shape;
mod make;
mod shape;
mod spread;

pub use incident_make::LikeIncidents;
pub use incident_shape::IncidentShape;
pub use make::{Like, LikeOptions};
pub use shape::Shape;

#[cfg(test)]
mod incident_tests;
#[cfg(test)]
mod tests;

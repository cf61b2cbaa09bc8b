//! Incidents: what Sentinel makes of alerts.
//!
//! Two ways lead to one. A rule of the kind MicrosoftSecurityIncidentCreation makes an incident of each alert of a
//! product, the first time it is seen; an alert that several rules take makes one incident, which names them all. A
//! scheduled rule makes incidents of its own alerts, and may put several into one. Nothing here reads a clock or draws
//! by chance: the same alerts give the same rows.

mod creation;
mod desk;
mod entity;
mod grouping;

pub use creation::{CreationRule, DEFENDER_FOR_CLOUD, Pass, default_products, default_rule};
pub use desk::{Incidents, MOST_ALERTS};
pub use entity::{Identity, entities};
pub use grouping::{custom_details, type_of};

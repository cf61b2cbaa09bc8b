//! Alerts like those of an export, without anything of them: its shape is learnt, and others are made to it.
//!
//! What is taken over as it stands is what products have chosen from lists: product, provider, component, severity,
//! tactics and techniques, types of entities, and the type of a product's alerts. The title of a product's alert is taken
//! over where it is made of ordinary words alone; those of analytics rules are the house's own and get a number.
//! Everything else is made up: numbered machines, accounts and addresses that occur as often as those of the export.
//!
//! What the export has of each is counted over records whose ids' hashes lie below a bound that sinks when there are too
//! many of them: memory stays, and what is counted is a fair sample.

mod make;
mod shape;

pub use make::{Like, LikeOptions};
pub use shape::Shape;

#[cfg(test)]
mod tests;

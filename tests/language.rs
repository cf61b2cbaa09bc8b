//! The language, held against what is written of it: the examples of every function, and the pages of
//! `fixtures/language`.

#[path = "language/chance.rs"]
mod chance;
#[path = "language/examples.rs"]
mod examples;
#[path = "language/order.rs"]
mod order;
#[path = "language/page.rs"]
mod page;
#[path = "language/pages.rs"]
mod pages;
#[path = "language/properties.rs"]
mod properties;
#[path = "language/run.rs"]
mod run;

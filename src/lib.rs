//! KQL over security alerts on this machine: the answers of Microsoft's engine, or a refusal that says why.
//!
//! # The way of a query
//!
//! ```text
//!   text ──syntax::parse──▶ Parsed { query, problems }
//!                               │            ╲
//!   catalog, functions ──▶ bind::bind         ╲
//!                               │              ▶ diagnostic::render ──▶ a terminal, a build log, an editor
//!                               ▼             ╱
//!                     Bound { plan, problems }
//!                               │
//!   source (files) ─────▶ engine::run
//!                               │
//!                               ▼
//!                  stream of record batches ──format──▶ table, JSON, CSV, Parquet, Arrow ...
//! ```
//!
//! Where only the data tell which columns a part of the query gives (`evaluate bag_unpack(d)`), that part runs first and
//! the text is bound again: [`query::settle`].
//!
//! Checking stops at `Bound`: it needs no engine and no data. Each arrow is one public function, and each thing between
//! two arrows prints itself (`alertq query --explain ast|plan|engine`).
//!
//! ```
//! use alertq::{bind, catalog::Catalog, syntax};
//!
//! let text = "SecurityAlert | where AlertSeverty == 'High' | summarize count() by ProductName";
//! let parsed = syntax::parse(text);
//! assert!(parsed.problems.is_empty());
//! let bound = bind::bind(&parsed.query, &Catalog::standard(), &bind::Options::default());
//! let problem = &bound.problems[0];
//! assert_eq!(problem.code, "KS142");
//! assert_eq!(&text[problem.span.start..problem.span.end], "AlertSeverty");
//! ```
//!
//! # The rooms
//!
//! Arrows point one way; `tests/arrows.rs` holds the code against this table.
//!
//! | room | holds | uses |
//! |---|---|---|
//! | [`diagnostic`] | a user's mistake as data; renderers | |
//! | [`syntax`] | text to tree, and back to canonical text | diagnostic |
//! | [`types`] | scalar types, values, the one mapping to Arrow | diagnostic |
//! | [`catalog`] | the tables that a query can see | types |
//! | [`functions`] | the library of functions and aggregates, as data | types |
//! | [`plan`] | the typed relational tree | diagnostic, types, catalog, functions |
//! | [`bind`] | tree to plan: names, types, overloads | syntax, plan, and what these use |
//! | [`engine`] | plan to record batches | plan, and what it uses |
//! | [`query`] | the way there and back: columns that only the data tell | bind, engine |
//! | [`source`] | records in: one file for each export form | types, catalog |
//! | [`mod@format`] | records out: one file for each format | types, catalog |
//! | `fetch` | download from Azure, complete or not at all (cargo feature `fetch`) | source, format |
//! | [`serve`] | a server on this machine that answers for the query API | query, and what it uses; format |
//! | [`lint`] | what is valid and most likely not meant | bind, and what it uses |
//! | [`anonymize`] | records without what identifies: names, addresses, ids and paths replaced, keyed | types, catalog |
//! | [`rules`] | analytics rules: what can be wrong with them, and what they raise | bind, and engine where a rule runs |
//! | [`cli`] | one file for each subcommand | everything |
//!
//! # Invariants
//!
//! - `syntax` knows no table, type or function. Parsing gives a tree *and* problems.
//! - Checking needs no engine. DataFusion is named in `engine` alone, printing happens in `cli` alone.
//! - Sockets are opened by `fetch` and `serve` alone.
//! - Nothing reads the clock but `cli`: `now()` is what the session was given.
//! - A user's mistake is a [`diagnostic::Diagnostic`], a broken world an error value, a bug a panic. No recursion on
//!   text from outside without a limit.
//! - What KQL has and alertq lacks is known as such: it is refused by name, never called unknown.
//! - Functions are an open set: data in slices. Operators are a closed set: an enum, and `match` without a default.

#![forbid(unsafe_code)]

pub mod anonymize;
pub mod bind;
pub mod catalog;
pub mod cli;
pub mod diagnostic;
pub mod engine;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod format;
pub mod functions;
pub mod lint;
pub mod plan;
pub mod query;
pub mod rules;
pub mod serve;
pub mod source;
pub mod syntax;
pub mod types;

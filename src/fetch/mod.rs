//! Downloads from Azure, complete or not at all.
//!
//! ```text
//!   Identity ──token──▶ Client ──▶ Logs     ──▶ Job: a table over a long time, in windows
//!      (azure_identity)  │  gate, patience  ╰─▶ one query
//!                        ╰──────▶ Manager  ──▶ lists of Defender for Cloud and Sentinel, page by page
//! ```
//!
//! The only room that opens connections to Azure. It only ever reads. Time and chance are passed in ([`Clock`]), what
//! happens is told to whoever wants to know ([`Report`]), and nothing that is secret goes into messages or files.

mod clock;
mod cloud;
pub mod defender;
mod error;
mod gate;
mod http;
mod identity;
mod log_analytics;
mod logs;
mod manager;
mod moment;
pub mod preflight;
mod records;
mod report;
mod sentinel;
mod window;
mod write;

pub use clock::Clock;
pub use cloud::Cloud;
pub use error::{About, Error, ErrorKind};
pub use http::{Ask, Body, Client, Patience, Reply, Tokens, Transport};
pub use identity::{Choice, Identity, Nobody};
pub use log_analytics::{Bucket, Job, Piece, Subject, Summary};
pub use logs::{Logs, Rows};
pub use manager::Manager;
pub use records::Records;
pub use report::{Event, Report, Silent};
pub use sentinel::{RULES_API, Watchlist, Workspace};
pub use window::Window;
pub use write::{write_records, write_whole, write_with};

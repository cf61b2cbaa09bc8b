//! Downloads against a server of our own, on loopback: what it gives, and what it does wrong by script.

#[path = "fetch/clock.rs"]
mod clock;
#[path = "fetch/command.rs"]
mod command;
#[path = "fetch/faults.rs"]
mod faults;
#[path = "fetch/log_analytics.rs"]
mod log_analytics;
#[path = "fetch/server.rs"]
mod server;
#[path = "fetch/table.rs"]
mod table;

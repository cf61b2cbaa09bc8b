//! Downloads against a server of our own, on loopback: what it gives, and what it does wrong by script.

#[path = "fetch/clock.rs"]
mod clock;
#[path = "fetch/command.rs"]
mod command;
#[path = "fetch/faults.rs"]
mod faults;
#[path = "fetch/identity.rs"]
mod identity;
#[path = "fetch/lists.rs"]
mod lists;
#[path = "fetch/log_analytics.rs"]
mod log_analytics;
#[path = "fetch/proxy.rs"]
mod proxy;
#[path = "fetch/server.rs"]
mod server;
#[cfg(target_os = "linux")]
#[path = "fetch/size.rs"]
mod size;
#[path = "fetch/skew.rs"]
mod skew;
#[path = "fetch/table.rs"]
mod table;

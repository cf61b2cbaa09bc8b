//! A pull of a Log Analytics table over a long time: what to ask, a window at a time.
//!
//! The query API gives a limited number of rows for a question and cuts the rest off, so a long time is asked for in
//! windows that neither overlap nor leave a gap. What comes back is read by [`crate::source`], which refuses an answer
//! that was cut off. Nothing here opens a connection.

mod window;

use serde_json::{Value, json};

use crate::types::ticks;

pub use window::{Window, windows};

/// One question to the query API: the body of `POST /v1/workspaces/{id}/query`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub window: Window,
    pub query: String,
}

impl Request {
    /// Asks for the records of a table whose TimeGenerated lies in the window.
    ///
    /// ```
    /// use alertq::fetch::{Request, Window};
    /// use alertq::types::ticks::parse_datetime;
    /// let (from, to) = (parse_datetime("2026-01-01").unwrap(), parse_datetime("2026-01-02").unwrap());
    /// let request = Request::of_table("SecurityAlert", Window { from, to });
    /// assert_eq!(request.body()["timespan"], "2026-01-01T00:00:00.0000000Z/2026-01-02T00:00:00.0000000Z");
    /// ```
    pub fn of_table(table: &str, window: Window) -> Request {
        let (from, to) = (ticks::format_datetime(window.from), ticks::format_datetime(window.to));
        // The parameter `timespan` includes its end; the condition does not, so that no record comes twice.
        let condition = format!("TimeGenerated >= datetime({from}) and TimeGenerated < datetime({to})");
        Request { window, query: format!("{} | where {condition}", name(table)) }
    }

    /// Returns the body of the request.
    pub fn body(&self) -> Value {
        let (from, to) = (ticks::format_datetime(self.window.from), ticks::format_datetime(self.window.to));
        json!({"query": self.query, "timespan": format!("{from}/{to}")})
    }
}

/// Spells a table's name so that nothing in it is read as something else.
fn name(table: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if table.chars().all(plain) && !table.starts_with(|c: char| c.is_ascii_digit()) {
        return table.to_string();
    }
    format!("['{}']", table.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(name("SecurityAlert"), "SecurityAlert");
        assert_eq!(name("a'] | take 1"), r"['a\'] | take 1']");
    }
}

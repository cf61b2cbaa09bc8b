//! What is downloaded, and the queries that ask for it.

use crate::fetch::Window;
use crate::types::ticks;

/// The rows of a table, each as it is or as operators make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What its folder is called, and its table.
    pub name: String,
    /// The table, as KQL spells it.
    pub table: String,
    /// What becomes of each row: operators that begin with `|`, or nothing. They keep the time, and none of them looks
    /// at more than one row.
    pub rest: String,
    /// The column that windows are cut by, as KQL spells it.
    pub time: String,
    /// The column, or expression, that tells records of one moment apart.
    pub identifier: String,
}

/// Which records are asked for, by when they were ingested; in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// After this moment; None: from the beginning.
    pub after: Option<i64>,
    /// Up to this moment; None: the service does not tell when records were ingested.
    pub until: Option<i64>,
}

/// A part of the records of one moment: those whose identifier's hash has this remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Bucket {
    pub index: u64,
    pub of: u64,
}

impl Subject {
    /// Takes a table whole.
    ///
    /// ```
    /// use alertq::fetch::Subject;
    /// assert_eq!(Subject::of_table("SecurityAlert").identifier, "SystemAlertId");
    /// ```
    pub fn of_table(table: &str) -> Subject {
        let identifier = match table {
            "SecurityAlert" => "SystemAlertId",
            "SecurityIncident" => "IncidentName",
            // A standard column of every table.
            _ => "_ItemId",
        };
        let (identifier, time) = (identifier.to_string(), "TimeGenerated".to_string());
        Subject { name: table.to_string(), table: spelled(table), rest: String::new(), time, identifier }
    }

    /// Cuts windows by another column than TimeGenerated.
    pub fn by_time(self, column: &str) -> Subject {
        Subject { time: spelled(column), ..self }
    }

    /// Returns the whole query, without windows.
    pub fn text(&self) -> String {
        format!("{}{}", self.table, self.rest)
    }

    fn of(&self, window: Window, bucket: Option<Bucket>, cut: Cut) -> String {
        let moment = |ticks: i64| format!("datetime({})", ticks::format_datetime(ticks));
        let (from, to) = (moment(window.from), moment(window.to));
        let Subject { table, time, .. } = self;
        let mut text = format!("{table}\n| where {time} >= {from} and {time} < {to}");
        match (cut.after.map(moment), cut.until.map(moment)) {
            (Some(after), Some(until)) => {
                text.push_str(&format!("\n| where ingestion_time() > {after} and ingestion_time() <= {until}"));
            }
            (None, Some(until)) => {
                text.push_str(&format!("\n| where isnull(ingestion_time()) or ingestion_time() <= {until}"));
            }
            _ => {}
        }
        if let Some(Bucket { index, of }) = bucket {
            text.push_str(&format!("\n| where hash({}, {of}) == {index}", self.identifier));
        }
        text.push('\n');
        text.push_str(&self.rest);
        text.truncate(text.trim_end().len());
        text
    }

    /// Asks for the rows of a window.
    pub fn rows(&self, window: Window, bucket: Option<Bucket>, cut: Cut) -> String {
        format!("{}\n| sort by {} asc", self.of(window, bucket, cut), self.time)
    }

    /// Asks how many they are: `Count`.
    pub fn count(&self, window: Window, bucket: Option<Bucket>, cut: Cut) -> String {
        format!("{}\n| count", self.of(window, bucket, cut))
    }

    /// Asks how many lie in each part of a window: `Bin`, counted from 0, and `Rows`. `width` is in ticks.
    pub fn histogram(&self, window: Window, cut: Cut, width: i64) -> String {
        let from = ticks::format_datetime(window.from);
        let bin = format!("tolong({} - datetime({from})) / {width}", self.time);
        format!("{}\n| summarize Rows = count() by Bin = {bin}", self.of(window, None, cut))
    }

    /// Asks how many of a moment's records lie in each bucket: `Bin` and `Rows`.
    pub fn buckets(&self, window: Window, cut: Cut, of: u64) -> String {
        // The identifier may be gone behind the operators: it is read before them.
        let all = Subject { rest: String::new(), ..self.clone() };
        format!("{}\n| summarize Rows = count() by Bin = hash({}, {of})", all.of(window, None, cut), self.identifier)
    }

    /// Asks for no rows; refused where there is no such identifier.
    pub fn probe(&self) -> String {
        format!("{}\n| where isnotempty({})\n| take 0", self.table, self.identifier)
    }

    /// Asks for the service's clock, `Now`; refused where it does not tell when records were ingested.
    pub fn clock(&self) -> String {
        format!(
            "{}\n| where ingestion_time() > datetime(9999-01-01)\n| summarize Rows = count()\n| extend Now = now()",
            self.table
        )
    }
}

/// Spells a name so that nothing in it is read as something else.
fn spelled(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.to_string();
    }
    format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(spelled("SecurityAlert"), "SecurityAlert");
        assert_eq!(spelled("a'] | take 1"), r"['a\'] | take 1']");
    }

    #[test]
    fn windows_leave_out_their_end() {
        let day = ticks::parse_datetime("2026-01-01").unwrap();
        let window = Window { from: day, to: day + 1 };
        let cut = Cut { after: None, until: Some(day) };
        let subject = Subject { rest: "| where AlertSeverity == 'High'".into(), ..Subject::of_table("SecurityAlert") };
        assert_eq!(
            subject.count(window, Some(Bucket { index: 1, of: 4 }), cut),
            "SecurityAlert\n\
             | where TimeGenerated >= datetime(2026-01-01T00:00:00.0000000Z) and TimeGenerated < \
             datetime(2026-01-01T00:00:00.0000001Z)\n\
             | where isnull(ingestion_time()) or ingestion_time() <= datetime(2026-01-01T00:00:00.0000000Z)\n\
             | where hash(SystemAlertId, 4) == 1\n\
             | where AlertSeverity == 'High'\n\
             | count"
        );
    }
}

//! What is told of the way of alerts from Defender for Cloud into SecurityAlert.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use super::{Case, Report, field, shown_fields};
use crate::rules::delivery::{Fault, Kind, Verdict};
use crate::types::ticks;

/// The delays that are told, in percent of the alerts.
const PERCENTILES: [usize; 5] = [50, 90, 95, 99, 100];

impl Report for Verdict {
    fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    fn text(&self) -> String {
        let mut out: String = self.faults.iter().map(shown).collect();
        let Verdict { listed, delivered, left_out, outside, .. } = self;
        let _ = writeln!(out, "{listed} alerts of Defender's list; {delivered} are in the table");
        let _ = writeln!(out, "left out: {left_out} rows of other products, {outside} alerts outside the period");
        let of = |percent| Some(format!("{} {}", label(percent), ticks::format_timespan(self.percentile(percent)?)));
        let delays: Vec<String> = PERCENTILES.into_iter().filter_map(of).collect();
        if !delays.is_empty() {
            let _ = writeln!(out, "delay from the end of processing to TimeGenerated: {}", delays.join(", "));
        }
        let counts: Vec<String> = Kind::ALL.map(|kind| format!("{} {}", self.count(kind), kind.word())).into();
        let _ = writeln!(out, "{}", counts.join(", "));
        out
    }

    fn json(&self) -> Map<String, Json> {
        let fault = |fault: &Fault| {
            json!({
                "kind": fault.kind.word(),
                "time": ticks::format_datetime(fault.time),
                "title": fault.title,
                "id": fault.id,
                "alerts": fault.rows,
                "reason": fault.reason,
                "fields": fault.fields.iter().map(field).collect::<Vec<_>>(),
            })
        };
        let delay = |percent| Some((label(percent), json!(ticks::format_timespan(self.percentile(percent)?))));
        let connector = json!({
            "listed": self.listed,
            "delivered": self.delivered,
            "left_out": self.left_out,
            "outside": self.outside,
            "delays": PERCENTILES.into_iter().filter_map(delay).collect::<Map<_, _>>(),
            "faults": self.faults.iter().map(fault).collect::<Vec<_>>(),
        });
        Map::from_iter([("connector".to_string(), connector)])
    }

    fn cases(&self) -> (&'static str, Vec<Case>) {
        let case = |kind: Kind| {
            let name = match kind {
                Kind::Dropped => "every alert of Defender is in the table",
                Kind::Duplicated => "every alert is in the table once",
                Kind::Delayed => "every alert is in the table in time",
                Kind::Changed => "every alert says in the table what it says in Defender",
                Kind::Unlisted => "every alert of the table is one of Defender",
            };
            let lines = || self.faults.iter().filter(|fault| fault.kind == kind).map(shown).collect();
            let count = self.count(kind);
            Case { name, failure: (count > 0).then(|| (format!("{count} {}", kind.word()), lines())) }
        };
        ("alertq verify connector", Kind::ALL.into_iter().map(case).collect())
    }
}

impl Verdict {
    fn count(&self, kind: Kind) -> usize {
        self.faults.iter().filter(|fault| fault.kind == kind).count()
    }
}

fn label(percent: usize) -> String {
    if percent == 100 { "max".to_string() } else { format!("p{percent}") }
}

/// Shows a fault in a few lines.
fn shown(fault: &Fault) -> String {
    let Fault { kind, time, title, id, rows, reason, fields } = fault;
    let mut out = format!("{}: '{title}' {}\n    {id}: {reason}\n", kind.word(), ticks::format_datetime(*time));
    if !rows.is_empty() {
        let _ = writeln!(out, "    SystemAlertId {}", rows.join(", "));
    }
    out.push_str(&shown_fields(fields));
    out
}

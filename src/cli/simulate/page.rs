//! The page of `--report`: alerts of each rule and day, in one file that needs nothing from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::diagnostic::render::junit::escape;
use crate::rules::Rule;
use crate::rules::alert::rule_id;
use crate::rules::simulate::{Outcome, per_day};
use crate::types::ticks::{self, TICKS_PER_DAY};

/// Pixels of a chart.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 60.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}\
    h2{font-size:1.1em;margin:1.5em 0 .2em}p{margin:.2em 0;color:#555}svg{width:100%;height:auto;display:block}\
    rect{fill:#2b6cb0}rect.none{fill:#ddd}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}p{color:#aaa}\
    rect{fill:#63b3ed}rect.none{fill:#333}}";

/// Makes the page.
pub(super) fn page(rules: &[Rule], outcome: &Outcome, from: i64, to: i64, assumed: &str) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<title>alertq simulate</title>\n");
    let _ = writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>\n<h1>Alerts of each rule and day</h1>");
    let incidents = outcome.incidents.iter().filter(|row| row.first_modified.is_none()).count();
    let (from_text, to_text) = (ticks::format_datetime(from), ticks::format_datetime(to));
    let alerts = outcome.alerts.len();
    let _ = writeln!(out, "<p>{from_text} to {to_text}: {alerts} alerts, {incidents} incidents.</p>");
    let _ = writeln!(out, "<p>Assumed: {}</p>", escape(assumed));
    for (rule, summary) in rules.iter().zip(&outcome.summaries) {
        let end = format!("_{}", rule_id(rule));
        let own = per_day(outcome.alerts.iter().filter(|alert| alert.alert_type.ends_with(&end)));
        let _ = writeln!(out, "<h2>{}</h2>", escape(rule.title()));
        let _ = writeln!(
            out,
            "<p>{} runs, {} suppressed, {} alerts, {} incidents</p>",
            summary.runs, summary.suppressed, summary.alerts, summary.incidents
        );
        chart(&mut out, &own, from, to);
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// Draws a bar for each day; each tells its day and number where somebody points at it.
fn chart(out: &mut String, days: &BTreeMap<i64, u64>, from: i64, to: i64) {
    let first = from - from.rem_euclid(TICKS_PER_DAY);
    let count = (to.saturating_sub(first) / TICKS_PER_DAY + 1).clamp(1, 10_000);
    let most = days.values().copied().max().unwrap_or(0).max(1);
    let step = WIDTH / count as f64;
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"alerts per day, at most {most}\">"
    );
    for day in 0..count {
        let moment = first + day * TICKS_PER_DAY;
        let alerts = days.get(&moment).copied().unwrap_or(0);
        let height = (HEIGHT * alerts as f64 / most as f64).max(1.0);
        let class = if alerts == 0 { " class=\"none\"" } else { "" };
        let date = ticks::format_datetime(moment);
        let _ = writeln!(
            out,
            "<rect{class} x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>{}: {alerts}</title></rect>",
            step * day as f64,
            HEIGHT - height,
            (step * 0.85).max(0.2),
            date.get(..10).unwrap_or(&date),
        );
    }
    out.push_str("</svg>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_bar_for_each_day() {
        let mut out = String::new();
        let from = ticks::parse_datetime("2026-01-01T10:00:00Z").unwrap();
        let day = from - from.rem_euclid(TICKS_PER_DAY);
        chart(&mut out, &BTreeMap::from([(day + TICKS_PER_DAY, 4)]), from, from + 2 * TICKS_PER_DAY);
        assert_eq!(out.matches("<rect").count(), 3);
        assert!(out.contains("<title>2026-01-02: 4</title>") && out.contains("<title>2026-01-03: 0</title>"), "{out}");
        assert!(!out.contains("NaN"));
    }
}

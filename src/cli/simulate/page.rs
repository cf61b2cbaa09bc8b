//! The page of `--report`: alerts of each rule and day, in one file that needs nothing from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::diagnostic::render::junit::escape;
use crate::rules::Rule;
use crate::rules::alert::rule_id;
use crate::rules::simulate::{Outcome, per_day};
use crate::types::ticks::{self, TICKS_PER_DAY};

/// Pixels of a chart, and of its parts.
const WIDTH: f64 = 900.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 10.0;
const PLOT: f64 = 60.0;
const HEIGHT: f64 = TOP + PLOT + 20.0;

/// Dates below a chart, at most.
const DATES: i64 = 7;

/// Words stand out from what is behind them by 4.5 to 1 at least, bars and lines that tell something by 3 to 1 (WCAG AA),
/// by day and by night.
const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;\
    padding:0 1em;background:#fff;color:#222}h2{font-size:1.1em;margin:1.5em 0 .2em}p{margin:.2em 0;color:#555}\
    a{color:#1a56a0}svg{width:100%;height:auto;display:block}rect,.some{fill:#2b6cb0;background:#2b6cb0}\
    rect.none,.no{fill:#8a8a8a;background:#8a8a8a}text{font-size:11px;fill:#444}line{stroke:#8a8a8a;stroke-width:1}\
    .key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}.wide{overflow-x:auto}\
    table{border-collapse:collapse}caption{text-align:left;color:#555}th,td{padding:.1em .8em;text-align:right}\
    th:first-child,td:first-child{text-align:left;padding-left:0;font-weight:normal}thead th:first-child{font-weight:bold}\
    :focus-visible{outline:2px solid currentColor;outline-offset:2px}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}p,caption{color:#aaa}text{fill:#bbb}\
    line{stroke:#777}rect,.some{fill:#63b3ed;background:#63b3ed}rect.none,.no{fill:#777;background:#777}a{color:#90cdf4}}";

/// Makes the page.
pub(super) fn page(rules: &[Rule], outcome: &Outcome, from: i64, to: i64, assumed: &str) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<title>alertq simulate</title>\n");
    let _ = writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Alerts of each rule and day</h1>");
    let incidents = outcome.incidents.iter().filter(|row| row.first_modified.is_none()).count();
    let (from_text, to_text) = (ticks::format_datetime(from), ticks::format_datetime(to));
    let alerts = outcome.alerts.len();
    let _ = writeln!(out, "<p>{from_text} to {to_text}: {alerts} alerts, {incidents} incidents.</p>");
    let _ = writeln!(out, "<p>Assumed: {}</p>", escape(assumed));
    table(&mut out, rules, outcome);
    out.push_str(
        "<p>Each bar is a day of UTC, as high as its alerts are many; charts have scales of their own.\
         <span class=\"key some\"></span>alerts<span class=\"key no\"></span>none</p>\n",
    );
    for (number, (rule, summary)) in rules.iter().zip(&outcome.summaries).enumerate() {
        let end = format!("_{}", rule_id(rule));
        let own = per_day(outcome.alerts.iter().filter(|alert| alert.alert_type.ends_with(&end)));
        let _ = writeln!(
            out,
            "<section aria-labelledby=\"rule{number}\">\n<h2 id=\"rule{number}\">{}</h2>",
            escape(rule.title())
        );
        let _ = writeln!(
            out,
            "<p>{} runs, {} suppressed, {} alerts, {} incidents</p>",
            summary.runs, summary.suppressed, summary.alerts, summary.incidents
        );
        let chart = Chart { title: rule.title(), number, days: &own, first: from - from.rem_euclid(TICKS_PER_DAY), to };
        chart.draw(&mut out);
        chart.list(&mut out);
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Writes the numbers of each rule, with a link to its chart.
fn table(out: &mut String, rules: &[Rule], outcome: &Outcome) {
    // What is too wide for a telephone is moved by keys too, once it has the focus.
    out.push_str("<div class=\"wide\" role=\"region\" aria-label=\"What each rule did\" tabindex=\"0\">\n<table>\n");
    out.push_str("<caption>What each rule did</caption>\n<thead><tr><th scope=\"col\">rule</th>");
    for head in ["runs", "fired", "suppressed", "alerts", "incidents"] {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (number, (rule, summary)) in rules.iter().zip(&outcome.summaries).enumerate() {
        let _ = write!(out, "<tr><th scope=\"row\"><a href=\"#rule{number}\">{}</a></th>", escape(rule.title()));
        for count in [summary.runs, summary.fired, summary.suppressed, summary.alerts, summary.incidents] {
            let _ = write!(out, "<td>{count}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// The alerts of a rule, day by day.
struct Chart<'a> {
    title: &'a str,
    /// Which of the page's charts it is.
    number: usize,
    days: &'a BTreeMap<i64, u64>,
    /// The first day and the last moment, in ticks.
    first: i64,
    to: i64,
}

impl Chart<'_> {
    fn count(&self) -> i64 {
        (self.to.saturating_sub(self.first) / TICKS_PER_DAY + 1).clamp(1, 10_000)
    }

    fn date(&self, day: i64) -> String {
        let date = ticks::format_datetime(self.first + day * TICKS_PER_DAY);
        date.get(..10).unwrap_or(&date).to_string()
    }

    /// Draws a bar for each day; each tells its day and number where somebody points at it.
    fn draw(&self, out: &mut String) {
        let Chart { number, days, .. } = self;
        let count = self.count();
        let most = days.values().copied().max().unwrap_or(0);
        let _ = writeln!(
            out,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"title{number} about{number}\">\n\
             <title id=\"title{number}\">Alerts of {} by day</title>\n<desc id=\"about{number}\">{}</desc>",
            escape(self.title),
            self.about(most)
        );
        self.axes(out, most);
        let step = (WIDTH - LEFT) / count as f64;
        for day in 0..count {
            let alerts = days.get(&(self.first + day * TICKS_PER_DAY)).copied().unwrap_or(0);
            let height = (PLOT * alerts as f64 / most.max(1) as f64).max(1.0);
            let class = if alerts == 0 { " class=\"none\"" } else { "" };
            let _ = writeln!(
                out,
                "<rect{class} x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>{}: {alerts}</title></rect>",
                LEFT + step * day as f64,
                TOP + PLOT - height,
                (step * 0.85).max(0.2),
                self.date(day),
            );
        }
        out.push_str("</svg>\n");
    }

    /// Lists the days that have alerts, for those who do not point at bars.
    fn list(&self, out: &mut String) {
        let days: Vec<_> = self.days.iter().filter(|(_, alerts)| **alerts > 0).collect();
        if days.is_empty() {
            return;
        }
        out.push_str("<details><summary>Numbers by day</summary>\n<table>\n<thead><tr><th scope=\"col\">day</th>");
        out.push_str("<th scope=\"col\">alerts</th></tr></thead>\n<tbody>\n");
        for (day, alerts) in days {
            let date = ticks::format_datetime(*day);
            let date = date.get(..10).unwrap_or(&date);
            let _ = writeln!(out, "<tr><th scope=\"row\">{date}</th><td>{alerts}</td></tr>");
        }
        out.push_str("</tbody>\n</table>\n</details>\n");
    }

    /// Says in words what the chart shows.
    fn about(&self, most: u64) -> String {
        let days = self.days.values().filter(|alerts| **alerts > 0).count();
        let (first, last) = (self.date(0), self.date(self.count() - 1));
        let sum: u64 = self.days.values().sum();
        format!("{first} to {last}: {sum} alerts on {days} of {} days, {most} a day at most", self.count())
    }

    /// Draws the lines of none and of the most alerts with their numbers, and dates below.
    fn axes(&self, out: &mut String, most: u64) {
        for (alerts, y) in [(0, TOP + PLOT), (most, TOP)] {
            if alerts > 0 || y > TOP {
                let (end, text) = (LEFT - 6.0, y + 4.0);
                let _ = writeln!(
                    out,
                    "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/><text x=\"{end}\" y=\"{text}\" text-anchor=\"end\">{alerts}</text>"
                );
            }
        }
        let count = self.count();
        let every = (count + DATES - 1) / DATES;
        let step = (WIDTH - LEFT) / count as f64;
        let shown = (0..count).step_by(usize::try_from(every).unwrap_or(1));
        for day in shown {
            // The last would reach beyond the chart: it ends below its bar.
            let x = LEFT + step * day as f64;
            let (x, anchor) = if x > WIDTH - 70.0 { (WIDTH, "end") } else { (x, "start") };
            let y = TOP + PLOT + 15.0;
            let _ = writeln!(out, "<text x=\"{x:.2}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", self.date(day));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(days: &[(i64, u64)], count: i64) -> String {
        let mut out = String::new();
        let from = ticks::parse_datetime("2026-01-01T10:00:00Z").unwrap();
        let first = from - from.rem_euclid(TICKS_PER_DAY);
        let days = days.iter().map(|(day, alerts)| (first + day * TICKS_PER_DAY, *alerts)).collect();
        let to = from + (count - 1) * TICKS_PER_DAY;
        Chart { title: "a <b>", number: 3, days: &days, first, to }.draw(&mut out);
        out
    }

    #[test]
    fn a_chart_has_a_bar_for_each_day() {
        let out = drawn(&[(1, 4)], 3);
        assert_eq!(out.matches("<rect").count(), 3);
        assert!(out.contains("<title>2026-01-02: 4</title>") && out.contains("<title>2026-01-03: 0</title>"), "{out}");
        assert!(!out.contains("NaN"));
    }

    #[test]
    fn a_chart_is_a_list_too_of_the_days_that_have_alerts() {
        let mut out = String::new();
        let first = ticks::parse_datetime("2026-01-01").unwrap();
        let days = BTreeMap::from([(first + TICKS_PER_DAY, 4)]);
        let chart = |days| Chart { title: "a", number: 0, days, first, to: first + 9 * TICKS_PER_DAY };
        chart(&days).list(&mut out);
        assert!(out.contains("<tr><th scope=\"row\">2026-01-02</th><td>4</td></tr>"), "{out}");
        assert_eq!(out.matches("<tr>").count(), 2, "{out}");
        let mut none = String::new();
        chart(&BTreeMap::new()).list(&mut none);
        assert_eq!(none, "");
    }

    #[test]
    fn a_chart_says_what_it_shows_in_words_and_at_its_axes() {
        let out = drawn(&[(1, 4), (2, 1)], 30);
        assert!(out.contains("<title id=\"title3\">Alerts of a &lt;b&gt; by day</title>"), "{out}");
        assert!(out.contains("2026-01-01 to 2026-01-30: 5 alerts on 2 of 30 days, 4 a day at most</desc>"), "{out}");
        assert!(out.contains("text-anchor=\"end\">4</text>") && out.contains("text-anchor=\"end\">0</text>"), "{out}");
        let dates = out.matches(">2026-01-").count() - out.matches("<title>2026-01-").count();
        assert!((4..=7).contains(&dates), "{dates} dates");
        let quiet = drawn(&[], 1);
        assert!(quiet.contains("0 alerts on 0 of 1 days") && quiet.matches("<line").count() == 1, "{quiet}");
    }
}

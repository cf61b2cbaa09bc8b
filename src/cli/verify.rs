//! `alertq verify`: incidents and alerts as they are against incidents and alerts as they should be.

mod delivery;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::console::Console;
use super::creation::Creation;
use super::output::Output;
use super::rule_files::RuleFiles;
use super::stop::Stop;
use super::{Outcome, data, value};
use crate::diagnostic::render::junit::escape;
use crate::rules::delivery as of_list;
use crate::rules::incident::CreationRule;
use crate::rules::verify::{self, Difference, Kind, Period, Verdict};
use crate::rules::{Alert, Incident};
use crate::source;
use crate::types::{Column, ticks};

/// Holds the incidents of a workspace against those that its alerts should have made.
///
/// Takes exports of SecurityAlert and SecurityIncident and says which incidents are missing, which should not be there,
/// and which differ from their alert in title, severity, tactics or alerts, each with the reason. Looks at the first row
/// of each incident, and leaves out what Defender XDR and scheduled rules made. Ends with status 1 where it finds a
/// difference.
///
/// With --defender it takes Defender for Cloud's own list of alerts (its REST API, `az`, continuous export) and says what
/// the connector dropped, wrote twice, delayed or changed on the way into SecurityAlert.
///
/// In a workspace that is onboarded to the Defender portal these rules are off: Defender XDR makes the incidents there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq verify --alerts alerts.json --incidents incidents.json\n  \
    alertq verify --alerts alerts.json --incidents incidents.json --rules active-rules/\n  \
    alertq verify --alerts a.json --incidents i.json --from 2026-06-01 --to 2026-06-30\n  \
    alertq verify --alerts a.json --incidents i.json --format junit > report.xml\n  \
    alertq verify --alerts a.json --incidents i.json --create-incidents all \\\n    \
      --assume closed-alerts=skip\n  \
    alertq verify --alerts alerts.json --defender defender.json --max-delay 15m")]
pub(super) struct Arguments {
    /// Reads alerts (SecurityAlert) from a file, a folder or a glob; may be given several times.
    #[arg(long, value_name = "PATH", required = true)]
    alerts: Vec<PathBuf>,
    /// Reads incidents (SecurityIncident) from a file, a folder or a glob; may be given several times.
    #[arg(long, value_name = "PATH", required_unless_present = "defender")]
    incidents: Vec<PathBuf>,
    /// Reads Defender for Cloud's own list of alerts from a file, a folder or a glob; may be given several times.
    #[arg(long, value_name = "PATH")]
    defender: Vec<PathBuf>,
    /// Calls an alert delayed that was recorded so long after Defender had made it: 15m, 1h.
    #[arg(long, value_name = "DURATION", requires = "defender", value_parser = value::duration)]
    max_delay: Option<i64>,
    /// Reads the rules that are on under Active rules from a file or a folder; may be given several times.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    creation: Creation,
    /// Leaves out alerts that were recorded and incidents that were created before.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    from: Option<i64>,
    /// Leaves out alerts that were recorded and incidents that were created after.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    to: Option<i64>,
    #[arg(long, alias = "output-format", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    Json,
    Junit,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && to < from
    {
        return Err(Stop::failure("the period ends before it begins").help("--from must not be later than --to"));
    }
    let files = RuleFiles::read(&arguments.rules)?.of_one_workspace();
    files.tell(console);
    if files.is_faulty() {
        return Err(Stop::failure("a rule cannot be read").help("mend what is told of it: what it makes is not known"));
    }
    let rules = arguments.creation.rules(&files)?;
    let period = Period { from: arguments.from, to: arguments.to };
    let options = verify::Options { assumptions: arguments.creation.assumptions()?, period };
    let alerts = rows("SecurityAlert", &arguments.alerts, Alert::read, console)?;
    let mut reports: Vec<Box<dyn Report>> = Vec::new();
    if !arguments.defender.is_empty() {
        let list = rows("SecurityAlert", &arguments.defender, Alert::read, console)?;
        let verdict = of_list::compare(&list, &alerts, &of_list::Options { period, most_delay: arguments.max_delay });
        reports.push(Box::new(verdict));
    }
    if !arguments.incidents.is_empty() {
        let incidents = rows("SecurityIncident", &arguments.incidents, Incident::read, console)?;
        let verdict = verify::verify(&alerts, &incidents, &rules, &options);
        if verdict.of_xdr > 0 {
            console.warning(&format!(
                "{} incidents were made by Defender XDR: where it makes incidents, rules of this kind are off",
                verdict.of_xdr
            ));
        }
        reports.push(Box::new(OfIncidents { verdict, rules: &rules, options: &options }));
    }
    let text = match arguments.format {
        Format::Text => reports.iter().map(|report| report.text()).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let all = reports.iter().flat_map(|report| report.json()).collect::<serde_json::Map<_, _>>();
            format!("{}\n", Json::Object(all))
        }
        Format::Junit => junit(&reports),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(if reports.iter().all(|report| report.is_clean()) { Outcome::Clean } else { Outcome::Found })
}

/// Reads the rows of a table from files; of a folder those files that hold it.
fn rows<T>(
    table: &str,
    paths: &[PathBuf],
    read: impl Fn(&[Column], &RecordBatch) -> Vec<T>,
    console: &Console,
) -> Result<Vec<T>, Stop> {
    let open = |name: Option<&str>, path: &Path| {
        let path = path.to_string_lossy().into_owned();
        source::open_all(&[(name.map(str::to_string), path)], &source::Options::default()).map_err(data::unreadable)
    };
    let mut all = Vec::new();
    for path in paths {
        let mut tables = open(None, path)?;
        if tables.len() > 1 {
            tables.retain(|found| found.name == table);
        }
        if let [found] = &tables[..]
            && found.name != table
        {
            if crate::catalog::tables::TableInfo::find(&found.name).is_some() {
                let message = format!("{}: these are rows of {}, not of {table}", path.display(), found.name);
                return Err(Stop::failure(message));
            }
            tables = open(Some(table), path)?;
        }
        let [found] = &tables[..] else {
            return Err(Stop::failure(format!("{}: no file there holds rows of {table}", path.display())));
        };
        found.warnings().iter().for_each(|warning| console.warning(warning));
        let mut batches = found.read();
        let columns = batches.columns().to_vec();
        for batch in &mut batches {
            all.extend(read(&columns, &batch.map_err(data::unreadable)?));
        }
    }
    Ok(all)
}

/// What one comparison has to say.
trait Report {
    fn is_clean(&self) -> bool;
    fn text(&self) -> String;
    fn json(&self) -> serde_json::Map<String, Json>;
    /// The name of its suite, and one case for each way to be wrong, with what is: the names stay the same from run to run.
    fn cases(&self) -> (&'static str, Vec<Case>);
}

struct Case {
    name: &'static str,
    /// `3 missing`, and the lines about them.
    failure: Option<(String, String)>,
}

fn junit(reports: &[Box<dyn Report + '_>]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (suite, cases) in reports.iter().map(|report| report.cases()) {
        let failures = cases.iter().filter(|case| case.failure.is_some()).count();
        let tests = cases.len();
        let _ = writeln!(out, "  <testsuite name=\"{suite}\" tests=\"{tests}\" failures=\"{failures}\">");
        let class = suite.replace(' ', ".");
        for Case { name, failure } in cases {
            let Some((message, lines)) = failure else {
                let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\"/>");
                continue;
            };
            let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\">");
            let _ = writeln!(out, "      <failure message=\"{message}\">{}</failure>", escape(&lines));
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

struct OfIncidents<'a> {
    verdict: Verdict,
    rules: &'a [CreationRule],
    options: &'a verify::Options,
}

impl Report for OfIncidents<'_> {
    fn is_clean(&self) -> bool {
        self.verdict.differences.is_empty()
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for difference in &self.verdict.differences {
            out.push_str(&shown(difference));
        }
        let Verdict { alerts, expected, found, left_out, outside, differences, .. } = &self.verdict;
        let _ = writeln!(out, "{alerts} alerts should make {expected} incidents; {found} are there");
        let _ = writeln!(out, "left out: {left_out} incidents of other origin, {outside} outside the period");
        if self.verdict.without_first > 0 {
            let count = self.verdict.without_first;
            let _ = writeln!(out, "not compared field by field: {count} incidents whose first row is not here");
        }
        let names: Vec<_> = self.rules.iter().map(|rule| format!("'{}'", rule.name)).collect();
        let _ = writeln!(out, "rules: {}", if names.is_empty() { "none".to_string() } else { names.join(", ") });
        let _ = writeln!(out, "assumed: {}", self.options.assumptions);
        let count = |kind| differences.iter().filter(|difference| difference.kind == kind).count();
        let (missing, unexpected) = (count(Kind::Missing), count(Kind::Unexpected));
        let _ = writeln!(out, "{missing} missing, {unexpected} unexpected, {} differ", count(Kind::Differs));
        out
    }

    fn json(&self) -> serde_json::Map<String, Json> {
        let Verdict { alerts, expected, found, left_out, of_xdr, without_first, outside, differences } = &self.verdict;
        let difference = |difference: &Difference| {
            json!({
                "kind": difference.kind.word(),
                "time": ticks::format_datetime(difference.time),
                "title": difference.title,
                "alert": difference.alert,
                "incident": difference.incident,
                "reason": difference.reason,
                "fields": difference.fields.iter().map(field).collect::<Vec<_>>(),
            })
        };
        let assumed = self.options.assumptions.answers().into_iter();
        let all = json!({
            "alerts": alerts,
            "expected": expected,
            "found": found,
            "left_out": left_out,
            "of_xdr": of_xdr,
            "without_first_row": without_first,
            "outside": outside,
            "rules": self.rules.iter().map(|rule| json!({"id": rule.id, "name": rule.name})).collect::<Vec<_>>(),
            "assumed": assumed.map(|(name, answer)| (name.to_string(), json!(answer))).collect::<serde_json::Map<_, _>>(),
            "differences": differences.iter().map(difference).collect::<Vec<_>>(),
        });
        all.as_object().cloned().unwrap_or_default()
    }

    fn cases(&self) -> (&'static str, Vec<Case>) {
        const CASES: [(Kind, &str); 3] = [
            (Kind::Missing, "every alert that a rule takes has its incident"),
            (Kind::Unexpected, "every incident is one that a rule makes"),
            (Kind::Differs, "every incident says what its alert says"),
        ];
        let case = |(kind, name): (Kind, &'static str)| {
            let word = if kind == Kind::Differs { "different" } else { kind.word() };
            let of: Vec<_> = self.verdict.differences.iter().filter(|difference| difference.kind == kind).collect();
            let lines = || of.iter().map(|difference| shown(difference)).collect();
            Case { name, failure: (!of.is_empty()).then(|| (format!("{} {word}", of.len()), lines())) }
        };
        ("alertq verify", CASES.into_iter().map(case).collect())
    }
}

fn field(field: &verify::Field) -> Json {
    json!({"name": field.name, "expected": field.expected, "found": field.found})
}

/// Shows a difference in a few lines.
fn shown(difference: &Difference) -> String {
    let Difference { kind, time, title, alert, incident, reason, fields } = difference;
    let incident = incident.map_or(String::new(), |number| format!(" incident {number}"));
    let mut out = format!("{}:{incident} '{title}' {}\n", kind.word(), ticks::format_datetime(*time));
    let _ = writeln!(out, "    alert {}: {reason}", if alert.is_empty() { "(none)" } else { alert });
    out.push_str(&shown_fields(fields));
    out
}

fn shown_fields(fields: &[verify::Field]) -> String {
    let line = |verify::Field { name, expected, found }: &verify::Field| {
        format!("    {name}: is '{found}', should be '{expected}'\n")
    };
    fields.iter().map(line).collect()
}

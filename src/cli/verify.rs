//! `alertq verify`: incidents as they are against incidents as they should be.

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
use crate::rules::incident::CreationRule;
use crate::rules::verify::{self, Difference, Kind, Verdict};
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
/// In a workspace that is onboarded to the Defender portal these rules are off: Defender XDR makes the incidents there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq verify --alerts alerts.json --incidents incidents.json\n  \
    alertq verify --alerts alerts.json --incidents incidents.json --rules active-rules/\n  \
    alertq verify --alerts exports/ --incidents exports/ --from 2026-06-01 --to 2026-06-30 --format junit\n  \
    alertq verify --alerts a.parquet --incidents i.parquet --create-incidents all --assume closed-alerts=skip")]
pub(super) struct Arguments {
    /// Reads alerts (SecurityAlert) from a file, a folder or a glob; may be given several times.
    #[arg(long, value_name = "PATH", required = true)]
    alerts: Vec<PathBuf>,
    /// Reads incidents (SecurityIncident) from a file, a folder or a glob; may be given several times.
    #[arg(long, value_name = "PATH", required = true)]
    incidents: Vec<PathBuf>,
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
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
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
    let files = RuleFiles::read(&arguments.rules)?;
    files.tell(console);
    if files.is_faulty() {
        return Err(Stop::failure("a rule file cannot be read"));
    }
    let rules = arguments.creation.rules(files.creation())?;
    let assumptions = arguments.creation.assumptions()?;
    let alerts = rows("SecurityAlert", &arguments.alerts, Alert::read)?;
    let incidents = rows("SecurityIncident", &arguments.incidents, Incident::read)?;
    let options = verify::Options { assumptions, from: arguments.from, to: arguments.to };
    let verdict = verify::verify(&alerts, &incidents, &rules, &options);
    if verdict.of_xdr > 0 {
        console.warning(&format!(
            "{} incidents were made by Defender XDR: where it makes incidents, rules of this kind are off",
            verdict.of_xdr
        ));
    }
    let report = Report { verdict: &verdict, rules: &rules, options: &options };
    let text = match arguments.format {
        Format::Text => report.text(),
        Format::Json => format!("{}\n", report.json()),
        Format::Junit => report.junit(),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    Ok(if verdict.differences.is_empty() { Outcome::Clean } else { Outcome::Found })
}

/// Reads the rows of a table from files; of a folder those files that hold it.
fn rows<T>(table: &str, paths: &[PathBuf], read: impl Fn(&[Column], &RecordBatch) -> Vec<T>) -> Result<Vec<T>, Stop> {
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
        let mut batches = found.read();
        let columns = batches.columns().to_vec();
        for batch in &mut batches {
            all.extend(read(&columns, &batch.map_err(data::unreadable)?));
        }
    }
    Ok(all)
}

struct Report<'a> {
    verdict: &'a Verdict,
    rules: &'a [CreationRule],
    options: &'a verify::Options,
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        for difference in &self.verdict.differences {
            out.push_str(&shown(difference));
        }
        let Verdict { alerts, expected, found, left_out, outside, differences, .. } = self.verdict;
        let _ = writeln!(out, "{alerts} alerts should make {expected} incidents; {found} are there");
        let _ = writeln!(out, "left out: {left_out} incidents of other origin, {outside} outside the period");
        let names: Vec<_> = self.rules.iter().map(|rule| format!("'{}'", rule.name)).collect();
        let _ = writeln!(out, "rules: {}", if names.is_empty() { "none".to_string() } else { names.join(", ") });
        let _ = writeln!(out, "assumed: {}", self.options.assumptions);
        let count = |kind| differences.iter().filter(|difference| difference.kind == kind).count();
        let (missing, unexpected) = (count(Kind::Missing), count(Kind::Unexpected));
        let _ = writeln!(out, "{missing} missing, {unexpected} unexpected, {} differ", count(Kind::Differs));
        out
    }

    fn json(&self) -> Json {
        let Verdict { alerts, expected, found, left_out, of_xdr, outside, differences } = self.verdict;
        let field =
            |field: &verify::Field| json!({"name": field.name, "expected": field.expected, "found": field.found});
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
        json!({
            "alerts": alerts,
            "expected": expected,
            "found": found,
            "left_out": left_out,
            "of_xdr": of_xdr,
            "outside": outside,
            "rules": self.rules.iter().map(|rule| json!({"id": rule.id, "name": rule.name})).collect::<Vec<_>>(),
            "assumed": assumed.map(|(name, answer)| (name.to_string(), json!(answer))).collect::<serde_json::Map<_, _>>(),
            "differences": differences.iter().map(difference).collect::<Vec<_>>(),
        })
    }

    /// One case for each way to be wrong, so that the names stay the same from run to run.
    fn junit(&self) -> String {
        const CASES: [(Kind, &str); 3] = [
            (Kind::Missing, "every alert that a rule takes has its incident"),
            (Kind::Unexpected, "every incident is one that a rule makes"),
            (Kind::Differs, "every incident says what its alert says"),
        ];
        let of = |kind: Kind| self.verdict.differences.iter().filter(move |difference| difference.kind == kind);
        let failures = CASES.iter().filter(|(kind, _)| of(*kind).next().is_some()).count();
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
        let _ = writeln!(out, "  <testsuite name=\"alertq verify\" tests=\"3\" failures=\"{failures}\">");
        for (kind, name) in CASES {
            let count = of(kind).count();
            if count == 0 {
                let _ = writeln!(out, "    <testcase classname=\"alertq.verify\" name=\"{name}\"/>");
                continue;
            }
            let _ = writeln!(out, "    <testcase classname=\"alertq.verify\" name=\"{name}\">");
            let all: String = of(kind).map(shown).collect();
            let message = format!("{count} {}", kind.word());
            let _ = writeln!(out, "      <failure message=\"{message}\">{}</failure>", escape(&all));
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n</testsuites>\n");
        out
    }
}

/// Shows a difference in a few lines.
fn shown(difference: &Difference) -> String {
    let Difference { kind, time, title, alert, incident, reason, fields } = difference;
    let incident = incident.map_or(String::new(), |number| format!(" incident {number}"));
    let mut out = format!("{}:{incident} '{title}' {}\n", kind.word(), ticks::format_datetime(*time));
    let _ = writeln!(out, "    alert {}: {reason}", if alert.is_empty() { "(none)" } else { alert });
    for verify::Field { name, expected, found } in fields {
        let _ = writeln!(out, "    {name}: is '{found}', should be '{expected}'");
    }
    out
}

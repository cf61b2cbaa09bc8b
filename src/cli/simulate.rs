//! `alertq simulate`: replays rules over recorded data.

mod page;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::config::Config;
use super::console::Console;
use super::convert::file_in;
use super::creation::Creation;
use super::data::Sources;
use super::interrupt::Scratch;
use super::output::Output;
use super::overwrite::{self, Wanted};
use super::replayed::{MEMORY, Replayed};
use super::rule_files::{ENDINGS, RuleFiles, no_rule};
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, input, value};
use crate::format::{Format as Written, Limits};
use crate::rules::incident::CreationRule;
use crate::rules::model::Kind;
use crate::rules::row::{self, Alert, Incident, Row};
use crate::rules::schedule::{Data, Timing};
use crate::rules::simulate::{self, Replay, Summary};
use crate::rules::{Rule, Workspace};
use crate::source::sample::BUILT_IN;
use crate::types::ticks;

/// Replays rules over a period of recorded data: the alerts and incidents that they would have made.
///
/// Scheduled rules run at --from and then as often as they say, up to --to; rules that run in near real time run every
/// minute. A query sees the moment as now() and the records of its period before it; alerts are written five minutes
/// later, as Sentinel does. Recorded alerts of connected products make incidents by the rules for that. Rules see what
/// is recorded, not what other rules raise here. A rule whose query fails stops there: Sentinel would try again, and
/// switch it off in the end. Ends with status 1 where a rule could not be replayed.
///
/// Long replays go through their period in stretches: the memory they need depends on how far the rules look back and
/// on what they raise.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq simulate --rules rules/ --data exports/ --from 2026-06-01 --to 2026-06-30\n  \
    alertq simulate --rules rule.yaml --data exports/ --from 2026-06-01 --to 2026-06-02 \\\n    \
      --out run/ &&\n    \
      alertq query --data run/ 'SecurityIncident | summarize count() by Severity'\n  \
    alertq simulate --from 2026-06-01 --to 2026-06-30 --create-incidents all --format json\n  \
    alertq simulate --rules rules/ --data exports/ --from 2026-06-01 --to 2026-06-30 \\\n    \
      --report report.html"
)]
pub(super) struct Arguments {
    /// Reads rules from a file or a folder; may be given several times. Default: the `rules` of alertq.toml.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    creation: Creation,
    /// The first moment.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    from: i64,
    /// The last moment.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    to: i64,
    /// Writes the tables SecurityAlert (what the rules raised) and SecurityIncident into this folder.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The form of the files in --out.
    #[arg(long, value_name = "FORMAT", default_value = "parquet", value_parser = PossibleValuesParser::new(OUT_FORMATS))]
    out_format: String,
    #[arg(long, alias = "output-format", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Writes a page with a chart of the alerts of each rule and day into this file.
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,
    /// The workspace's resource in Azure, for what rows say of it: /subscriptions/.../workspaces/NAME.
    #[arg(long, value_name = "RESOURCE", value_parser = value::workspace)]
    workspace: Option<String>,
    /// The workspace's GUID. Default: that of the recorded alerts.
    #[arg(long, value_name = "GUID", value_parser = value::guid)]
    workspace_id: Option<String>,
    /// Where the workspace's incidents are handled. In the Defender portal, Defender XDR makes those of connected products:
    /// rules for that are off, and closed incidents stay closed.
    #[arg(long, value_enum, value_name = "PORTAL", default_value_t = Portal::Azure)]
    portal: Portal,
    /// Defender XDR's incidents come into the workspace: it makes those of connected products, and rules for that are off.
    #[arg(long)]
    xdr_incidents: bool,
    /// The number of the first incident.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=i64::from(i32::MAX)))]
    first_incident: i64,
    /// Limits the memory that records and queries may use: `512MB`, `2GiB`.
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    memory_limit: Option<usize>,
    /// Runs so many rules at the same time. Default: one for each processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    Json,
}

/// The forms of files in --out.
const OUT_FORMATS: [&str; 4] = ["parquet", "jsonl", "csv", "json"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Portal {
    Azure,
    Defender,
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    if arguments.to < arguments.from {
        return Err(Stop::failure("the period ends before it begins").help("--from must not be later than --to"));
    }
    refuse_other_results(arguments)?;
    let config = Config::load(global.config.as_deref())?;
    let paths = if arguments.rules.is_empty() { &config.rules } else { &arguments.rules };
    refuse_overwrite(arguments, &config, paths)?;
    let files = RuleFiles::read(paths)?.of_one_workspace();
    files.tell(console);
    let creation = arguments.creation.rules(&files)?;
    let rules = files.rules();
    if rules.is_empty() && !files.is_faulty() && !arguments.rules.is_empty() {
        return Err(no_rule());
    }
    tell_limits(&rules, console);
    let _scratch = Scratch::new()?;
    let threads = arguments.threads.map(usize::from);
    let threads = threads.unwrap_or_else(value::processors);
    let mut data = data(arguments, &config, console, &rules, &creation, threads)?;
    let replay = Replay {
        rules: &rules,
        creation: &creation,
        workspace: workspace(arguments, &data),
        from: arguments.from,
        to: arguments.to,
        timing: Timing::Schedule,
        closings: Vec::new(),
        first_number: arguments.first_incident,
        threads,
    };
    if let Some((first, last)) = data.period().filter(|(first, last)| *last < arguments.from || arguments.to < *first) {
        let (first, last) = (ticks::format_datetime(first), ticks::format_datetime(last));
        console.warning(&format!("no record lies in the period: they are from {first} to {last}"));
    }
    let bar = console.progress(rules.len() as u64, "rules");
    let outcome = replay.replay(&mut data, &|done| bar.set_position(done as u64)).map_err(Stop::failure)?;
    bar.finish_and_clear();
    for (rule, summary) in rules.iter().zip(&outcome.summaries) {
        if let Some(failure) = &summary.failure {
            files.failed(rule, failure, console);
        }
    }
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| Stop::write(folder.display(), &error))?;
        let format = Written::from_name(&arguments.out_format).unwrap_or(Written::Parquet);
        write(folder, format, &outcome.alerts)?;
        write(folder, format, &outcome.incidents)?;
    }
    let report = Report { arguments, rules: &rules, creation: &creation, outcome: &outcome, data: &data };
    if let Some(path) = &arguments.report {
        let assumed = format!("{}{}", data.assumptions, report.ingestion());
        let mut output = Output::open(Some(path))?;
        output.text(&page::page(&rules, &outcome, arguments.from, arguments.to, &assumed))?;
        output.finish()?;
    }
    let text = match arguments.format {
        Format::Text => report.text(),
        Format::Json => format!("{}\n", report.json()),
    };
    let mut output = Output::stdout();
    output.text(&text)?;
    output.finish()?;
    let failed = files.is_faulty() || outcome.summaries.iter().any(|summary| summary.failure.is_some());
    Ok(if failed { Outcome::Found } else { Outcome::Clean })
}

/// Refuses a folder that has the tables in another form: who reads it would find each row twice.
fn refuse_other_results(arguments: &Arguments) -> Result<(), Stop> {
    let Some(folder) = &arguments.out else { return Ok(()) };
    let others = OUT_FORMATS.iter().filter(|name| **name != arguments.out_format);
    let tables = [Alert::TABLE, Incident::TABLE];
    let mut files =
        others.filter_map(|name| Written::from_name(name)).flat_map(|f| tables.map(|t| file_in(folder, t, f)));
    match files.find(|path| path.exists()) {
        Some(path) => Err(Stop::failure(format!("{} is of another replay", path.display()))
            .help("name another folder with --out, or remove the file: its rows would be there twice")),
        None => Ok(()),
    }
}

/// Refuses results over the records and rules that they are made of.
fn refuse_overwrite(arguments: &Arguments, config: &Config, rules: &[PathBuf]) -> Result<(), Stop> {
    let format = Written::from_name(&arguments.out_format).unwrap_or(Written::Parquet);
    let tables = [Alert::TABLE, Incident::TABLE];
    let out: Vec<PathBuf> =
        arguments.out.iter().flat_map(|folder| tables.map(|table| file_in(folder, table, format))).collect();
    let out = out.iter().map(|path| ("--out", path.as_path()));
    let report = arguments.report.iter().map(|path| ("--report", path.as_path()));
    let results: Vec<Wanted> = out.chain(report).collect();
    let rules = input::files(rules, &ENDINGS)?;
    overwrite::refuse(&results, arguments.given.paths(config).chain(rules))
}

/// Rules of a kind that a workspace runs at most (documented).
const MOST: [(Kind, usize); 2] = [(Kind::Scheduled, 512), (Kind::NearRealTime, 50)];

/// Says where there are more rules than a workspace runs.
fn tell_limits(rules: &[Rule], console: &Console) {
    for (kind, most) in MOST {
        let count = rules.iter().filter(|rule| rule.is_enabled() && rule.kind() == kind).count();
        if count > most {
            let word = kind.word();
            console.warning(&format!("{count} rules of kind {word} are enabled: a workspace runs {most} at most"));
        }
    }
}

/// Opens what the rules run over.
fn data(
    arguments: &Arguments,
    config: &Config,
    console: &Console,
    rules: &[Rule],
    creation: &[CreationRule],
    threads: usize,
) -> Result<Data, Stop> {
    let sources = Sources::new(&arguments.given, config)?;
    let mut text: String = rules.iter().filter_map(Rule::query).map(|query| format!("{}\n", query.text)).collect();
    if !creation.is_empty() {
        text.push_str("SecurityAlert\n");
    }
    let opened = sources.open(&text)?;
    for warning in opened.warnings() {
        console.warning(&warning);
    }
    if sources.is_empty() {
        console.note(&format!("no --data was given: the rules run over {BUILT_IN}"));
    }
    let replayed = Replayed {
        opened: &opened,
        rules,
        recorded: simulate::recorded(creation, &opened.catalog),
        now: arguments.from,
        memory: arguments.memory_limit.or(config.memory_limit).unwrap_or(MEMORY),
        threads,
        assumptions: arguments.creation.assumptions()?,
    };
    replayed.data()
}

/// Returns the workspace that rows are written for.
fn workspace(arguments: &Arguments, data: &Data) -> Workspace {
    let recorded = || data.first_text("SecurityAlert", "TenantId");
    let default = Workspace::default();
    let id = arguments.workspace_id.clone().or_else(recorded);
    let resource = arguments.workspace.clone().unwrap_or_default();
    Workspace {
        id: id.unwrap_or(default.id),
        resource: resource.trim_end_matches('/').to_string(),
        in_defender_portal: arguments.portal == Portal::Defender,
        xdr_incidents: arguments.xdr_incidents,
    }
}

fn write<R: Row>(folder: &Path, format: Written, rows: &[R]) -> Result<(), Stop> {
    let path = file_in(folder, R::TABLE, format);
    let mut output = Output::open(Some(&path))?;
    let name = output.name();
    let failed = |error: std::io::Error| Stop::write(&name, &error);
    let (columns, batch) = row::batch(rows);
    let mut writer = format.writer(Box::new(&mut output), Limits { rows: usize::MAX, ..Limits::default() });
    writer.begin(R::TABLE, &columns).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.finish().map_err(failed)?;
    drop(writer);
    output.finish()
}

struct Report<'a> {
    arguments: &'a Arguments,
    rules: &'a [Rule],
    creation: &'a [CreationRule],
    outcome: &'a simulate::Outcome,
    data: &'a Data,
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING);
        table.set_header([
            "rule",
            "runs",
            "fired",
            "suppressed",
            "alerts",
            "incidents",
            "rows read",
            "noisiest entity",
        ]);
        for (rule, summary) in self.rules.iter().zip(&self.outcome.summaries) {
            let Summary { runs, suppressed, fired, alerts, incidents, rows_scanned, noisiest, .. } = summary;
            let counts = [runs, fired, suppressed, alerts, incidents, rows_scanned];
            let mut row = vec![rule.title().to_string()];
            row.extend(counts.map(ToString::to_string));
            row.push(match (note(rule, summary), noisiest.first()) {
                (Some(note), _) => note.to_string(),
                (None, Some((entity, count))) => format!("{entity} ({count})"),
                (None, None) => String::new(),
            });
            table.add_row(row);
        }
        let mut out = String::new();
        if !self.rules.is_empty() {
            let _ = writeln!(out, "{table}\n");
        }
        let (alerts, incidents) = (self.outcome.alerts.len(), self.incidents());
        let rows = self.outcome.incidents.len();
        let _ = writeln!(out, "{alerts} alerts raised; {incidents} incidents, {rows} rows of SecurityIncident");
        let runs: u64 = self.outcome.summaries.iter().map(|summary| summary.runs).sum();
        let _ = writeln!(out, "{} records, {runs} runs", self.data.records());
        let names: Vec<_> = self.creation.iter().map(|rule| format!("'{}'", rule.name)).collect();
        let names = match (self.arguments.portal, self.arguments.xdr_incidents) {
            (Portal::Defender, _) => "none: Defender XDR makes them in its portal".to_string(),
            (Portal::Azure, true) => "none: Defender XDR makes them".to_string(),
            (Portal::Azure, false) if names.is_empty() => "none".to_string(),
            (Portal::Azure, false) => names.join(", "),
        };
        let _ = writeln!(out, "incidents of recorded alerts by: {names}");
        let _ = writeln!(out, "assumed: {}{}", self.data.assumptions, self.ingestion());
        let left = self.left_out();
        if !left.is_empty() {
            let _ = writeln!(out, "not replayed: {}", left.join("; "));
        }
        out
    }

    /// Names what Sentinel does and no replay shows, as far as these rules have to do with it.
    fn left_out(&self) -> Vec<String> {
        let mut left = Vec::new();
        let kept: BTreeSet<&str> =
            self.rules.iter().filter(|rule| is_kept_by_microsoft(rule.kind())).map(|rule| rule.kind().word()).collect();
        left.extend(kept.into_iter().map(|kind| format!("rules of kind {kind}")));
        if self.outcome.summaries.iter().any(|summary| summary.failure.is_some()) {
            left.push(
                "retries of failed runs, and the switching off (AUTO DISABLED) of rules that keep failing".to_string(),
            );
        }
        left
    }

    /// Says what stands for the times of ingestion where the records do not tell them.
    fn ingestion(&self) -> &'static str {
        let near_real_time = self.rules.iter().any(|rule| rule.kind() == Kind::NearRealTime);
        if near_real_time && !self.data.knows_ingestion() { " ingestion=TimeGenerated" } else { "" }
    }

    fn incidents(&self) -> usize {
        self.outcome.incidents.iter().filter(|row| row.first_modified.is_none()).count()
    }

    fn json(&self) -> Json {
        let rule = |(rule, summary): (&Rule, &Summary)| {
            json!({
                "rule": rule.title(),
                "kind": rule.kind().word(),
                "runs": summary.runs,
                "fired": summary.fired,
                "suppressed": summary.suppressed,
                "alerts": summary.alerts,
                "incidents": summary.incidents,
                "rows_scanned": summary.rows_scanned,
                "noisiest": summary.noisiest.iter().map(|(e, n)| json!({"entity": e, "alerts": n})).collect::<Vec<_>>(),
                "note": note(rule, summary),
            })
        };
        let assumed =
            self.data.assumptions.answers().into_iter().map(|(name, answer)| (name.to_string(), json!(answer)));
        let mut assumed: serde_json::Map<_, _> = assumed.collect();
        if !self.ingestion().is_empty() {
            assumed.insert("ingestion".into(), json!("TimeGenerated"));
        }
        json!({
            "from": ticks::format_datetime(self.arguments.from),
            "to": ticks::format_datetime(self.arguments.to),
            "rules": self.rules.iter().zip(&self.outcome.summaries).map(rule).collect::<Vec<_>>(),
            "creation_rules": self.creation.iter().map(|rule| json!({"id": rule.id, "name": rule.name})).collect::<Vec<_>>(),
            "xdr_incidents": self.arguments.xdr_incidents,
            "portal": self.arguments.portal.to_possible_value().map(|value| value.get_name().to_string()),
            "records_read": self.data.records(),
            "alerts": self.outcome.alerts.len(),
            "incidents": self.incidents(),
            "assumed": assumed,
            "not_replayed": self.left_out(),
        })
    }
}

fn never_runs(rule: &Rule) -> bool {
    rule.schedule().and_then(|schedule| schedule.frequency).is_some_and(|frequency| frequency.value.ticks() == 0)
}

/// Says why a rule did nothing.
fn note(rule: &Rule, summary: &Summary) -> Option<&'static str> {
    match rule.kind() {
        _ if summary.failure.is_some() => Some("could not be replayed to the end"),
        _ if !rule.is_enabled() => Some("disabled"),
        Kind::Scheduled if summary.runs == 0 && never_runs(rule) => Some("never runs: its queryFrequency is nothing"),
        Kind::Scheduled | Kind::NearRealTime => None,
        Kind::IncidentCreation => Some("makes incidents of recorded alerts"),
        Kind::Hunting => Some("a query for people: raises nothing"),
        Kind::Fusion | Kind::BehaviorAnalytics | Kind::ThreatIntelligence | Kind::Anomaly => {
            Some("Microsoft keeps what it does: not replayed")
        }
    }
}

fn is_kept_by_microsoft(kind: Kind) -> bool {
    matches!(kind, Kind::Fusion | Kind::BehaviorAnalytics | Kind::ThreatIntelligence | Kind::Anomaly)
}

//! `alertq fetch log-analytics`: tables of a workspace over a long time.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::session::Session;
use crate::cli::interrupt::Scratch;
use crate::cli::output::Output;
use crate::cli::stop::Stop;
use crate::cli::{Outcome, input, value};
use crate::fetch::{Job, Piece, Subject, Summary};
use crate::syntax::{self, ast};
use crate::types::ticks;

/// Downloads tables of a Log Analytics workspace as Parquet, a folder for each.
///
/// The query API cuts long answers off. The time is therefore counted first and asked for in windows that an answer
/// holds; a window that turns out too large is halved. Nothing is shown before everything is there and its number of
/// rows is what the workspace counts. Records are taken once they were ingested --settle ago; run the same command again
/// for those that came since, late ones as well.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq fetch log-analytics --workspace 5f3c1a52-0000-4000-8000-000000000001 \\\n    \
      --from 2026-01-01 --out logs/\n  \
    alertq fetch log-analytics -w prod --from 2026-01-01 --to 2026-02-01 --out logs/\n  \
    alertq fetch log-analytics -w prod --table SigninLogs --table AuditLogs \\\n    \
      --from 2026-01-01 --out logs/\n  \
    alertq fetch log-analytics -w prod --query 'SigninLogs | where ResultType != 0' \\\n    \
      --from 2026-01-01 --out logs/\n  \
    alertq fetch log-analytics -w prod --from 2026-01-01 --dry-run\n  \
    alertq query 'SecurityAlert | count' --data logs/"
)]
pub(super) struct Arguments {
    /// The workspace: its id, which is a GUID, or its name in alertq.toml.
    #[arg(long, short, value_name = "ID")]
    workspace: String,
    /// A table, any of the workspace's; may be given several times. Default: SecurityAlert.
    #[arg(long, value_name = "TABLE", conflicts_with = "query")]
    table: Vec<String>,
    /// A query in place of a table. It may choose and change the rows of one table, each by itself: `where`, `extend`,
    /// `project`, `parse` ...
    #[arg(long, value_name = "KQL")]
    query: Option<String>,
    /// The column that windows are cut by.
    #[arg(long, value_name = "COLUMN", default_value = "TimeGenerated")]
    time_column: String,
    /// The first moment of TimeGenerated, inclusive.
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    from: i64,
    /// The last moment, exclusive. Without it the end is open: all that the service has by its own clock.
    #[arg(long, value_name = "TIME", value_parser = end)]
    to: Option<i64>,
    /// The folder to write to; it gets a folder for each table.
    #[arg(long, short, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Shows the windows that would be asked for as JSON lines, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Goes on fetching what is new, each time after this time.
    #[arg(long, value_name = "TIMESPAN", num_args = 0..=1, default_missing_value = "5m", value_parser = length)]
    follow: Option<i64>,
    /// Rows that a window should hold. The service gives no more than 500,000 for a question, and no more than 64 MB.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=500_000))]
    window_rows: u64,
    /// Takes records that were ingested so long ago: until then others may turn up that were ingested before them.
    #[arg(long, value_name = "TIMESPAN", default_value = "5m", value_parser = length)]
    settle: i64,
}

/// Reads the end of a download, which is part of what it is: it does not move with the clock.
fn end(text: &str) -> Result<i64, String> {
    match text.trim_end_matches("()").eq_ignore_ascii_case("now") {
        true => Err("leave --to out: the end is then what the service has when it is asked".to_string()),
        false => value::instant(text),
    }
}

fn length(text: &str) -> Result<i64, String> {
    let length = ticks::parse_timespan(text).filter(|length| *length >= 0);
    length.ok_or_else(|| format!("'{text}' is no length of time; say for example 5m or 1h"))
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Outcome, Stop> {
    if arguments.to.is_some_and(|to| to <= arguments.from) {
        return Err(Stop::failure("--to does not lie behind --from"));
    }
    let subjects = subjects(arguments)?;
    let _scratch = Scratch::new()?;
    if arguments.dry_run {
        return dry_run(arguments, session, subjects);
    }
    let out = arguments.out.clone().unwrap_or_default();
    loop {
        let mut tells = true;
        for subject in &subjects {
            let folder = out.join(folder_name(&subject.name));
            std::fs::create_dir_all(&folder).map_err(|error| Stop::write(folder.display(), &error))?;
            let logs = session.logs(&arguments.workspace, &folder)?;
            let job = job(arguments, &logs, subject.clone(), folder);
            let summary = session.wait(job.run())?;
            tell(session, &job, summary);
            tells &= summary.until.is_some();
        }
        match arguments.follow {
            Some(_) if !tells => {
                let why = "--follow goes by when records were ingested, and the service does not tell";
                return Err(
                    Stop::failure(why).help("what there is has been fetched; give another folder for what comes")
                );
            }
            Some(pause) => session.sleep(pause),
            None => return Ok(Outcome::Clean),
        }
    }
}

fn job<'a>(arguments: &Arguments, logs: &'a crate::fetch::Logs, subject: Subject, folder: PathBuf) -> Job<'a> {
    let Arguments { from, to, window_rows, settle, .. } = *arguments;
    Job { logs, subject, from, to, folder, window_rows, settle }
}

/// Names a table's folder: nothing in the name may lead out of the other.
fn folder_name(table: &str) -> String {
    table.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

fn tell(session: &Session, job: &Job, summary: Summary) {
    let Summary { new_rows, rows, until } = summary;
    let until =
        until.map_or(String::new(), |until| format!(", all that was ingested until {}", ticks::format_datetime(until)));
    session.console.note(&format!("{}: {new_rows} new rows, {rows} in all{until}", job.folder.display()));
}

fn dry_run(arguments: &Arguments, session: &Session, subjects: Vec<Subject>) -> Result<Outcome, Stop> {
    let mut output = Output::stdout();
    for subject in subjects {
        let name = subject.name.clone();
        let logs = session.logs(&arguments.workspace, &tempfile::env::temp_dir())?;
        let windows = session.wait(job(arguments, &logs, subject, PathBuf::new()).dry_run())?;
        for Piece { from, to, bucket, rows, .. } in &windows {
            let (from, to) = (ticks::format_datetime(*from), ticks::format_datetime(*to));
            output.text(&format!(
                "{}\n",
                json!({"table": name, "from": from, "to": to, "bucket": bucket, "rows": rows})
            ))?;
        }
        let rows: u64 = windows.iter().map(|piece| piece.rows).sum();
        session.console.note(&format!("{name}: {rows} rows in {} windows", windows.len()));
    }
    output.finish()?;
    Ok(Outcome::Clean)
}

fn subjects(arguments: &Arguments) -> Result<Vec<Subject>, Stop> {
    let subjects = match &arguments.query {
        Some(query) => vec![subject(query)?],
        None if arguments.table.is_empty() => vec![Subject::of_table("SecurityAlert")],
        None => arguments.table.iter().map(|table| Subject::of_table(table)).collect(),
    };
    Ok(subjects.into_iter().map(|subject| subject.by_time(&arguments.time_column)).collect())
}

/// Takes a query apart into its table and what becomes of each row.
///
/// A query that looks at several rows would give one answer for each window: it is refused.
fn subject(text: &str) -> Result<Subject, Stop> {
    let input = || input::Input { name: "<query>".to_string(), text: text.to_string() };
    let parsed = syntax::parse(text);
    if !parsed.problems.is_empty() {
        let input::Input { name: path, text } = input();
        return Err(Stop::Problems { path, text, problems: parsed.problems });
    }
    let refused = |why: String| {
        Stop::failure(format!("the query cannot be fetched in windows: {why}"))
            .help("fetch the table, and run the query over the files: alertq query --data DIR")
    };
    let [ast::Statement { kind: ast::StatementKind::Expr(expr), .. }] = parsed.query.statements.as_slice() else {
        return Err(refused("it is more than one statement".to_string()));
    };
    let (table, operators) = match &expr.kind {
        ast::ExprKind::Pipeline { source, operators } => (&**source, operators.as_slice()),
        _ => (expr, &[][..]),
    };
    let ast::ExprKind::Name(name) = &table.kind else {
        return Err(refused("it does not begin with the name of a table".to_string()));
    };
    for operator in operators {
        let words = text.get(operator.span.start..operator.span.end).unwrap_or_default();
        let word = words.split_whitespace().next().unwrap_or_default();
        if !by_row(&operator.kind) {
            return Err(refused(format!("`{word}` looks at more than one row")));
        }
    }
    let subject = Subject::of_table(&name.text);
    let rest = text.get(table.span.end..).unwrap_or_default().trim().trim_end_matches(';').to_string();
    Ok(Subject { rest, ..subject })
}

/// Tells whether an operator makes at most one row of each row, whatever the others are.
fn by_row(operator: &ast::OperatorKind) -> bool {
    use ast::OperatorKind as Kind;
    matches!(
        operator,
        Kind::Where { .. }
            | Kind::Extend { .. }
            | Kind::Project { .. }
            | Kind::ProjectAway { .. }
            | Kind::ProjectRename { .. }
            | Kind::ProjectReorder { .. }
            | Kind::Parse(_)
            | Kind::ParseKv { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_come_apart_into_table_and_rest() {
        let of = |text| subject(text).map(|subject| (subject.table, subject.rest)).map_err(|stop| format!("{stop:?}"));
        let parts = |table: &str, rest: &str| Ok((table.to_string(), rest.to_string()));
        assert_eq!(of("SecurityAlert"), parts("SecurityAlert", ""));
        assert_eq!(
            of("T | where a > 1 | project TimeGenerated, a;"),
            parts("T", "| where a > 1 | project TimeGenerated, a")
        );
        for (text, part) in [
            ("T | summarize count()", "`summarize` looks at more than one row"),
            ("T | take 5", "`take` looks at"),
            ("let a = 1; T | where b == a", "more than one statement"),
            ("union T, U", "does not begin with the name"),
        ] {
            assert!(of(text).unwrap_err().contains(part), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn folders_stay_in_theirs() {
        assert_eq!(folder_name("../x"), "---x");
    }
}

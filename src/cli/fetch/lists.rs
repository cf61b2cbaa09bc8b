//! `alertq fetch defender`, `incidents`, `rules`, `watchlists`: lists of Resource Manager's, as they are now.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::session::{Session, stop};
use crate::cli::Outcome;
use crate::cli::interrupt::Scratch;
use crate::cli::stop::Stop;
use crate::fetch::{self, Manager, Watchlist, Workspace, defender, write_records, write_whole, write_with};

/// Downloads Defender for Cloud's alerts of subscriptions, as they are and as rows of SecurityAlert.
///
/// The rows are what the connector would write, as far as the API tells: the id of its own that the connector gives each
/// alert is not known. The API's own records lie in `_raw`. What an earlier run wrote is replaced.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  alertq fetch defender --subscription 5f3c1a52-0000-4000-8000-000000000002 --out defender/\n  \
                        alertq fetch defender -s prod -s test --out defender/\n  \
                        alertq query 'SecurityAlert | summarize count() by AlertSeverity' --data defender/"
)]
pub(super) struct Defender {
    /// A subscription: its id, or its name in alertq.toml; may be given several times.
    #[arg(long, short, value_name = "ID", required = true)]
    subscription: Vec<String>,
    /// The folder to write to.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
}

/// Where Sentinel is, and where its lists go.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The workspace: its resource id, or its name in alertq.toml.
    #[arg(long, short, value_name = "RESOURCE_ID")]
    workspace: String,
    /// The folder to write to.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
}

/// Downloads Sentinel's incidents as rows of SecurityIncident, each in its present state.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq fetch incidents --workspace prod --out incidents/\n  \
                        alertq query 'SecurityIncident | summarize count() by Status' --data incidents/")]
pub(super) struct Incidents {
    #[command(flatten)]
    place: Place,
    /// Does not ask for the alerts of each incident, which takes a request for each.
    #[arg(long)]
    no_alerts: bool,
}

/// Downloads Sentinel's analytics rules, a template of Resource Manager for each, as the portal exports them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq fetch rules --workspace prod --out rules/\n  alertq check rules/")]
pub(super) struct Rules {
    #[command(flatten)]
    place: Place,
}

/// Downloads Sentinel's watchlists, a CSV file for each, for `_GetWatchlist`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq fetch watchlists --workspace prod --out watchlists/\n  \
                        alertq query \"_GetWatchlist('Vips')\" --watchlist Vips=watchlists/Vips.csv")]
pub(super) struct Watchlists {
    #[command(flatten)]
    place: Place,
}

pub(super) fn defender(arguments: &Defender, session: &Session) -> Result<Outcome, Stop> {
    let _scratch = Scratch::new()?;
    let manager = manager(session, &arguments.out)?;
    for name in &arguments.subscription {
        let id = session.subscription(name)?;
        let mut alerts = session.wait(defender::alerts(&manager, &id))?;
        let rows = write_records(&arguments.out, &id, "SecurityAlert", &mut alerts).map_err(stop)?;
        session.console.note(&format!("subscription {id}: {rows} alerts"));
    }
    Ok(Outcome::Clean)
}

pub(super) fn incidents(arguments: &Incidents, session: &Session) -> Result<Outcome, Stop> {
    let _scratch = Scratch::new()?;
    let (manager, workspace) = arguments.place.open(session)?;
    let mut incidents = session.wait(workspace.incidents(&manager, !arguments.no_alerts))?;
    let out = &arguments.place.out;
    let rows = write_records(out, "SecurityIncident", "SecurityIncident", &mut incidents).map_err(stop)?;
    session.console.note(&format!("{}: {rows} incidents", out.display()));
    Ok(Outcome::Clean)
}

pub(super) fn rules(arguments: &Rules, session: &Session) -> Result<Outcome, Stop> {
    let _scratch = Scratch::new()?;
    let (manager, workspace) = arguments.place.open(session)?;
    let rules = session.wait(workspace.rules(&manager))?;
    let files = rules.iter().map(Workspace::file_of).collect::<Vec<_>>();
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    mirror(&arguments.place.out, names, &mut |file, out| {
        let template = files.get(file).map(|(_, template)| format!("{template:#}\n")).unwrap_or_default();
        out.write_all(template.as_bytes())
    })?;
    session.console.note(&format!("{}: {} rules", arguments.place.out.display(), rules.len()));
    Ok(Outcome::Clean)
}

pub(super) fn watchlists(arguments: &Watchlists, session: &Session) -> Result<Outcome, Stop> {
    let _scratch = Scratch::new()?;
    let (manager, workspace) = arguments.place.open(session)?;
    let mut lists = session.wait(workspace.watchlists(&manager))?;
    let names = lists.iter().map(|list| file_name(&list.alias)).collect();
    mirror(&arguments.place.out, names, &mut |file, out| match lists.get_mut(file) {
        Some(list) => csv(list, out),
        None => Ok(()),
    })?;
    for list in &lists {
        let path = arguments.place.out.join(file_name(&list.alias));
        let items = list.len();
        session.console.note(&format!("{items} items: --watchlist {}={}", list.alias, path.display()));
    }
    Ok(Outcome::Clean)
}

impl Place {
    fn open(&self, session: &Session) -> Result<(Manager, Workspace), Stop> {
        session.config.known_workspace(&self.workspace)?;
        let workspace = Workspace::new(&session.config.workspace_resource(&self.workspace)).map_err(stop)?;
        Ok((manager(session, &self.out)?, workspace))
    }
}

/// Opens Resource Manager once it is clear that there is a folder to write to.
fn manager(session: &Session, out: &Path) -> Result<Manager, Stop> {
    std::fs::create_dir_all(out).map_err(|error| Stop::write(out.display(), &error))?;
    Ok(session.manager())
}

/// The list of what a folder got, so that what is gone in the workspace goes there as well.
const MANIFEST: &str = "_fetch.json";

/// Writes files, and removes those of an earlier run that are no longer among them.
///
/// `write` writes the file of a number.
fn mirror(
    folder: &Path,
    names: Vec<String>,
    write: &mut dyn FnMut(usize, &mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Stop> {
    let manifest = folder.join(MANIFEST);
    let earlier: Vec<String> =
        std::fs::read(&manifest).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    for (number, name) in names.iter().enumerate() {
        let path = folder.join(name);
        write_with(&path, &mut |out| write(number, out).map_err(|error| fetch::Error::file(&path, &error)))
            .map_err(stop)?;
    }
    for gone in earlier.iter().filter(|name| !names.contains(name) && !name.contains(['/', '\\'])) {
        let path = folder.join(gone);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Stop::write(path.display(), &error));
            }
            _ => {}
        }
    }
    write_whole(&manifest, Value::from(names).to_string().as_bytes()).map_err(stop)
}

/// Names a watchlist's file: nothing in an alias may lead out of the folder.
fn file_name(alias: &str) -> String {
    let safe: String = alias.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
    format!("{safe}.csv")
}

fn csv(list: &mut Watchlist, out: &mut dyn Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(&list.columns)?;
    let mut failed = None;
    let rows = list.each_row(&mut |row| {
        failed = failed.take().or_else(|| writer.write_record(&row).err());
        Ok(())
    });
    rows.map_err(std::io::Error::other)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    writer.flush()
}

/// Looks at what a download needs, and says what is missing.
pub(super) fn preflight(subscriptions: &[String], workspaces: &[String], session: &Session) -> Result<Outcome, Stop> {
    let _scratch = Scratch::new()?;
    let manager = session.manager();
    let resources = workspaces.iter().map(|name| session.config.workspace_resource(name));
    let (resources, ids): (Vec<_>, Vec<_>) = resources.partition(|name| name.starts_with('/'));
    let resources = resources.iter().map(|id| Workspace::new(id)).collect::<Result<Vec<_>, _>>().map_err(stop)?;
    let named = workspaces.iter().map(|name| session.config.workspace_id(name)).find(|id| !id.starts_with('/'));
    let logs = named.or(ids.into_iter().next()).map(|id| session.logs(&id, &tempfile::env::temp_dir())).transpose()?;
    let scope = fetch::preflight::Scope {
        subscriptions: subscriptions.iter().map(|name| session.subscription(name)).collect::<Result<_, _>>()?,
        workspaces: resources,
        logs: logs.as_ref(),
    };
    let findings = session.wait(fetch::preflight::look(&manager, &scope))?;
    let mut output = crate::cli::output::Output::stdout();
    let mut outcome = Outcome::Clean;
    for finding in findings {
        output.text(&format!("{:<8} {}\n", finding.level.word(), finding.what))?;
        if let Some(help) = finding.help {
            output.text(&format!("         {help}\n"))?;
        }
        if finding.level == fetch::preflight::Level::Missing {
            outcome = Outcome::Found;
        }
    }
    output.finish()?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_mirrors_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let files = |names: &[&str]| {
            let names = names.iter().map(ToString::to_string).collect();
            mirror(folder.path(), names, &mut |_, out| out.write_all(b"{}")).unwrap();
        };
        files(&["a.json", "b.json"]);
        std::fs::write(folder.path().join("mine.json"), "{}").unwrap();
        files(&["b.json"]);
        let is = |name: &str| folder.path().join(name).exists();
        assert!(!is("a.json") && is("b.json") && is("mine.json"));
        assert_eq!(file_name("../x y"), "---x-y.csv");
    }
}

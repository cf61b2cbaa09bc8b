//! `alertq.toml`: what a project keeps. Flags win over it.
//!
//! ```toml
//! rules = ["rules/"]          # what `alertq check` reads when no path is given
//! memory_limit = "4GB"
//! functions = ["parsers/"]    # as `--functions PATH`: solution parsers, ASIM
//! schemas = ["CustomTables/"] # as `check --schema PATH`: tables and functions without records
//! ca_file = "proxy.pem"        # as `--ca-file FILE`
//! geo_database = "GeoLite2-City.mmdb" # as `--geo-database FILE`
//! ingestion_time = "Ingested" # the column of the records that holds what `ingestion_time()` gave
//!
//! [lints]                     # `allow`, `information`, `warning` or `error`, see `alertq lints`; checks of rules too
//! take-without-sort = "warning"
//!
//! [tables]                    # as `--data NAME=PATH`; relative to the folder of this file
//! SecurityAlert = ["exports/*.parquet", "older/alerts.csv.gz"]
//!
//! [watchlists]                # as `--watchlist NAME=PATH`
//! Vips = "vips.csv"
//! Servers = { path = "servers.csv", search_key = "Host" }
//!
//! [externaldata]              # as `--externaldata ADDRESS=PATH`
//! "https://example.org/list.csv" = "lists/list.csv"
//!
//! [workspaces.contoso]        # the tables of workspace("contoso"), app("contoso"), resource("contoso")
//! SecurityAlert = "contoso/*.parquet"
//!
//! [workspace.prod]            # a workspace of Azure's, for `--on prod` and `fetch --workspace prod`
//! id = "5f3c1a52-0000-4000-8000-000000000001"
//! resource_id = "/subscriptions/.../workspaces/prod"
//!
//! [subscriptions]             # for `fetch defender --subscription prod`
//! prod = "5f3c1a52-0000-4000-8000-000000000002"
//!
//! [databases.Samples]         # of database("Samples")
//! Storms = "storms.csv"
//!
//! [databases."help/Samples"]  # of cluster("help").database("Samples")
//! Storms = "help/storms.csv"
//! ```

use std::env;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::input::{self, Input};
use super::stop::Stop;
use super::value;
use crate::catalog::Place;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::lint::{Level, Levels};
use crate::rules::checks;

const FILE: &str = "alertq.toml";
const KEYS: [&str; 15] = [
    "ca_file",
    "databases",
    "externaldata",
    "functions",
    "geo_database",
    "ingestion_time",
    "lints",
    "memory_limit",
    "rules",
    "schemas",
    "subscriptions",
    "tables",
    "watchlists",
    "workspace",
    "workspaces",
];

pub(super) type Tables = Vec<(String, Vec<PathBuf>)>;

/// Where the items of a watchlist are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WatchlistFile {
    pub(super) path: PathBuf,
    /// The column that `SearchKey` repeats.
    pub(super) search_key: Option<String>,
}

/// A workspace of Azure's: its GUID for queries, its resource id for Sentinel.
#[cfg_attr(not(feature = "fetch"), allow(dead_code))]
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Remote {
    pub(super) id: Option<String>,
    pub(super) resource_id: Option<String>,
}

/// A project's settings; paths are ready to be opened.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Config {
    /// Tables and the patterns of their files, in the order of the file.
    pub(super) tables: Tables,
    /// The tables of other places.
    pub(super) places: Vec<(Place, Tables)>,
    pub(super) watchlists: Vec<(String, WatchlistFile)>,
    /// Files by the addresses that `externaldata` has for them.
    pub(super) externaldata: Vec<(String, PathBuf)>,
    pub(super) functions: Vec<PathBuf>,
    /// Certificates that are trusted beside the system's.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    pub(super) ca_file: Option<PathBuf>,
    /// Tells where IP addresses are.
    pub(super) geo_database: Option<PathBuf>,
    pub(super) rules: Vec<PathBuf>,
    /// Declarations of tables and functions that have no records.
    pub(super) schemas: Vec<PathBuf>,
    /// Bytes.
    pub(super) memory_limit: Option<usize>,
    /// The column whose values are what `ingestion_time()` gives.
    pub(super) ingestion_time: Option<String>,
    pub(super) lints: Levels,
    /// Levels of the checks of rules.
    pub(super) checks: checks::Levels,
    /// Workspaces of Azure's, by the names that the project gives them.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    pub(super) remotes: Vec<(String, Remote)>,
    /// Subscriptions and their ids.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    pub(super) subscriptions: Vec<(String, String)>,
}

impl Config {
    /// Reads the file that was named, else the nearest one upward from the working directory, else nothing.
    pub(super) fn load(named: Option<&Path>) -> Result<Config, Stop> {
        let path = match named {
            Some(path) => path.to_path_buf(),
            None => match find() {
                Some(path) => path,
                None => return Ok(Config::default()),
            },
        };
        let Input { name, text } = input::file(&path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        read(&text, folder).map_err(|problems| Stop::Problems { path: name, text, problems })
    }
}

/// Names of what is in Azure; what has no name here is taken as it is.
#[cfg(feature = "fetch")]
impl Config {
    /// Returns the id of a workspace that queries are asked of.
    pub(super) fn workspace_id(&self, name: &str) -> String {
        self.remote(name).and_then(|remote| remote.id.or(remote.resource_id)).unwrap_or_else(|| name.to_string())
    }

    /// Returns the resource id of a workspace.
    pub(super) fn workspace_resource(&self, name: &str) -> String {
        self.remote(name).and_then(|remote| remote.resource_id.or(remote.id)).unwrap_or_else(|| name.to_string())
    }

    /// Returns the id of a subscription.
    pub(super) fn subscription(&self, name: &str) -> String {
        let found = self.subscriptions.iter().find(|(known, _)| known == name);
        found.map_or_else(|| name.to_string(), |(_, id)| id.clone())
    }

    /// Says that nothing is known of a subscription.
    pub(super) fn no_subscription(&self, name: &str) -> Stop {
        let known = self.subscriptions.iter().map(|(known, _)| known.as_str());
        let help = match nearest(name, known) {
            Some(near) => format!("did you mean '{near}'? An id is a GUID"),
            None => {
                "an id is a GUID, `az account list --output table` shows it; [subscriptions] gives one a name".into()
            }
        };
        Stop::failure(format!("no subscription of {FILE} is called '{name}'")).help(help)
    }

    /// Fails where a name is most likely one of the project's, with a slip in it.
    pub(super) fn known_workspace(&self, name: &str) -> Result<(), Stop> {
        let known = self.remotes.iter().map(|(known, _)| known.as_str());
        // What is an id, or the path of a resource, is nobody's name.
        if self.remote(name).is_some() || name.contains('/') || name.len() == 36 {
            return Ok(());
        }
        match nearest(name, known) {
            Some(near) => {
                let help = format!("did you mean '{near}'? An id is a GUID, or the path of a resource");
                Err(self.no_workspace(name).help(help))
            }
            None => Ok(()),
        }
    }

    /// Says that nothing is known of a workspace.
    pub(super) fn no_workspace(&self, name: &str) -> Stop {
        let help = format!(
            "an id is a GUID, the portal's 'Workspace ID'; [workspace.NAME] in {FILE} gives one a name, see the README"
        );
        Stop::failure(format!("no workspace of {FILE} is called '{name}'")).help(help)
    }

    fn remote(&self, name: &str) -> Option<Remote> {
        self.remotes.iter().find(|(known, _)| known == name).map(|(_, remote)| remote.clone())
    }
}

fn find() -> Option<PathBuf> {
    let folder = env::current_dir().ok()?;
    folder.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file())
}

fn read(text: &str, folder: &Path) -> Result<Config, Vec<Diagnostic>> {
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().map_or(Span::default(), |span| Span::new(span.start, span.end));
        vec![Diagnostic::error("AQ400", span, error.message()).help("the file is TOML, see https://toml.io")]
    })?;
    let mut reader = Reader { folder, problems: Vec::new() };
    let config = reader.config(table.get_ref());
    if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
}

struct Reader<'a> {
    folder: &'a Path,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn config(&mut self, table: &DeTable) -> Config {
        let mut config = Config::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "tables" => config.tables = self.tables(value, "'tables' is a table: [tables]"),
                "workspaces" => config.places.extend(self.places(value, |name| Place::Workspace(name.to_string()))),
                "databases" => config.places.extend(self.places(value, |name| match name.rsplit_once('/') {
                    Some((cluster, name)) => Place::Cluster(cluster.to_string(), name.to_string()),
                    None => Place::Database(name.to_string()),
                })),
                "workspace" => config.remotes = self.remotes(value),
                "subscriptions" => config.subscriptions = self.subscriptions(value),
                "watchlists" => config.watchlists = self.watchlists(value),
                "externaldata" => config.externaldata = self.externaldata(value),
                "functions" => config.functions = self.paths(value),
                "ca_file" => {
                    config.ca_file = self.text(value, "a path is a string").map(|path| self.folder.join(path));
                }
                "geo_database" => {
                    config.geo_database = self.text(value, "a path is a string").map(|path| self.folder.join(path));
                }
                "rules" => config.rules = self.paths(value),
                "schemas" => config.schemas = self.paths(value),
                "ingestion_time" => config.ingestion_time = self.text(value, "the name of a column is a string"),
                "lints" => (config.lints, config.checks) = self.lints(value),
                "memory_limit" => config.memory_limit = self.size(value),
                _ => self.unknown(key.get_ref(), key.span(), &KEYS),
            }
        }
        config
    }

    fn tables(&mut self, value: &Spanned<DeValue>, message: &str) -> Tables {
        let entries = self.entries(value, message);
        entries.into_iter().map(|(name, value)| (name, self.paths(value))).collect()
    }

    /// Returns the entries of a table, in the order of the file.
    fn entries<'a>(
        &mut self,
        value: &'a Spanned<DeValue<'a>>,
        message: &str,
    ) -> Vec<(String, &'a Spanned<DeValue<'a>>)> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value, message);
            return Vec::new();
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().to_string(), value)).collect()
    }

    fn places(&mut self, value: &Spanned<DeValue>, place: impl Fn(&str) -> Place) -> Vec<(Place, Tables)> {
        let entries = self.entries(value, "each place is a table: [workspaces.NAME], [databases.NAME]");
        let message = "a place has tables and their files: SecurityAlert = \"PATH\"";
        entries.into_iter().map(|(name, value)| (place(&name), self.tables(value, message))).collect()
    }

    fn lints(&mut self, value: &Spanned<DeValue>) -> (Levels, checks::Levels) {
        let (mut levels, mut checks) = (Levels::default(), checks::Levels::default());
        for (name, value) in self.entries(value, "'lints' is a table: [lints]") {
            let level = value.get_ref().as_str().and_then(|word| Level::WORDS.iter().find(|(known, _)| *known == word));
            match level {
                None => self.wrong(value, &format!("a level is {}", Level::WORDS.map(|(word, _)| word).join(", "))),
                Some((_, level)) => {
                    if !checks.set(&name, *level)
                        && let Err(unknown) = levels.set(&name, *level)
                    {
                        let span = value.span();
                        let problem = Diagnostic::error("AQ402", Span::new(span.start, span.end), unknown.to_string());
                        self.problems.push(problem.help(unknown.help()));
                    }
                }
            }
        }
        (levels, checks)
    }

    fn externaldata(&mut self, value: &Spanned<DeValue>) -> Vec<(String, PathBuf)> {
        let mut files = Vec::new();
        for (address, value) in self.entries(value, "'externaldata' is a table: [externaldata]") {
            if let Some(path) = self.text(value, "a path is a string") {
                files.push((address, self.folder.join(path)));
            }
        }
        files
    }

    fn remotes(&mut self, value: &Spanned<DeValue>) -> Vec<(String, Remote)> {
        const KEYS: [&str; 2] = ["id", "resource_id"];
        let entries = self.entries(value, "each workspace of Azure's is a table: [workspace.NAME]");
        let mut remotes = Vec::new();
        for (name, value) in entries {
            let mut remote = Remote::default();
            let Some(table) = value.get_ref().as_table() else {
                self.wrong(value, "a workspace of Azure's has an id: id = \"GUID\"");
                continue;
            };
            for (key, value) in table {
                match key.get_ref().as_ref() {
                    "id" => remote.id = self.text(value, "an id is a string"),
                    "resource_id" => remote.resource_id = self.text(value, "a resource id is a string"),
                    other => self.unknown(other, key.span(), &KEYS),
                }
            }
            remotes.push((name, remote));
        }
        remotes
    }

    fn subscriptions(&mut self, value: &Spanned<DeValue>) -> Vec<(String, String)> {
        let entries = self.entries(value, "'subscriptions' is a table: [subscriptions]");
        let pair = |(name, value): (String, &Spanned<DeValue>)| Some((name, self.text(value, "an id is a string")?));
        entries.into_iter().filter_map(pair).collect()
    }

    fn watchlists(&mut self, value: &Spanned<DeValue>) -> Vec<(String, WatchlistFile)> {
        let entries = self.entries(value, "'watchlists' is a table: [watchlists]");
        entries.into_iter().filter_map(|(name, value)| Some((name, self.watchlist(value)?))).collect()
    }

    /// Takes a path, or `{ path = "...", search_key = "..." }`.
    fn watchlist(&mut self, value: &Spanned<DeValue>) -> Option<WatchlistFile> {
        const KEYS: [&str; 2] = ["path", "search_key"];
        if let Some(path) = value.get_ref().as_str() {
            return Some(WatchlistFile { path: self.folder.join(path), search_key: None });
        }
        let (mut path, mut search_key) = (None, None);
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value, "a watchlist is a path, or { path = \"PATH\", search_key = \"COLUMN\" }");
            return None;
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "path" => path = self.text(value, "a path is a string"),
                "search_key" => search_key = self.text(value, "the name of a column is a string"),
                other => self.unknown(other, key.span(), &KEYS),
            }
        }
        if path.is_none() {
            self.wrong(value, "the watchlist has no 'path'");
        }
        Some(WatchlistFile { path: self.folder.join(path?), search_key })
    }

    /// Takes one path or a list of them.
    fn paths(&mut self, value: &Spanned<DeValue>) -> Vec<PathBuf> {
        let items: Vec<&Spanned<DeValue>> = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut paths = Vec::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(path) => paths.push(self.folder.join(path)),
                None => self.wrong(item, "a path is a string"),
            }
        }
        paths
    }

    fn text(&mut self, value: &Spanned<DeValue>, message: &str) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_string);
        if text.is_none() {
            self.wrong(value, message);
        }
        text
    }

    fn size(&mut self, value: &Spanned<DeValue>) -> Option<usize> {
        match value.get_ref().as_str().map(value::size) {
            Some(Ok(size)) => Some(size),
            Some(Err(message)) => {
                self.wrong(value, &message);
                None
            }
            None => {
                self.wrong(value, "a size is a string, for example \"4GB\"");
                None
            }
        }
    }

    fn wrong(&mut self, value: &Spanned<DeValue>, message: &str) {
        let span = value.span();
        self.problems.push(Diagnostic::error("AQ401", Span::new(span.start, span.end), message));
    }

    fn unknown(&mut self, key: &str, span: std::ops::Range<usize>, known: &[&'static str]) {
        let problem = Diagnostic::error("AQ402", Span::new(span.start, span.end), format!("unknown key '{key}'"));
        self.problems.push(match nearest(key, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean '{near}'?")),
            None => problem.help(format!("the keys are: {}", known.join(", "))),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        let text = "rules = 'r'\nmemory_limit = '1MB'\n[tables]\nB = 'b.csv'\nA = ['/x/*.parquet', 'y']\n";
        let config = read(text, Path::new("/p")).unwrap();
        let tables = vec![
            ("B".to_string(), vec![PathBuf::from("/p/b.csv")]),
            ("A".to_string(), vec![PathBuf::from("/x/*.parquet"), PathBuf::from("/p/y")]),
        ];
        assert_eq!(
            config,
            Config { tables, rules: vec!["/p/r".into()], memory_limit: Some(1_000_000), ..Config::default() }
        );
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let problems = read("[table]\nA = 'a'\n", Path::new("")).unwrap_err();
        assert_eq!((problems[0].span, problems[0].help.as_deref()), (Span::new(1, 6), Some("did you mean 'tables'?")));
    }

    #[test]
    fn levels_of_lints_are_words_and_lints_are_known() {
        let config = read("[lints]\nall = 'error'\ntake-without-sort = 'allow'\n", Path::new("")).unwrap();
        let take = crate::lint::find("take-without-sort").unwrap();
        assert_eq!(config.lints.of(take, false), Level::Allow);
        let problems = read("[lints]\ntake-without-sorting = 'allow'\nall = 'loud'\n", Path::new("")).unwrap_err();
        let told: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        let levels = "a level is allow, information, warning, error";
        assert_eq!(told, ["no lint is called 'take-without-sorting'", levels]);
    }

    #[test]
    fn what_is_in_azure_has_names() {
        let text =
            "[workspace.prod]\nid = 'i'\nresource_id = '/r'\n[workspace.dev]\nid = 'j'\n[subscriptions]\np = 's'\n";
        let config = read(text, Path::new("")).unwrap();
        let remote =
            |id: &str, resource: Option<&str>| Remote { id: Some(id.into()), resource_id: resource.map(Into::into) };
        assert_eq!(config.remotes, [("prod".into(), remote("i", Some("/r"))), ("dev".into(), remote("j", None))]);
        assert_eq!(config.subscriptions, [("p".to_string(), "s".to_string())]);
        let problems = read("[workspace.prod]\nids = 'i'\n", Path::new("")).unwrap_err();
        assert_eq!(problems[0].help.as_deref(), Some("did you mean 'id'?"));
    }

    #[test]
    fn wrong_values_and_wrong_toml_have_places() {
        assert_eq!(read("memory_limit = 4", Path::new("")).unwrap_err()[0].span, Span::new(15, 16));
        assert_eq!(read("tables = 4", Path::new("")).unwrap_err()[0].code, "AQ401");
        assert_eq!(read("tables = [", Path::new("")).unwrap_err()[0].code, "AQ400");
    }
}

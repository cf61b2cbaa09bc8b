//! `alertq.toml`: what a project keeps. Flags win over it.
//!
//! ```toml
//! rules = ["rules/"]          # what `alertq check` reads when no path is given
//! memory_limit = "4GB"
//! functions = ["parsers/"]    # as `--functions PATH`: solution parsers, ASIM
//! ingestion_time = "Ingested" # the column of the records that holds what `ingestion_time()` gave
//!
//! [lints]                     # `allow`, `information`, `warning` or `error`, see `alertq lints`
//! take-without-sort = "warning"
//!
//! [tables]                    # as `--data NAME=PATH`; relative to the folder of this file
//! SecurityAlert = ["exports/*.parquet", "older/alerts.csv.gz"]
//!
//! [watchlists]                # as `--watchlist NAME=PATH`
//! Vips = "vips.csv"
//! Servers = { path = "servers.csv", search_key = "Host" }
//!
//! [workspaces.contoso]        # the tables of workspace("contoso"), app("contoso"), resource("contoso")
//! SecurityAlert = "contoso/*.parquet"
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

const FILE: &str = "alertq.toml";
const KEYS: [&str; 9] = [
    "databases",
    "functions",
    "ingestion_time",
    "lints",
    "memory_limit",
    "rules",
    "tables",
    "watchlists",
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

/// A project's settings; paths are ready to be opened.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Config {
    /// Tables and the patterns of their files, in the order of the file.
    pub(super) tables: Tables,
    /// The tables of other places.
    pub(super) places: Vec<(Place, Tables)>,
    pub(super) watchlists: Vec<(String, WatchlistFile)>,
    pub(super) functions: Vec<PathBuf>,
    pub(super) rules: Vec<PathBuf>,
    /// Bytes.
    pub(super) memory_limit: Option<usize>,
    /// The column whose values are what `ingestion_time()` gives.
    pub(super) ingestion_time: Option<String>,
    pub(super) lints: Levels,
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
                "watchlists" => config.watchlists = self.watchlists(value),
                "functions" => config.functions = self.paths(value),
                "rules" => config.rules = self.paths(value),
                "ingestion_time" => config.ingestion_time = self.text(value, "the name of a column is a string"),
                "lints" => config.lints = self.lints(value),
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

    fn lints(&mut self, value: &Spanned<DeValue>) -> Levels {
        let mut levels = Levels::default();
        for (name, value) in self.entries(value, "'lints' is a table: [lints]") {
            let level = value.get_ref().as_str().and_then(|word| Level::WORDS.iter().find(|(known, _)| *known == word));
            match level {
                None => self.wrong(value, &format!("a level is {}", Level::WORDS.map(|(word, _)| word).join(", "))),
                Some((_, level)) => {
                    if let Err(unknown) = levels.set(&name, *level) {
                        let span = value.span();
                        let problem = Diagnostic::error("AQ402", Span::new(span.start, span.end), unknown.to_string());
                        self.problems.push(problem.help(unknown.help()));
                    }
                }
            }
        }
        levels
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
    fn wrong_values_and_wrong_toml_have_places() {
        assert_eq!(read("memory_limit = 4", Path::new("")).unwrap_err()[0].span, Span::new(15, 16));
        assert_eq!(read("tables = 4", Path::new("")).unwrap_err()[0].code, "AQ401");
        assert_eq!(read("tables = [", Path::new("")).unwrap_err()[0].code, "AQ400");
    }
}

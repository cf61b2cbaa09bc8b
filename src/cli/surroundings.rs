//! What the user gives a query besides its text: records, watchlists, saved functions, other places.

use std::collections::HashSet;
use std::iter;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::config::{Config, Tables, WatchlistFile};
use super::stop::Stop;
use super::{data, stored, value};
use crate::catalog::{self, Catalog, Elsewhere, External, Place, StoredFunction, TableInfo};
use crate::engine;
use crate::source;
use crate::source::places::Database;
use crate::source::watchlist::Watchlist;

/// The flags that `query` and `check` share.
#[derive(Debug, Default, Args)]
pub(super) struct Given {
    /// Reads records from a file, a folder or a glob; may be given several times. Parquet, JSON, JSON lines, CSV, each
    /// also with gzip or zstd. Without a name the table is told by what is in the file.
    #[arg(long, short, value_name = "[NAME=]PATH", value_parser = value::records)]
    pub(super) data: Vec<String>,
    /// Reads the items of a watchlist from CSV, JSON or a deployment template, for `_GetWatchlist("NAME")`; may be given
    /// several times.
    #[arg(long, value_name = "NAME=PATH", value_parser = value::named_file)]
    pub(super) watchlist: Vec<(String, String)>,
    /// Reads a file in place of one that `externaldata` names by its address; may be given several times. A path
    /// without an address is looked for in the folders of --data.
    #[arg(long, value_name = "ADDRESS=PATH", value_parser = value::address)]
    pub(super) externaldata: Vec<(String, PathBuf)>,
    /// Reads saved functions (parsers, ASIM) from a file or a folder: KQL, YAML of the Azure-Sentinel repository,
    /// templates in JSON; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub(super) functions: Vec<PathBuf>,
    /// Reads where IP addresses are, for `geo_info_from_ip_address`: GeoLite2-City.mmdb or another file in MaxMind's form.
    #[arg(long, value_name = "FILE")]
    pub(super) geo_database: Option<PathBuf>,
}

/// Watchlists, functions and other places, not yet opened.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    watchlists: Vec<(String, WatchlistFile)>,
    functions: Vec<StoredFunction>,
    places: Vec<(Place, Tables)>,
    externals: Externals,
    geo_database: Option<PathBuf>,
}

/// Files for `externaldata`.
#[derive(Debug, Default, Clone)]
struct Externals {
    /// By their addresses.
    files: Vec<(String, PathBuf)>,
    /// In which paths are looked for.
    folders: Vec<PathBuf>,
}

/// What has been opened of them.
#[derive(Debug, Default)]
pub(super) struct Found {
    watchlists: Vec<(String, Watchlist)>,
    /// The place, the table's name there, and the table under the name that a plan has for it.
    tables: Vec<(Place, String, source::Table, TableInfo)>,
    /// All other places and the names of their tables, opened or not.
    places: Vec<(Place, Vec<String>)>,
    functions: Vec<StoredFunction>,
    externals: Externals,
    geo_database: Option<Arc<Database>>,
}

impl Given {
    /// Returns the files that a command may read: those of the flags, and those of `alertq.toml`.
    ///
    /// What cannot be found is left out: who reads it says so. Folders are looked into when the first file is asked for.
    pub(super) fn paths(&self, config: &Config) -> impl Iterator<Item = PathBuf> {
        iter::once_with(|| self.found(config)).flatten()
    }

    fn found(&self, config: &Config) -> Vec<PathBuf> {
        let kept = config.tables.iter().chain(config.places.iter().flat_map(|(_, tables)| tables));
        let kept = kept.flat_map(|(_, paths)| paths).map(|path| path.to_string_lossy().into_owned());
        let records = self.data.iter().map(|spec| source::split_name(spec).1.to_string()).chain(kept);
        let mut paths: Vec<PathBuf> = records.filter_map(|path| source::expand(&path).ok()).flatten().collect();
        paths.extend(self.watchlist.iter().map(|(_, path)| PathBuf::from(path)));
        paths.extend(config.watchlists.iter().map(|(_, file)| file.path.clone()));
        paths.extend(self.externaldata.iter().chain(&config.externaldata).map(|(_, path)| path.clone()));
        let functions: Vec<PathBuf> = self.functions.iter().chain(&config.functions).cloned().collect();
        paths.extend(stored::files(&functions).unwrap_or_default());
        paths.extend(self.geo_database.iter().chain(&config.geo_database).cloned());
        paths
    }
}

impl Surroundings {
    /// Takes flags and `alertq.toml`; flags win. Functions are read, for what they name must be opened too.
    pub(super) fn new(given: &Given, config: &Config) -> Result<Surroundings, Stop> {
        let flag = |(name, path): &(String, String)| {
            (name.clone(), WatchlistFile { path: PathBuf::from(path), search_key: None })
        };
        let mut watchlists: Vec<_> = given.watchlist.iter().map(flag).collect();
        for (name, file) in &config.watchlists {
            if !watchlists.iter().any(|(other, _)| other == name) {
                watchlists.push((name.clone(), file.clone()));
            }
        }
        let mut functions = stored::read(&given.functions)?;
        let flags: HashSet<String> = functions.iter().map(|function| function.name.clone()).collect();
        let kept = stored::read(&config.functions)?.into_iter().filter(|function| !flags.contains(&function.name));
        functions.extend(kept);
        let files = given.externaldata.iter().chain(&config.externaldata).cloned().collect();
        let folders = given.data.iter().map(|spec| PathBuf::from(source::split_name(spec).1));
        let externals = Externals { files, folders: folders.filter(|path| path.is_dir()).collect() };
        let geo_database = given.geo_database.as_ref().or(config.geo_database.as_ref()).cloned();
        Ok(Surroundings { watchlists, functions, places: config.places.clone(), externals, geo_database })
    }

    /// Returns a text together with the bodies of the functions that it calls, directly or not.
    pub(super) fn text(&self, text: &str) -> String {
        let mut all = text.to_string();
        let mut left: Vec<&StoredFunction> = self.functions.iter().collect();
        loop {
            let (called, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|f| all.contains(&f.name));
            if called.is_empty() {
                return all;
            }
            for function in called {
                all.push('\n');
                all.push_str(&function.parameters);
                all.push('\n');
                all.push_str(&function.body);
            }
            left = others;
        }
    }

    /// Opens what a text names.
    pub(super) fn open(&self, text: &str, options: &source::Options) -> Result<Found, Stop> {
        let names = |tables: &[(String, Vec<PathBuf>)]| tables.iter().map(|(name, _)| name.clone()).collect();
        let places = self.places.iter().map(|(place, tables)| (place.clone(), names(tables))).collect();
        let (functions, externals) = (self.functions.clone(), self.externals.clone());
        let mut found = Found { functions, places, externals, ..Found::default() };
        for (alias, file) in self.watchlists.iter().filter(|_| text.contains("_GetWatchlist")) {
            let items = source::watchlist::read(&file.path, file.search_key.as_deref()).map_err(data::unreadable)?;
            found.watchlists.push((alias.clone(), items));
        }
        if let Some(path) = self.geo_database.as_ref().filter(|_| text.contains("geo_info_from_ip_address")) {
            found.geo_database = Some(Arc::new(Database::open(path).map_err(Stop::failure)?));
        }
        // Workspaces are named in any case.
        let folded = text.to_lowercase();
        for (place, tables) in self.places.iter().filter(|(place, _)| folded.contains(&name_of(place).to_lowercase())) {
            for (name, paths) in tables.iter().filter(|(name, _)| data::may_name(text, Some(name))) {
                let paths: Vec<_> =
                    paths.iter().map(|path| (Some(name.clone()), path.to_string_lossy().into_owned())).collect();
                for mut table in source::open_all(&paths, options).map_err(data::unreadable)? {
                    let mut info = data::info(&table, text, None);
                    info.name = format!("{place}.{name}");
                    table.name.clone_from(&info.name);
                    found.tables.push((place.clone(), name.clone(), table, info));
                }
            }
        }
        Ok(found)
    }
}

fn name_of(place: &Place) -> &str {
    match place {
        Place::Workspace(name) | Place::Database(name) | Place::Cluster(_, name) => name,
    }
}

/// Returns the name that a plan has for the items of a watchlist.
fn items_of(alias: &str) -> String {
    format!("_GetWatchlist(\"{alias}\")")
}

impl Found {
    /// Adds to a catalog what a query can call.
    pub(super) fn add_to(&self, catalog: &mut Catalog) {
        self.functions.iter().for_each(|function| catalog.add_function(function.clone()));
        for (alias, items) in &self.watchlists {
            let info = TableInfo { name: items_of(alias), columns: items.columns.clone(), ..TableInfo::default() };
            catalog.add_watchlist(alias, info);
        }
        if let Some(database) = &self.geo_database {
            catalog.set_whereabouts(database.clone());
        }
        catalog.set_externals(catalog::Externals {
            addresses: self.externals.files.iter().map(|(address, _)| address.clone()).collect(),
            folders: !self.externals.folders.is_empty(),
        });
        for (place, names) in &self.places {
            let tables = self.tables.iter().filter(|(other, ..)| other == place);
            let tables = tables.map(|(_, name, _, info)| (name.clone(), info.clone())).collect();
            catalog.add_elsewhere(Elsewhere { place: place.clone(), names: names.clone(), tables });
        }
    }

    /// Returns the tables of other places.
    pub(super) fn tables(&self) -> impl Iterator<Item = &source::Table> {
        self.tables.iter().map(|(_, _, table, _)| table)
    }

    /// Returns the items of every watchlist.
    pub(super) fn all_items(&self) -> Vec<engine::Table> {
        self.watchlists.iter().filter_map(|(alias, _)| self.items(&items_of(alias))).collect()
    }

    /// Finds the items of a watchlist by the name that a plan has for them.
    pub(super) fn items(&self, name: &str) -> Option<engine::Table> {
        let (_, items) = self.watchlists.iter().find(|(alias, _)| items_of(alias) == name)?;
        let data = engine::TableData::Batches(vec![items.batch.clone()]);
        Some(engine::Table { name: name.to_string(), columns: items.columns.clone(), data })
    }
    /// Reads the files that a query names itself.
    pub(super) fn external(&self, external: &External) -> Result<engine::Table, Stop> {
        let mut batches = Vec::new();
        for address in &external.addresses {
            let path = self.externals.find(address)?;
            batches.extend(source::external::read(&path, external).map_err(data::unreadable)?);
        }
        let data = engine::TableData::Batches(batches);
        Ok(engine::Table { name: external.table.clone(), columns: external.columns.clone(), data })
    }
}

impl Externals {
    /// Finds the file of an address, or a path below one of the folders.
    fn find(&self, address: &str) -> Result<PathBuf, Stop> {
        if let Some((_, path)) = self.files.iter().find(|(known, _)| catalog::is_address(known, address)) {
            return Ok(path.clone());
        }
        let below = |folder: &PathBuf| {
            let (folder, path) = (folder.canonicalize().ok()?, folder.join(address).canonicalize().ok()?);
            (path.starts_with(&folder) && path.is_file()).then_some(path)
        };
        self.folders.iter().find_map(below).ok_or_else(|| {
            let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
            Stop::failure(format!(
                "`externaldata` names {address}, and there is no such file below {}",
                folders.join(", ")
            ))
            .help("only files in the folders of --data are read; for others say --externaldata ADDRESS=PATH")
        })
    }
}

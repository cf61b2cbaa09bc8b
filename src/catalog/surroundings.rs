//! What a query can call besides tables: saved functions, watchlists, and the tables of other places.

use super::{Catalog, TableInfo};

/// A function that a workspace has saved: text, until a query calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFunction {
    pub name: String,
    /// What stands between the parentheses: `a:long, b:string = "x"`.
    pub parameters: String,
    pub body: String,
    /// The file that it is in, for messages.
    pub path: String,
    /// The line of the file on which the body begins, counted from 1.
    pub line: usize,
    /// Another file, with a function of this name that is not the same.
    pub rival: Option<String>,
}

/// Where a qualified name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `workspace("...")`, `app("...")` and `resource("...")`
    Workspace(String),
    /// `database("...")`
    Database(String),
    /// `cluster("...").database("...")`
    Cluster(String, String),
}

/// The tables of another place that records are at hand for: the name that a query writes, and what is known of it.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    pub place: Place,
    /// The names of all its tables; those that a query does not name need not be opened.
    pub names: Vec<String>,
    pub tables: Vec<(String, TableInfo)>,
}

impl Catalog {
    /// Adds a saved function. Of two that differ the first one stays and remembers the other.
    pub fn add_function(&mut self, function: StoredFunction) {
        match self.functions.iter_mut().find(|other| other.name == function.name) {
            None => self.functions.push(function),
            Some(other) if other.body == function.body && other.parameters == function.parameters => {}
            Some(other) => other.rival = Some(function.path),
        }
    }

    /// Finds a saved function by its exact name.
    pub fn function(&self, name: &str) -> Option<&StoredFunction> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// Returns the saved functions.
    pub fn functions(&self) -> &[StoredFunction] {
        &self.functions
    }

    /// Adds a watchlist.
    pub fn add_watchlist(&mut self, alias: impl Into<String>, items: TableInfo) {
        self.watchlists.push((alias.into(), items));
    }

    /// Finds a watchlist by its exact alias.
    pub fn watchlist(&self, alias: &str) -> Option<&TableInfo> {
        self.watchlists.iter().find(|(name, _)| name == alias).map(|(_, items)| items)
    }

    /// Returns the aliases of the watchlists, in order.
    pub fn watchlists(&self) -> impl Iterator<Item = &str> {
        self.watchlists.iter().map(|(alias, _)| alias.as_str())
    }

    /// Adds the tables of another place.
    pub fn add_elsewhere(&mut self, elsewhere: Elsewhere) {
        self.elsewhere.push(elsewhere);
    }

    /// Finds what is known of another place.
    pub fn elsewhere(&self, place: &Place) -> Option<&Elsewhere> {
        self.elsewhere.iter().find(|elsewhere| elsewhere.place.is(place))
    }

    /// Returns the other places.
    pub fn places(&self) -> &[Elsewhere] {
        &self.elsewhere
    }
}

impl Place {
    /// Tells whether two names mean one place: identifiers are alike in upper and lower case, and a cluster may be
    /// written with its domain.
    fn is(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Workspace(a), Place::Workspace(b)) => a.eq_ignore_ascii_case(b),
            (Place::Database(a), Place::Database(b)) => a == b,
            (Place::Cluster(a, d), Place::Cluster(b, e)) => {
                cluster_name(a).eq_ignore_ascii_case(cluster_name(b)) && d == e
            }
            _ => false,
        }
    }
}

/// Reduces `https://help.kusto.windows.net/` to `help`.
fn cluster_name(text: &str) -> &str {
    let text = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    text.strip_suffix(".kusto.windows.net").unwrap_or(text)
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Workspace(name) => write!(f, "workspace(\"{name}\")"),
            Place::Database(name) => write!(f, "database(\"{name}\")"),
            Place::Cluster(cluster, name) => write!(f, "cluster(\"{cluster}\").database(\"{name}\")"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, body: &str, path: &str) -> StoredFunction {
        let (name, body, path) = (name.to_string(), body.to_string(), path.to_string());
        StoredFunction { name, parameters: String::new(), body, path, line: 1, rival: None }
    }

    #[test]
    fn two_functions_of_one_name_are_one_only_where_they_are_the_same() {
        let mut catalog = Catalog::new();
        catalog.add_function(function("f", "T", "a.kql"));
        catalog.add_function(function("f", "T", "b.kql"));
        assert_eq!(catalog.function("f").unwrap().rival, None);
        catalog.add_function(function("f", "U", "c.kql"));
        assert_eq!(catalog.function("f").unwrap().rival.as_deref(), Some("c.kql"));
    }

    #[test]
    fn a_cluster_goes_by_its_short_name_too() {
        let place = |cluster: &str| Place::Cluster(cluster.to_string(), "Samples".to_string());
        assert!(place("help").is(&place("https://help.kusto.windows.net/")));
        assert!(place("Help").is(&place("help.kusto.windows.net")));
        assert!(!place("help").is(&place("help2")));
    }
}

//! `_GetWatchlist` and `_GetWatchlistAlias`.

use std::rc::Rc;

use super::scope::{Context, Scope};
use super::{Binder, Table, hidden};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::{Kind, Node};
use crate::syntax::ast::{self, Argument};
use crate::types::{Column, ScalarType, Value};

/// What is known of the columns of any watchlist; those of its items come besides.
const KNOWN: [(&str, ScalarType); 8] = [
    ("_DTItemId", ScalarType::String),
    ("_DTItemStatus", ScalarType::String),
    ("_DTItemType", ScalarType::String),
    ("_DTTimestamp", ScalarType::DateTime),
    ("TimeGenerated", ScalarType::DateTime),
    ("LastUpdatedTimeUTC", ScalarType::DateTime),
    ("SearchKey", ScalarType::String),
    ("WatchlistItem", ScalarType::Dynamic),
];

impl Binder<'_> {
    /// Binds `_GetWatchlist("alias")`.
    pub(super) fn watchlist(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let cx = Context::rowless(scope);
        let (Some(alias), true) = (arguments.first(), arguments.len() <= 2) else {
            self.error("KS119", name.span, format!("`{}` takes 1 to 2 arguments, not {}", name.text, arguments.len()));
            return any();
        };
        if let Some(keys) = arguments.get(1) {
            self.scalar(&keys.value, &cx);
            self.unsupported(keys.value.span, format_args!("the second argument of `{}`", name.text));
        }
        let value = self.scalar(&alias.value, &cx);
        let known = match self.constant(&value) {
            Some(Value::String(alias)) => match self.catalog.watchlist(&alias) {
                Some(items) => return hidden::scan(items),
                None => Some(alias),
            },
            _ => None,
        };
        // What a watchlist holds is not known where queries are checked: its columns are open.
        if !self.catalog.is_for_checks() {
            self.no_items(known.as_deref(), span);
        }
        any()
    }

    fn no_items(&mut self, alias: Option<&str>, span: Span) {
        let Some(alias) = alias else {
            return self.refuse("AQ034", span, "the alias of the watchlist must be a constant");
        };
        let problem = Diagnostic::error("AQ034", span, format!("there is no file for the watchlist `{alias}`"));
        let remedy = format!("give its items with --watchlist {alias}=PATH, or in alertq.toml under [watchlists]");
        let problem = match nearest(alias, self.catalog.watchlists()) {
            Some(near) => problem.help(format!("did you mean `{near}`? Else {remedy}")),
            None => problem.help(remedy),
        };
        self.refusals.push(problem);
    }

    /// Binds `_GetWatchlistAlias`: one row for each watchlist.
    pub(super) fn watchlist_aliases(&mut self, span: Span) -> Table {
        let rows: Vec<_> = self.catalog.watchlists().map(|alias| vec![Value::String(alias.to_string())]).collect();
        if rows.is_empty() && !self.catalog.is_for_checks() {
            let message = "there is no watchlist here, and which ones a workspace has is not known";
            let help = "give them with --watchlist NAME=PATH, or in alertq.toml under [watchlists]";
            self.refusals.push(Diagnostic::error("AQ034", span, message).help(help));
        }
        let columns = vec![Column::new("WatchlistAlias", ScalarType::String)];
        Table::new(Node { columns, serialized: false, kind: Kind::Values { rows } })
    }
}

/// Makes what a watchlist is whose items nobody knows.
fn any() -> Table {
    let columns = KNOWN.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)).collect();
    let node = Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } };
    Table { open: true, ..Table::new(node) }
}

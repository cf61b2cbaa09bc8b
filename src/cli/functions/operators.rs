//! Tabular operators and sources, for the listing.
//!
//! Whether one is supported is not written down here: its example is bound, and refused or not.

use crate::bind::{self, bind};
use crate::catalog::{Catalog, Externals};
use crate::syntax::parse;

/// The address of the file in the example of `externaldata`.
const ADDRESS: &str = "https://example.com/a.csv";

/// An operator or a source.
pub(super) struct Operator {
    pub(super) name: &'static str,
    /// Other names of it.
    pub(super) aliases: &'static [&'static str],
    pub(super) kind: &'static str,
    /// One sentence: what it gives.
    pub(super) summary: &'static str,
    /// A query that holds the plainest use of it.
    pub(super) example: &'static str,
}

impl Operator {
    /// Tells whether a query that uses it is run.
    pub(super) fn is_supported(&self) -> bool {
        let mut catalog = Catalog::standard();
        // With a file at hand for every address.
        catalog.set_externals(Externals { addresses: vec![ADDRESS.to_string()], folders: true });
        let bound = bind(&parse(self.example).query, &catalog, &bind::Options::default());
        bound.plan.is_some() || bound.first.is_some()
    }
}

const fn operator(name: &'static str, summary: &'static str, example: &'static str) -> Operator {
    Operator { name, aliases: &[], kind: "operator", summary, example }
}

const fn source(name: &'static str, summary: &'static str, example: &'static str) -> Operator {
    Operator { kind: "source", ..operator(name, summary, example) }
}

const fn also(operator: Operator, aliases: &'static [&'static str]) -> Operator {
    Operator { aliases, ..operator }
}

/// All of them, in the order of their names within a kind.
pub(super) const OPERATORS: &[Operator] = &[
    operator("as", "Gives a relation a name for what follows.", "print a = 1 | as A | union A"),
    operator(
        "assert-schema",
        "Fails where the columns are not these.",
        "SecurityAlert | project AlertName | assert-schema (AlertName: string)",
    ),
    operator("consume", "Runs what comes before and gives nothing.", "print a = 1 | consume"),
    operator("count", "Gives the number of rows.", "SecurityAlert | count"),
    operator("distinct", "Gives each combination of values once.", "SecurityAlert | distinct AlertSeverity"),
    operator("evaluate", "Calls a plugin.", "print a = dynamic({\"b\": 1}) | evaluate bag_unpack(a)"),
    operator("extend", "Adds computed columns.", "SecurityAlert | extend Day = startofday(TimeGenerated)"),
    operator(
        "facet",
        "Gives the values of each column, and what is made of all rows.",
        "SecurityAlert | facet by Status",
    ),
    operator(
        "find",
        "Gives the rows of several tables where a condition holds.",
        "find in (SecurityAlert) where Status == 'New'",
    ),
    operator("fork", "Gives several results of one input.", "SecurityAlert | fork (count) (take 1)"),
    operator("getschema", "Gives the columns and their types.", "SecurityAlert | getschema"),
    operator(
        "graph-mark-components",
        "Numbers the parts of a graph that hang together.",
        "print a = 1, b = 2 | make-graph a --> b with_node_id = n | graph-mark-components | graph-to-table nodes",
    ),
    operator(
        "graph-match",
        "Finds patterns in a graph.",
        "print a = 1, b = 2 | make-graph a --> b | graph-match (x)-[e]->(y) project e.a",
    ),
    operator(
        "graph-shortest-paths",
        "Finds the shortest paths between nodes of a graph.",
        "print a = 1, b = 2 | make-graph a --> b with_node_id = n | graph-shortest-paths (x)-[e*1..3]->(y) project x.n, y.n",
    ),
    operator(
        "graph-to-table",
        "Gives the nodes or the edges of a graph as a table.",
        "print a = 1, b = 2 | make-graph a --> b with_node_id = n | graph-to-table nodes",
    ),
    operator(
        "invoke",
        "Calls a function with the relation as its first argument.",
        "let f = (T:(a:long)) { T | count }; print a = 1 | invoke f()",
    ),
    operator(
        "join",
        "Puts rows of two relations side by side where keys are equal.",
        "SecurityAlert | join (SecurityAlert) on SystemAlertId",
    ),
    operator(
        "lookup",
        "Adds columns of a second relation where keys are equal.",
        "SecurityAlert | lookup (print AlertName = 'a', Team = 'b') on AlertName",
    ),
    operator(
        "macro-expand",
        "Runs a query over each database or table of a group, and unites the results.",
        "macro-expand entity_group [SecurityAlert, SecurityIncident] as X (X | summarize count() by Status)",
    ),
    operator(
        "make-graph",
        "Makes a graph of a table of edges.",
        "print a = 1, b = 2 | make-graph a --> b | graph-to-table edges",
    ),
    operator(
        "make-series",
        "Gives arrays of aggregates along an axis, without gaps.",
        "SecurityAlert | make-series count() on TimeGenerated from ago(7d) to now() step 1d",
    ),
    also(
        operator(
            "mv-apply",
            "Runs a query over the elements of an array, for each row.",
            "print a = dynamic([1, 2]) | mv-apply a on (summarize count())",
        ),
        &["mvapply"],
    ),
    also(
        operator("mv-expand", "Gives a row for each element of an array.", "print a = dynamic([1, 2]) | mv-expand a"),
        &["mvexpand"],
    ),
    operator("parse", "Takes parts of a text into columns.", "print t = 'a=1' | parse t with 'a=' a:long"),
    operator("parse-kv", "Takes keys and values of a text into columns.", "print t = 'a=1' | parse-kv t as (a:long)"),
    operator(
        "parse-where",
        "Takes parts of a text into columns, and drops rows that do not fit.",
        "print t = 'a=1' | parse-where t with 'a=' a:long",
    ),
    operator(
        "partition",
        "Runs a query over each part of the rows.",
        "SecurityAlert | partition by AlertSeverity (take 1)",
    ),
    operator(
        "project",
        "Gives just these columns.",
        "SecurityAlert | project AlertName, Day = startofday(TimeGenerated)",
    ),
    operator("project-away", "Gives all columns but these.", "SecurityAlert | project-away Entities"),
    operator(
        "project-by-names",
        "Gives the columns that texts name.",
        "SecurityAlert | project-by-names 'Alert*', 'Status'",
    ),
    operator(
        "project-keep",
        "Gives just these columns, in the order of the input.",
        "SecurityAlert | project-keep Alert*",
    ),
    operator("project-rename", "Gives columns other names.", "SecurityAlert | project-rename Name = AlertName"),
    operator("project-reorder", "Puts these columns first.", "SecurityAlert | project-reorder AlertName"),
    operator("reduce", "Gives patterns that texts have in common.", "SecurityAlert | reduce by AlertName"),
    operator(
        "render",
        "Says how the result should be drawn.",
        "SecurityAlert | summarize count() by Status | render piechart",
    ),
    operator("sample", "Gives some rows by chance.", "SecurityAlert | sample 5"),
    operator(
        "sample-distinct",
        "Gives some values of a column by chance, each once.",
        "SecurityAlert | sample-distinct 5 of AlertName",
    ),
    operator(
        "scan",
        "Follows rows through the steps of a sequence.",
        "range x from 1 to 3 step 1 | scan declare (s:long = 0) with (step a: true => s = s + x;)",
    ),
    operator("search", "Gives rows of all tables that hold a term.", "search in (SecurityAlert) 'ransomware'"),
    operator(
        "serialize",
        "Fixes the order of the rows, so that window functions may run.",
        "SecurityAlert | serialize n = row_number()",
    ),
    also(operator("sort", "Orders the rows.", "SecurityAlert | sort by TimeGenerated desc"), &["order"]),
    operator("summarize", "Gives aggregates of groups of rows.", "SecurityAlert | summarize count() by AlertSeverity"),
    also(operator("take", "Gives some rows.", "SecurityAlert | take 5"), &["limit"]),
    operator("top", "Gives the first rows of an order.", "SecurityAlert | top 5 by TimeGenerated"),
    operator(
        "top-hitters",
        "Gives the values that occur most often, roughly.",
        "SecurityAlert | top-hitters 3 of AlertName",
    ),
    operator(
        "top-nested",
        "Gives the top of each level of a hierarchy.",
        "SecurityAlert | top-nested 2 of AlertName by count()",
    ),
    operator("union", "Gives the rows of several relations.", "SecurityAlert | union SecurityIncident"),
    also(
        operator("where", "Gives the rows where a condition holds.", "SecurityAlert | where AlertSeverity == 'High'"),
        &["filter"],
    ),
    source("datatable", "Gives rows that are written in the query.", "datatable(a:long) [1, 2]"),
    source(
        "externaldata",
        "Gives the rows of files that the query names; say where they are with --externaldata.",
        "externaldata(a:string) ['https://example.com/a.csv']",
    ),
    source("print", "Gives one row of expressions.", "print a = 1"),
    source("range", "Gives the values from one to another.", "range x from 1 to 3 step 1"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::plugin::{Run, plugins};
    use crate::syntax::operator_keywords;

    #[test]
    fn examples_are_valid_and_hold_what_they_show() {
        for operator in OPERATORS {
            assert!(operator.example.contains(operator.name), "{}", operator.name);
            let parsed = parse(operator.example);
            assert_eq!(parsed.problems, [], "{}", operator.name);
            let bound = bind(&parsed.query, &Catalog::standard(), &bind::Options::default());
            assert!(bound.is_valid(), "{}: {:?}", operator.name, bound.problems);
        }
    }

    #[test]
    fn each_has_its_page_and_so_has_each_plugin_that_runs() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/language");
        let runs = plugins().into_iter().filter(|plugin| !matches!(plugin.run, Run::Refused(_)));
        let names = OPERATORS.iter().map(|operator| operator.name).chain(runs.map(|plugin| plugin.name));
        let lacking: Vec<&str> = names.filter(|name| !folder.join(format!("{name}.md")).is_file()).collect();
        assert!(lacking.is_empty(), "without a page in fixtures/language: {lacking:?}");
    }

    #[test]
    fn each_keyword_of_the_grammar_is_listed() {
        // Microsoft's parser knows them; the language reference has no page on any.
        const UNDOCUMENTED: [&str; 3] = ["__executeAndCache", "graph-where-edges", "graph-where-nodes"];
        let listed = |name: &&str| OPERATORS.iter().any(|o| o.name == *name || o.aliases.contains(name));
        let lacking: Vec<&str> = operator_keywords().filter(|name| !listed(name)).collect();
        assert_eq!(lacking, UNDOCUMENTED);
    }

    #[test]
    fn support_is_told_by_binding() {
        let supported = |name| OPERATORS.iter().any(|operator| operator.name == name && operator.is_supported());
        assert!(supported("summarize"));
        assert!(supported("externaldata") && !supported("reduce"));
    }
}

//! Words that belong to the language: keywords, types before a parenthesis, units of time.

use super::Reach;
use crate::syntax::ast::LiteralKind;

/// Tells whether a name and a parenthesis right behind it are a literal.
pub(in crate::syntax) fn is_literal_type(name: &str) -> bool {
    wrapping(name).is_some()
}

/// Returns the kind of literal that a type's name makes of the parenthesis behind it.
pub(super) fn wrapping(word: &str) -> Option<LiteralKind> {
    Some(match word {
        "bool" => LiteralKind::Bool,
        "int" | "int32" => LiteralKind::Int,
        "long" | "int64" => LiteralKind::Long,
        "real" | "double" => LiteralKind::Real,
        "decimal" => LiteralKind::Decimal,
        "datetime" | "date" => LiteralKind::DateTime,
        "timespan" | "time" => LiteralKind::TimeSpan,
        "guid" => LiteralKind::Guid,
        _ => return None,
    })
}

pub(super) fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "d" | "day"
            | "days"
            | "h"
            | "hr"
            | "hrs"
            | "hour"
            | "hours"
            | "m"
            | "min"
            | "minute"
            | "minutes"
            | "s"
            | "sec"
            | "second"
            | "seconds"
            | "ms"
            | "milli"
            | "millis"
            | "millisec"
            | "millisecond"
            | "milliseconds"
            | "micro"
            | "micros"
            | "microsec"
            | "microsecond"
            | "microseconds"
            | "nano"
            | "nanos"
            | "nanosec"
            | "nanosecond"
            | "nanoseconds"
            | "tick"
            | "ticks"
    )
}

/// Keywords with a sign in them.
pub(super) const COMPOUNDS: &[(&str, Reach)] = &[
    ("assert-schema", Reach::Reserved),
    ("commands-and-queries", Reach::Reserved),
    ("granny-asc", Reach::Reserved),
    ("granny-desc", Reach::Reserved),
    ("graph-mark-components", Reach::Reserved),
    ("graph-match", Reach::Reserved),
    ("graph-shortest-paths", Reach::Reserved),
    ("graph-to-table", Reach::Reserved),
    ("graph-where-edges", Reach::Reserved),
    ("graph-where-nodes", Reach::Reserved),
    ("hint.concurrency", Reach::Reserved),
    ("hint.distribution", Reach::Reserved),
    ("hint.materialized", Reach::Reserved),
    ("hint.num_partitions", Reach::Reserved),
    ("hint.progressive_top", Reach::Reserved),
    ("hint.remote", Reach::Reserved),
    ("hint.shufflekey", Reach::Reserved),
    ("hint.spread", Reach::Reserved),
    ("hint.strategy", Reach::Reserved),
    ("in~", Reach::Reserved),
    ("macro-expand", Reach::Reserved),
    ("make-graph", Reach::Reserved),
    ("make-series", Reach::Reserved),
    ("matches regex", Reach::Reserved),
    ("materialized-view-combine", Reach::Reserved),
    ("materialized-views", Reach::Reserved),
    ("mv-apply", Reach::Reserved),
    ("mv-expand", Reach::Reserved),
    ("parse-kv", Reach::Reserved),
    ("parse-where", Reach::Reserved),
    ("partitioned-by", Reach::Reserved),
    ("project-away", Reach::Reserved),
    ("project-by-names", Reach::Reserved),
    ("project-keep", Reach::Reserved),
    ("project-rename", Reach::Reserved),
    ("project-reorder", Reach::Reserved),
    ("project-smart", Reach::Reserved),
    ("sample-distinct", Reach::Declared),
    ("set-or-append", Reach::Reserved),
    ("set-or-replace", Reach::Reserved),
    ("top-hitters", Reach::Declared),
    ("top-nested", Reach::Declared),
];

/// Tells whether a word belongs to the language, and how far it may still be a name.
///
/// The three lists are those of Microsoft's parser, asked one by one; they follow no rule.
#[rustfmt::skip]
pub(super) fn keyword(word: &str) -> Option<Reach> {
    Some(match word {
        "access" | "alias" | "best_effort" | "bin" | "bool" | "consume" | "count" | "database" | "dataformat"
        | "datetime_pattern" | "declare" | "default" | "distinct" | "edges" | "entity_group" | "evaluate" | "extend"
        | "facet" | "filter" | "fork" | "from" | "getschema" | "graph" | "guid" | "id" | "inline_external_table"
        | "join"
        | "let" | "limit" | "lookup" | "mvapply" | "mvexpand" | "nodes" | "null" | "nulls" | "on" | "optional" | "order"
        | "output" | "pack" | "parse" | "__partitionby" | "partition" | "pattern" | "plotly" | "query_parameters"
        | "range" | "reduce" | "regex" | "render" | "restrict" | "scan" | "serialize" | "sort" | "step" | "summarize"
        | "take" | "top" | "typeof" | "uuid" | "view" | "with" | "with_node_id" => Reach::Name,
        "accumulate" | "as" | "by" | "contains" | "datatable" | "earliest" | "externaldata" | "find" | "has" | "in"
        | "invoke" | "latest" | "materialize" | "mdm" | "of" | "print" | "sample" | "search" | "set" | "sql" | "title"
        | "to" | "toscalar" | "totable" | "verbose" | "viewers" | "where" => Reach::Declared,
        "__contextual_datatable" | "__crossCluster" | "__crossDB" | "__executeAndCache" | "__id" | "__isFuzzy"
        | "__noWithSource" | "__packedColumn" | "__projectAway" | "__sourceColumnIndex" | "and" | "anomalychart"
        | "areachart" | "asc" | "bagexpansion" | "barchart" | "between" | "bin_legacy" | "boolean" | "byte"
        | "cachingpolicy" | "callout" | "cancel" | "card" | "char" | "columnchart" | "contains_cs" | "containscs"
        | "cycles" | "dataexport" | "datascope" | "date" | "datetime" | "decimal" | "decodeblocks" | "desc" | "double"
        | "dynamic" | "encodingpolicy" | "endswith" | "endswith_cs" | "expandoutput" | "extent_tags_retention"
        | "external_data" | "first" | "flags" | "float" | "force_remote" | "harddelete" | "hardretention" | "has_all"
        | "has_any" | "has_cs" | "hasprefix" | "hasprefix_cs" | "hassuffix" | "hassuffix_cs" | "hotcache" | "int"
        | "int16" | "int32" | "int64" | "int8" | "isfuzzy" | "journal" | "kind" | "ladderchart" | "last" | "like"
        | "likecs" | "linechart" | "long" | "missing" | "nooptimization" | "notcontains" | "notcontainscs" | "notlike"
        | "notlikecs" | "or" | "others" | "pathformat" | "piechart" | "pivotchart" | "project" | "queries"
        | "query_results" | "real" | "relaxed" | "restricted_view_access" | "row_level_security" | "rowstore"
        | "rowstore_references" | "rowstore_sealinfo" | "rowstorepolicy" | "rowstores" | "scatterchart" | "seal"
        | "seals"
        | "shards" | "simple" | "softdelete" | "softretention" | "stackedareachart" | "startswith" | "startswith_cs"
        | "statistics" | "storedqueryresultcontainers" | "string" | "tablepurge" | "time" | "timechart" | "timeline"
        | "timepivot" | "timespan" | "treemap" | "uint" | "uint16" | "uint32" | "uint64" | "uint8" | "ulong" | "union"
        | "uniqueid" | "unrestrictedviewers" | "views" | "with_itemindex" | "with_match_id" | "with_source"
        | "with_step_name" | "withsource" | "writeaheadlog" => Reach::Reserved,
        _ => return None,
    })
}

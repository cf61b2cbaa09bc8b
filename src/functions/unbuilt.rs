//! Functions of KQL whose signature is known and which are not built yet: they bind, and are refused by name when run.
//!
//! Signatures and names of results are those of Microsoft's parser.

use super::{Function, Kernel, Kind, Naming, Overload, Parameter, Returns, one};
use crate::types::ScalarType;

const TWO_LINES: Returns = Returns::Columns(&[
    ("rsquare", ScalarType::Real),
    ("split_idx", ScalarType::Long),
    ("variance", ScalarType::Real),
    ("rvariance", ScalarType::Real),
    ("line_fit", ScalarType::Dynamic),
    ("right_rsquare", ScalarType::Real),
    ("right_slope", ScalarType::Real),
    ("right_interception", ScalarType::Real),
    ("right_variance", ScalarType::Real),
    ("right_rvariance", ScalarType::Real),
    ("left_rsquare", ScalarType::Real),
    ("left_slope", ScalarType::Real),
    ("left_interception", ScalarType::Real),
    ("left_variance", ScalarType::Real),
    ("left_rvariance", ScalarType::Real),
]);

const NONE: Naming = Naming::None;

const STRING: Returns = Returns::Type(ScalarType::String);
const LONG: Returns = Returns::Type(ScalarType::Long);
const BOOL: Returns = Returns::Type(ScalarType::Bool);
const DYNAMIC: Returns = Returns::Type(ScalarType::Dynamic);
const GUID: Returns = Returns::Type(ScalarType::Guid);

/// Makes a function that takes one parameter's name to the parameter.
macro_rules! parameters {
    ($($name:ident $kind:expr;)*) => {
        $(const fn $name(name: &'static str) -> Parameter {
            one(name, $kind)
        })*
    };
}
parameters! {
    string Kind::Is(ScalarType::String);
    boolean Kind::Is(ScalarType::Bool);
    dynamic Kind::Dynamic;
    text Kind::Text;
    any Kind::Any;
    plain Kind::NotDynamic;
}

/// Declares functions: name, summary, page, naming, and the signatures.
macro_rules! functions {
    ($($name:literal, $summary:literal, $page:literal, $naming:expr,
       [$(($($parameter:expr),*) -> $returns:expr),+];)*) => {
        &[$(Function {
            name: $name,
            aliases: &[],
            summary: $summary,
            naming: $naming,
            overloads: &[$(Overload { parameters: &[$($parameter),*], returns: $returns, kernel: Kernel::Unbuilt }),+],
            examples: &[],
            page: $page,
        }),*]
    };
}

/// The signatures.
pub const FUNCTIONS: &[Function] = functions! {
    "parse_user_agent", "Takes the user agent of a browser apart.",
        "parse-user-agent-function", NONE, [(string("user_agent"), text("look_for").optional()) -> DYNAMIC];
    "hash_combine", "Combines hashes to one.",
        "hash-combine-function", NONE, [(any("source").repeated(2, 32767)) -> LONG];
    "hash_many", "Gives one hash of several values.",
        "hash-many-function", NONE, [(plain("source").repeated(1, 32767)) -> LONG];
    "tdigest_isvalid", "Tells whether a value is a t-digest.",
        "tdigest-isvalid-function", NONE, [(dynamic("digest"), any("value")) -> BOOL];
    "hll_isvalid", "Tells whether a value is a HyperLogLog sketch.",
        "hll-isvalid-function", NONE, [(dynamic("hll"), any("value")) -> BOOL];
    "series_fit_2lines", "Fits two lines to a series.",
        "series-fit-2lines-function", NONE, [(dynamic("array")) -> TWO_LINES];
    "series_fit_2lines_dynamic", "Fits two lines to a series, as a bag.",
        "series-fit-2lines-dynamic-function", NONE, [(dynamic("series")) -> DYNAMIC];
    "current_cluster_endpoint", "Gives the address of the cluster.",
        "current-cluster-endpoint-function", NONE, [() -> STRING];
    "current_database", "Gives the name of the database.", "current-database-function", NONE, [() -> STRING];
    "current_principal_details", "Gives details of who runs the query.",
        "current-principal-details-function", NONE, [() -> DYNAMIC];
    "current_principal_is_member_of", "Tells whether who runs the query is in a group.",
        "current-principal-is-member-of-function", NONE, [(text("group").repeated(1, 64)) -> BOOL];
    "extent_id", "Gives the id of the shard a record lies in.", "extent-id-function", NONE, [() -> GUID];
    "extentid", "Gives the id of the shard a record lies in.", "extent-id-function", NONE, [() -> GUID];
    "extent_tags", "Gives the tags of the shard a record lies in.", "extent-tags-function", NONE, [() -> DYNAMIC];
    "current_node_id", "Gives the id of the node.", "current-node-id-function", NONE, [() -> STRING];
    "row_id", "Gives the id of a record.", "row-id-function", NONE, [() -> STRING];
    "cursor_after", "Tells whether a record came after a cursor.",
        "cursor-after-function", NONE, [(string("cursor")) -> BOOL];
    "cursor_before_or_at", "Tells whether a record came no later than a cursor.",
        "cursor-before-or-at-function", NONE, [(string("cursor")) -> BOOL];
    "cursor_current", "Gives the cursor of the database.", "cursor-current-function", NONE, [() -> STRING];
    "current_cursor", "Gives the cursor of the database.", "cursor-current-function", NONE, [() -> STRING];
    "rowstore_ordinal_range", "Gives a range of ordinals in the row store.",
        "rowstore-ordinal-range-function", NONE, [() -> DYNAMIC];
    "row_rank", "Numbers distinct values in the order of rows.",
        "row-rank-dense-function", NONE, [(plain("column"), boolean("dense").constant().optional()) -> LONG];
};

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;

    #[test]
    fn nothing_here_is_built() {
        for built in super::super::scalar::families().into_iter().flatten() {
            let is_built = |name: &str| name == built.name || built.aliases.contains(&name);
            let listed = FUNCTIONS.iter().any(|function| is_built(function.name));
            assert!(!listed, "{} is built: take it out of this list", built.name);
        }
    }
}

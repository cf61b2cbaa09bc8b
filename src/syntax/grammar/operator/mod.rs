//! Tabular operators, one function per keyword.

mod evaluate;
mod filter;
mod find;
mod fork;
mod graph;
mod join;
mod macro_expand;
mod make_series;
mod mv;
mod other;
mod parse;
mod partition;
mod project;
mod reduce;
pub(in crate::syntax) mod render;
mod sample;
mod scan;
mod sort;
mod summarize;
mod top;
mod union;

use super::name::{name_length, plain};
use super::parameter::is_parameter_at;
use super::tokens::{Read, Tokens, absent, optional, pass_over};
use crate::diagnostic::{Diagnostic, nearest};
use crate::syntax::ast::{Name, Operator, OperatorKind};
use crate::syntax::lexer::{Reach, TokenKind};

/// What stands behind an operator's keyword.
type Production = for<'a> fn(Tokens<'a>) -> Read<'a, OperatorKind>;

/// Every operator by its keyword; some have two.
#[rustfmt::skip]
const OPERATORS: &[(&str, Production)] = &[
    ("where", filter::filter),
    ("project", project::project),
    ("extend", project::extend),
    ("summarize", summarize::summarize),
    ("join", join::join),
    ("take", sample::take),
    ("limit", sample::take),
    ("sort", sort::sort),
    ("order", sort::sort),
    ("mv-expand", mv::mv_expand),
    ("mvexpand", mv::mv_expand),
    ("count", other::count),
    ("distinct", project::distinct),
    ("top", top::top),
    ("union", union::union),
    ("project-away", project::project_away),
    ("project-keep", project::project_keep),
    ("project-rename", project::project_rename),
    ("project-reorder", project::project_reorder),
    ("project-by-names", project::project_by_names),
    ("parse", parse::parse),
    ("parse-where", parse::parse_where),
    ("parse-kv", parse::parse_kv),
    ("evaluate", evaluate::evaluate),
    ("invoke", evaluate::invoke),
    ("render", render::render),
    ("make-series", make_series::make_series),
    ("mv-apply", mv::mv_apply),
    ("mvapply", mv::mv_apply),
    ("lookup", join::lookup),
    ("as", other::as_name),
    ("filter", filter::filter),
    ("serialize", project::serialize),
    ("print", project::print),
    ("range", other::range),
    ("search", find::search),
    ("find", find::find),
    ("getschema", other::getschema),
    ("sample", sample::sample),
    ("sample-distinct", sample::sample_distinct),
    ("top-nested", top::top_nested),
    ("top-hitters", top::top_hitters),
    ("reduce", reduce::reduce),
    ("partition", partition::partition),
    ("fork", fork::fork),
    ("facet", fork::facet),
    ("scan", scan::scan),
    ("consume", other::consume),
    ("assert-schema", other::assert_schema),
    ("__executeAndCache", other::execute_and_cache),
    ("macro-expand", macro_expand::macro_expand),
    ("make-graph", graph::make_graph),
    ("graph-match", graph::graph_match),
    ("graph-shortest-paths", graph::graph_shortest_paths),
    ("graph-to-table", graph::graph_to_table),
    ("graph-mark-components", graph::graph_mark_components),
    ("graph-where-nodes", graph::graph_where_nodes),
    ("graph-where-edges", graph::graph_where_edges),
];

/// Lists the keywords of all operators.
pub fn operator_keywords() -> impl Iterator<Item = &'static str> {
    let mut keywords: Vec<&str> = OPERATORS.iter().map(|(keyword, _)| *keyword).collect();
    keywords.sort_unstable();
    keywords.into_iter()
}

/// Tells whether an operator has this keyword.
pub(super) fn is_operator_name(word: &str) -> bool {
    OPERATORS.iter().any(|(keyword, _)| *keyword == word)
}

/// An operator without the pipe before it.
///
/// `where x > 1`
pub(super) fn operator(input: Tokens<'_>) -> Read<'_, Operator> {
    if !matches!(input.kind(), TokenKind::Keyword(_)) {
        return absent();
    }
    let is_function = input.is_any_word(&["count", "range"]) && input.kind_at(1) == TokenKind::OpenParen;
    let text = input.text();
    match OPERATORS.iter().find(|(keyword, _)| *keyword == text) {
        Some((_, production)) if !is_function => {
            let (rest, keyword) = plain(input, 1);
            let (rest, kind) = production(rest)?;
            Ok((rest, Operator { span: input.span_to(rest), keyword, kind }))
        }
        _ => absent(),
    }
}

/// Reads an operator; what stands in its place is reported and passed over.
pub(super) fn required_operator(input: Tokens<'_>) -> Read<'_, Operator> {
    match optional(input, operator)? {
        (rest, Some(operator)) => Ok((rest, operator)),
        (_, None) => Ok(unknown_operator(input)),
    }
}

fn unknown_operator(input: Tokens<'_>) -> (Tokens<'_>, Operator) {
    if input.kind() != TokenKind::Identifier {
        let problem = Diagnostic::error("KS176", input.here(), "an operator is missing behind `|`");
        input.report(match closest_operator_help(input) {
            Some(help) => problem.help(help),
            None => problem,
        });
        let rest = pass_over(input);
        let keyword = Name { span: input.here(), text: String::new(), quoted: false };
        return (rest, Operator { span: input.span_to(rest), keyword, kind: OperatorKind::Error });
    }
    let (rest, keyword) = plain(input, 1);
    let problem = Diagnostic::error("KS176", keyword.span, format!("there is no operator `{}`", keyword.text));
    input.report(match closest_operator_help(input) {
        Some(help) => problem.help(help),
        None => problem,
    });
    let rest = pass_over(rest);
    (rest, Operator { span: input.span_to(rest), keyword, kind: OperatorKind::Error })
}

/// Guesses which operator was meant by the word that stands here.
pub(super) fn closest_operator_help(input: Tokens<'_>) -> Option<String> {
    let word = dashed_word(input)?;
    let known = match word.to_lowercase().as_str() {
        "select" => Some("project"),
        "group" | "groupby" | "stats" => Some("summarize"),
        "orderby" => Some("order by"),
        "eval" => Some("extend"),
        "head" => Some("take"),
        "rename" => Some("project-rename"),
        "drop" => Some("project-away"),
        "dedup" => Some("distinct"),
        _ => nearest(&word, OPERATORS.iter().map(|(keyword, _)| *keyword)),
    };
    known.map(|known| format!("did you mean `{known}`?"))
}

/// Returns the word here, with what is tied to it by `-`.
fn dashed_word(input: Tokens<'_>) -> Option<String> {
    let is_word = |n: usize| matches!(input.kind_at(n), TokenKind::Identifier | TokenKind::Keyword(_));
    if !is_word(0) {
        return None;
    }
    let more =
        (1..).take_while(|n| input.touches(*n) && (is_word(*n) || input.kind_at(*n) == TokenKind::Minus)).count();
    Some(input.text_of(input.span_to(input.skip(1 + more))).to_string())
}

/// Tells whether a word that may also be a name is an operator here, judged by what follows it.
pub(super) fn begins_operator(input: Tokens<'_>) -> bool {
    let TokenKind::Keyword(reach) = input.kind() else { return false };
    match input.text() {
        "evaluate" => name_length(input, 1).is_some() || is_parameter_at(input, 1),
        "facet" => input.is_word_at(1, "by"),
        "partition" | "reduce" => input.is_word_at(1, "by") || is_parameter_at(input, 1),
        "range" => name_length(input, 1).is_some_and(|length| input.is_word_at(1 + length, "from")),
        "render" => matches!(input.kind_at(1), TokenKind::Identifier | TokenKind::Keyword(_)),
        word => reach != Reach::Name && is_operator_name(word),
    }
}

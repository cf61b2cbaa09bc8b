//! The parameters of operators: which of them an operator knows, and what they take.
//!
//! The lists and the codes are those of Microsoft's parser. Hints tell Kusto's engine how to run a query; no row of a
//! result depends on them, so they are checked and then forgotten.

use std::rc::Rc;

use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::diagnostic::{Diagnostic, nearest};
use crate::syntax::ast::{ExprKind, Literal, LiteralKind, OperatorKind, OperatorParameter};

/// What a parameter takes.
#[derive(Clone, Copy)]
pub(in crate::bind) enum Takes {
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words in any letter case, or a number.
    WordOrNumber(&'static [&'static str]),
    /// `true` or `false`
    Bool,
    /// A literal.
    Integer,
    /// A literal.
    Text,
    /// The name of a column of the input. It may stand more than once.
    Column,
    /// Whatever can be evaluated over the input.
    Bound,
    /// A word that its operator looks at.
    AnyWord,
    /// A new name, or whatever else its operator looks at.
    Any,
}

use Takes::{Any, AnyWord, Bool, Bound, Column, Integer, Text, Word, WordOrNumber};

pub(in crate::bind) type Known = &'static [(&'static str, Takes)];

const STRATEGIES: Takes = Word(&["auto", "broadcast", "centralized", "shuffle"]);
const REMOTES: Takes = Word(&["auto", "left", "local", "right", "unresolved"]);
const CONCURRENCIES: Takes = WordOrNumber(&["auto", "left", "local", "right", "unresolved"]);
const SPREADS: Takes = WordOrNumber(&["auto", "local"]);

const NONE: Known = &[];
const CONSUME: Known = &[("decodeblocks", Bool)];
const DISTINCT: Known = &[("hint.shufflekey", Column), ("hint.strategy", STRATEGIES), ("hint.num_partitions", Integer)];
const EVALUATE: Known = &[
    ("hint.distribution", Word(&["single", "per_node", "per_shard", "default"])),
    ("hint.remote", Word(&["auto", "local"])),
];
const FIND: Known = &[("withsource", Any), ("with_source", Any)];
const JOIN: Known = &[
    (
        "kind",
        Word(&[
            "inner",
            "fullouter",
            "innerunique",
            "leftanti",
            "leftantisemi",
            "anti",
            "leftouter",
            "leftsemi",
            "rightanti",
            "rightantisemi",
            "rightouter",
            "rightsemi",
        ]),
    ),
    ("hint.remote", REMOTES),
    ("hint.shufflekey", Column),
    ("hint.strategy", STRATEGIES),
    ("hint.num_partitions", Integer),
];
const LOOKUP: Known = &[("kind", Word(&["inner", "leftouter"]))];
const MAKE_SERIES: Known =
    &[("kind", Word(&["nonempty"])), ("hint.shufflekey", Column), ("hint.strategy", Any), ("hint.num_partitions", Any)];
const MV_EXPAND: Known =
    &[("kind", Word(&["bag", "array"])), ("bagexpansion", Word(&["bag", "array"])), ("with_itemindex", Any)];
const MV_APPLY: Known = &[("with_itemindex", Any)];
const PARSE: Known = &[("kind", Word(&["simple", "regex", "relaxed"])), ("flags", AnyWord)];
/// What stands behind `with`.
const PARSE_KV: Known = &[
    ("pair_delimiter", Text),
    ("kv_delimiter", Text),
    ("quote", Text),
    ("escape", Text),
    ("regex", Text),
    ("greedy", Bool),
];
const PARTITION: Known = &[
    ("hint.concurrency", Any),
    ("hint.spread", Any),
    ("hint.materialized", Any),
    ("hint.shufflekey", Any),
    ("hint.strategy", Any),
];
const REDUCE: Known = &[("kind", Word(&["source"]))];
const SCAN: Known = &[("kind", Word(&["partial", "full"])), ("with_match_id", Any)];
const SEARCH: Known = &[("kind", Word(&["default", "case_insensitive", "case_sensitive"]))];
const SORT: Known = &[("hint.strategy", Word(&["splitBlock", "multipleBlocks"]))];
const SUMMARIZE: Known =
    &[("hint.shufflekey", Column), ("hint.strategy", Word(&["shuffle"])), ("hint.num_partitions", Integer)];
const TOP: Known = &[("hint.progressive_top", Any)];
const UNION: Known = &[
    ("kind", Word(&["inner", "outer"])),
    ("withsource", Any),
    ("with_source", Any),
    ("isfuzzy", Bool),
    ("__isFuzzy", Bool),
    ("best_effort", Bool),
    ("hint.concurrency", CONCURRENCIES),
    ("hint.spread", SPREADS),
];

/// What takes the name of a column wherever it stands; it is looked up even by an operator that does not know it.
const ALWAYS_BOUND: &[&str] = &["hint.pass_filters_column", "hint.shufflekey", "__packedColumn"];

/// Returns what an operator was given and what it knows, or that it takes all; None where the operator looks at its
/// parameters itself.
fn parameters(kind: &OperatorKind) -> Option<(&[OperatorParameter], Option<Known>)> {
    let (given, known) = match kind {
        OperatorKind::As { parameters, .. } => return Some((parameters, None)),
        OperatorKind::MakeGraph(make) => return Some((&make.parameters, None)),
        OperatorKind::Consume { parameters } => (parameters, CONSUME),
        OperatorKind::Distinct { parameters, .. } => (parameters, DISTINCT),
        OperatorKind::Evaluate { parameters, .. } => (parameters, EVALUATE),
        OperatorKind::Find(find) => (&find.parameters, FIND),
        OperatorKind::Join { parameters, .. } => (parameters, JOIN),
        OperatorKind::Lookup { parameters, .. } => (parameters, LOOKUP),
        OperatorKind::MakeSeries(series) => (&series.parameters, MAKE_SERIES),
        OperatorKind::MvApply(apply) => (&apply.parameters, MV_APPLY),
        OperatorKind::MvExpand { parameters, .. } => (parameters, MV_EXPAND),
        OperatorKind::Parse(parse) => (&parse.parameters, PARSE),
        OperatorKind::ParseKv { properties, .. } => (properties, PARSE_KV),
        OperatorKind::Partition { parameters, .. } => (parameters, PARTITION),
        OperatorKind::Reduce { parameters, .. } => (parameters, REDUCE),
        OperatorKind::Scan(scan) => (&scan.parameters, SCAN),
        OperatorKind::Search { parameters, .. } => (parameters, SEARCH),
        OperatorKind::Sort { parameters, .. } => (parameters, SORT),
        OperatorKind::Summarize(summarize) => (&summarize.parameters, SUMMARIZE),
        OperatorKind::Sample { parameters, .. }
        | OperatorKind::SampleDistinct { parameters, .. }
        | OperatorKind::Serialize { parameters, .. }
        | OperatorKind::Take { parameters, .. }
        | OperatorKind::Where { parameters, .. } => (parameters, NONE),
        OperatorKind::Top { parameters, .. } => (parameters, TOP),
        OperatorKind::Union { parameters, .. } => (parameters, UNION),
        _ => return None,
    };
    Some((given, Some(known)))
}

impl Binder<'_> {
    /// Checks the parameters of an operator against those that it knows.
    pub(in crate::bind) fn check_parameters(&mut self, kind: &OperatorKind, input: Option<&Table>, scope: &Rc<Scope>) {
        let Some((given, known)) = parameters(kind) else { return };
        // The rows of a union are those of its tables.
        let input = input.filter(|_| !matches!(kind, OperatorKind::Union { .. }));
        self.check_given(given, known, input, scope);
    }

    /// Checks parameters against those that are known; None where every one is.
    pub(in crate::bind) fn check_given(
        &mut self,
        given: &[OperatorParameter],
        known: Option<Known>,
        input: Option<&Table>,
        scope: &Rc<Scope>,
    ) {
        let mut seen: Vec<&str> = Vec::new();
        for parameter in given {
            let name = parameter.name.text.as_str();
            let Some((_, takes)) = known.unwrap_or_default().iter().find(|(other, _)| *other == name) else {
                if ALWAYS_BOUND.contains(&name) {
                    self.check_parameter(parameter, Bound, input, scope);
                }
                let Some(known) = known else { continue };
                let message = format!("`{name}` is no parameter of this operator; it is passed over");
                let mut problem = Diagnostic::warning("KS179", parameter.name.span, message);
                if let Some(near) = nearest(name, known.iter().map(|(name, _)| *name)) {
                    problem = problem.help(format!("did you mean `{near}`?"));
                }
                self.problem(problem);
                continue;
            };
            if seen.contains(&name) && !matches!(takes, Takes::Column) {
                self.error("KS180", parameter.name.span, format!("`{name}` has been given before"));
            }
            seen.push(name);
            self.check_parameter(parameter, *takes, input, scope);
        }
    }

    fn check_parameter(
        &mut self,
        parameter: &OperatorParameter,
        takes: Takes,
        input: Option<&Table>,
        scope: &Rc<Scope>,
    ) {
        let span = parameter.value.span;
        let literal = match &parameter.value.kind {
            ExprKind::Literal(Literal::Typed { kind, .. }) => Some(*kind),
            _ => None,
        };
        let is_number =
            matches!(literal, Some(LiteralKind::Int | LiteralKind::Long | LiteralKind::Real | LiteralKind::Decimal));
        match takes {
            Any => {}
            AnyWord if matches!(parameter.value.kind, ExprKind::Name(_) | ExprKind::Error) => {}
            AnyWord => self.error("KS005", span, "a word is expected"),
            Word(words) => self.check_word(parameter, words, false),
            WordOrNumber(_) if is_number => {}
            WordOrNumber(words) => self.check_word(parameter, words, true),
            Bool if literal == Some(LiteralKind::Bool) => {}
            Bool => self.error("KS223", span, "`true` or `false` is expected"),
            Integer if matches!(literal, Some(LiteralKind::Int | LiteralKind::Long)) => {}
            Integer => self.error("KS221", span, "an integer is expected"),
            Text if matches!(parameter.value.kind, ExprKind::Literal(Literal::String(_))) => {}
            Text => self.error("KS222", span, "a text is expected"),
            Bound => {
                let cx = input.map_or_else(|| Context::rowless(scope), |input| Context::row(scope, input));
                self.scalar(&parameter.value, &cx);
            }
            Column => {
                let Some(input) = input else { return };
                let is_column = match &parameter.value.kind {
                    ExprKind::Name(name) => input.node.columns.iter().any(|column| column.name == name.text),
                    _ => false,
                };
                // Says what is wrong with a name that is none.
                if !is_column && self.scalar(&parameter.value, &Context::row(scope, input)).scalar_type.is_some() {
                    self.error("KS109", span, "the name of a column is expected");
                }
            }
        }
    }

    fn check_word(&mut self, parameter: &OperatorParameter, words: &[&'static str], any_case: bool) {
        let text = match &parameter.value.kind {
            ExprKind::Name(name) => name.text.as_str(),
            ExprKind::Literal(Literal::String(text) | Literal::Typed { text, .. }) => text.as_str(),
            // A problem of the syntax says why.
            ExprKind::Error => return,
            _ => "",
        };
        let is_hint = any_case || parameter.name.text.starts_with("hint.");
        if words.iter().any(|word| *word == text || is_hint && word.eq_ignore_ascii_case(text)) {
            return;
        }
        let message = format!("`{}` is one of {}", parameter.name.text, words.join(", "));
        let mut problem = Diagnostic::error("KS005", parameter.value.span, message);
        if let Some(near) = nearest(text, words.iter().copied()) {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        self.problem(problem);
    }
}

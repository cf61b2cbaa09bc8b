//! Calls: overload resolution over the library, functions that only the binder can compute, and functions of the user's.

use std::ops::Range;
use std::rc::Rc;

use super::expression::{Part, Scalar, common_number, to, wide};
use super::name::part_names;
use super::pattern;
use super::scope::{Binding, Context, Function, Scope};
use super::seen::Seen;
use super::signature::{self, Library, Verdict};
use super::statement::Outcome;
use super::{Binder, MAX_CALLS, MOST_CALLS, Table};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::functions::{self, Kernel, Kind, Overload, Parameter, Returns, Rule, aggregate};
use crate::plan::{Expr, Node, WindowCall, WindowFunction};
use crate::syntax::ast::{self, Argument, ExprKind, ParameterKind};
use crate::types::{Column, ScalarType, Value};

/// Functions over text that take no dynamic, unlike the others (measured).
const NO_DYNAMIC: &[&str] = &["countof", "extract", "replace_string", "trim", "trim_end", "trim_start", "url_encode"];

/// Functions that stand in no family of the library: only the binder can compute them.
const SPECIAL: &[&str] = &[
    "toscalar",
    "now",
    "ago",
    "not",
    "column_ifexists",
    "iscolumnexists",
    "columnifexists",
    "pack_all",
    "bag_pack_columns",
    "ingestion_time",
    "row_number",
    "row_rank_min",
    "row_rank_dense",
    "row_cumsum",
    "row_window_session",
    "prev",
    "next",
    "typeof",
    "materialize",
    "column_names_of",
    "current_principal",
    "bin_auto",
    "estimate_data_size",
    "iff",
    "iif",
    "case",
    "coalesce",
    "assert",
    "database",
    "cluster",
    "workspace",
    "app",
];

/// Conversions, each with the type that it gives.
const CONVERSIONS: &[(&str, ScalarType)] = &[
    ("tostring", ScalarType::String),
    ("toint", ScalarType::Int),
    ("tolong", ScalarType::Long),
    ("toreal", ScalarType::Real),
    ("todouble", ScalarType::Real),
    ("tobool", ScalarType::Bool),
    ("toboolean", ScalarType::Bool),
    ("todatetime", ScalarType::DateTime),
    ("totimespan", ScalarType::TimeSpan),
    ("toguid", ScalarType::Guid),
    ("todecimal", ScalarType::Decimal),
];

/// The names of `parse_json`.
const PARSES_JSON: &[&str] = &["parse_json", "parsejson", "todynamic", "toobject"];

/// Returns the type that a conversion of this name gives; conversions pass on the name of their argument.
pub(super) fn converts_to(name: &str) -> Option<ScalarType> {
    let listed = CONVERSIONS.iter().find(|(n, _)| *n == name).map(|(_, scalar_type)| *scalar_type);
    listed.or_else(|| PARSES_JSON.contains(&name).then_some(ScalarType::Dynamic))
}

fn is_conversion(name: &str) -> bool {
    converts_to(name).is_some()
}

/// Tells whether a name is one that only the binder computes.
pub(super) fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name) || is_conversion(name) || is_aggregate(name)
}

fn is_aggregate(name: &str) -> bool {
    aggregate::aggregate(name).is_some() || aggregate::CONDITIONAL.iter().any(|(n, _, _)| *n == name)
}

/// An argument that is bound, with its place.
pub(super) struct Bound {
    pub scalar: Scalar,
    pub span: Span,
}

/// What became of an expression, for the call that it is an argument of.
pub(super) struct Note {
    /// The address of the expression: what tells it from all others.
    expr: usize,
    seen: Seen,
    constant: bool,
    column: bool,
    literal: bool,
    problems: Range<usize>,
    strict: Range<usize>,
}

/// Where lists stood before an expression was bound.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    notes: usize,
    problems: usize,
    strict: usize,
}

impl Binder<'_> {
    pub(super) fn mark(&self) -> Mark {
        Mark { notes: self.notes.len(), problems: self.problems.len(), strict: self.strict.len() }
    }

    /// Notes what became of an expression; what was noted of its parts is nobody's concern any more.
    pub(super) fn note(&mut self, expr: &ast::Expr, scalar: &Scalar, from: Mark) {
        self.notes.truncate(from.notes);
        self.notes.push(Note {
            expr: std::ptr::from_ref(expr).addr(),
            seen: scalar.seen(),
            // A parameter is one, where its function is bound without being called.
            constant: self.sketched > 0 || is_constant(&scalar.expr),
            column: matches!(scalar.expr, Expr::Column(_)),
            literal: matches!(expr.kind, ExprKind::Literal(_)),
            problems: from.problems..self.problems.len(),
            strict: from.strict..self.strict.len(),
        });
    }

    /// Binds a call with the library's overloads, and holds it against the signatures of Microsoft's parser.
    ///
    /// Where the parser finds fault, its word counts. Where it finds none and the library has no overload, the query is
    /// valid and is not run.
    pub(super) fn judged<R>(
        &mut self,
        library: Library,
        name: &ast::Name,
        arguments: &[Argument],
        bind: impl FnOnce(&mut Self) -> R,
    ) -> (R, Option<Seen>) {
        let from = self.mark();
        let result = bind(self);
        let notes = self.notes.split_off(from.notes);
        let known: Vec<signature::Argument> = arguments.iter().map(|argument| known_of(argument, &notes)).collect();
        let Some(verdict) = signature::judge(library, &name.text, name.span, &known) else { return (result, None) };
        let own = |range: Range<usize>, of: fn(&Note) -> &Range<usize>| -> Vec<usize> {
            range.filter(|index| !notes.iter().any(|note| of(note).contains(index))).collect()
        };
        let strict = own(from.strict..self.strict.len(), |note| &note.strict);
        strict.into_iter().rev().for_each(|index| drop(self.strict.remove(index)));
        let mut mine: Vec<Diagnostic> = Vec::new();
        for index in own(from.problems..self.problems.len(), |note| &note.problems).into_iter().rev() {
            if self.problems[index].is_error() {
                mine.push(self.problems.remove(index));
            }
        }
        // A star that stands wrongly is told once, and never runs.
        let Verdict { problems, returns } = verdict;
        let (stars, problems): (Vec<Diagnostic>, Vec<_>) = problems.into_iter().partition(|p| p.code == "KS191");
        let is_told =
            |problem: &Diagnostic| problem.code == "KS198" && stars.iter().any(|star| star.span == problem.span);
        let mut index = 0;
        self.problems.retain(|problem| {
            index += 1;
            index <= from.problems || !is_told(problem)
        });
        self.problems.extend(stars);
        if problems.is_empty() {
            self.refusals.extend(mine.into_iter().map(|problem| Diagnostic { code: "AQ050", ..problem }));
        } else if mine.is_empty() {
            self.strict.extend(problems);
        } else {
            // The library knows the names of parameters.
            let better = |problem: Diagnostic| match mine.iter().find(|m| m.span == problem.span) {
                Some(own) => Diagnostic { code: problem.code, ..own.clone() },
                None => problem,
            };
            self.problems.extend(problems.into_iter().map(better));
        }
        (result, returns)
    }

    /// Gives a value the type that Microsoft's parser sees, as far as nobody computes it.
    pub(super) fn agreed(&mut self, scalar: Scalar, returns: Option<Seen>) -> Scalar {
        let Some(seen) = returns else { return scalar };
        match seen.scalar_type() {
            Some(scalar_type) if scalar.scalar_type == Some(scalar_type) => scalar.with(seen),
            Some(scalar_type) if self.catalog.is_for_checks() || scalar.scalar_type.is_none() => {
                self.runnable = false;
                Scalar::placeholder(scalar_type).with(seen)
            }
            None if self.catalog.is_for_checks() => {
                self.runnable = false;
                Scalar::unknown()
            }
            _ => scalar,
        }
    }

    pub(super) fn call(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        if matches!(cx.scope.find(&name.text), Some(Binding::Function(_))) {
            return self.called(name, arguments, span, cx);
        }
        let library = match cx.aggregates {
            Some(_) if signature::is_known(Library::Aggregates, &name.text) => Library::Aggregates,
            // In a pattern they are held against the pattern, elsewhere they do not exist.
            _ if pattern::is_of_patterns(&name.text) => return self.called(name, arguments, span, cx),
            _ => Library::Functions,
        };
        let (scalar, returns) =
            self.judged(library, name, arguments, |binder| binder.called(name, arguments, span, cx));
        self.agreed(scalar, returns)
    }

    fn called(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        // A user's function beats one of the library (documented: a `let` may not take a built-in's name; the parser
        // lets it).
        if let Some(Binding::Function(function)) = cx.scope.find(&name.text) {
            return self.call_function_scalar(&function, arguments, span, cx);
        }
        if let Some(scalar) = self.pattern_call(name, arguments, span, cx) {
            return scalar;
        }
        if let Some(collected) = cx.aggregates
            && is_aggregate(&name.text)
        {
            return self.aggregate_call(name, arguments, span, cx, collected);
        }
        if let Some(scalar) = self.special_call(name, arguments, span, cx) {
            return scalar;
        }
        if let Some(function) = functions::scalar_function(&name.text) {
            let bound: Vec<Bound> = arguments.iter().map(|a| self.argument(a, cx)).collect();
            let scalar = self.resolve(function, &name.text, bound, span, name.span);
            return self.with_parts(scalar, function, &name.text, arguments, cx);
        }
        if let Some(scalar) = self.stored_scalar(&name.text, arguments, span, cx) {
            return scalar;
        }
        for argument in arguments {
            if !matches!(argument.value.kind, ExprKind::Star) {
                self.scalar(&argument.value, cx);
            }
        }
        if is_aggregate(&name.text) {
            self.problem(
                Diagnostic::error("KS126", name.span, format!("the aggregate `{}` can't be used here", name.text))
                    .help("aggregates belong to `summarize` and `make-series`"),
            );
            return Scalar::unknown();
        }
        if signature::is_known(Library::Functions, &name.text) && !pattern::is_of_patterns(&name.text) {
            self.unsupported(span, format_args!("`{}()`", name.text));
            return Scalar::unknown();
        }
        self.unknown_function(name, cx);
        Scalar::unknown()
    }

    pub(super) fn unknown_function(&mut self, name: &ast::Name, cx: &Context) {
        let scope_names = cx.scope.names();
        let library = functions::scalar_functions();
        let aggregates = aggregate::aggregates();
        let candidates = library
            .iter()
            .map(|f| f.name)
            .chain(aggregates.iter().map(|a| a.name))
            .chain(SPECIAL.iter().copied())
            .chain(CONVERSIONS.iter().map(|(n, _)| *n))
            .chain(PARSES_JSON.iter().copied())
            .chain(scope_names.iter().map(String::as_str))
            .chain(self.catalog.functions().iter().map(|function| function.name.as_str()))
            .filter(|n| n.starts_with(|c: char| c.is_alphabetic() || c == '_'));
        let mut problem = Diagnostic::error("KS211", name.span, format!("there is no function `{}`", name.text));
        problem = match nearest(&name.text, candidates) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("if the workspace has it saved, give its file with --functions PATH"),
        };
        self.problem(problem);
    }

    fn argument(&mut self, argument: &Argument, cx: &Context) -> Bound {
        let span = argument.value.span;
        if let ExprKind::Call { name, arguments } = &argument.value.kind
            && name.text == "typeof"
        {
            let from = self.mark();
            let scalar = self.type_literal(arguments, span);
            self.note(&argument.value, &scalar, from);
            if let Some(note) = self.notes.last_mut() {
                note.literal = true;
            }
            return Bound { scalar, span };
        }
        Bound { scalar: self.scalar(&argument.value, cx), span }
    }

    fn type_literal(&mut self, arguments: &[Argument], span: Span) -> Scalar {
        match arguments {
            [Argument { value: ast::Expr { kind: ExprKind::Name(name), .. }, .. }] => {
                let scalar_type = self.type_name(name);
                Scalar { literal: true, ..Scalar::known(Expr::Literal(Value::Null(scalar_type))) }
            }
            _ => {
                self.error("KS147", span, "`typeof` takes the name of one type");
                Scalar::unknown()
            }
        }
    }

    /// Refuses arguments that Microsoft's parser lets pass and its engine does not (measured).
    fn refuse_what_the_engine_does(
        &mut self,
        function: &str,
        called: &str,
        common: Option<ScalarType>,
        arguments: &[Bound],
    ) {
        if function == "coalesce"
            && let Some(common) = common
            && let Some(other) = arguments.iter().find(|argument| argument.scalar.is_mixed_with(common))
        {
            let found = other.scalar.column_type();
            let message = format!("this value is of type {found} and another of type {common}: convert one of them");
            self.refuse("AQ018", other.span, message);
        }
        let is_dynamic = |argument: &&Bound| argument.scalar.scalar_type == Some(ScalarType::Dynamic);
        if NO_DYNAMIC.contains(&function)
            && let Some(argument) = arguments.iter().find(is_dynamic)
        {
            let message = format!("`{called}` takes no dynamic value");
            self.refusals.push(Diagnostic::error("AQ015", argument.span, message).help("convert it with tostring()"));
        }
    }

    /// Chooses an overload and calls it.
    pub(super) fn resolve(
        &mut self,
        function: &'static functions::Function,
        called: &str,
        arguments: Vec<Bound>,
        span: Span,
        name_span: Span,
    ) -> Scalar {
        let signatures: Vec<_> = function.overloads.iter().map(|o| o.parameters).collect();
        let Some((index, kinds)) = self.choose_overload(&signatures, called, &arguments, span, name_span) else {
            return match function.overloads {
                [Overload { returns: Returns::Type(scalar_type), .. }] => Scalar::placeholder(*scalar_type),
                _ => Scalar::unknown(),
            };
        };
        let overload = &function.overloads[index];
        self.check_rules(overload, called, &arguments);
        let types: Vec<Option<ScalarType>> = arguments.iter().map(|a| a.scalar.scalar_type).collect();
        let unknown = types.contains(&None);
        let common = self.common_type(&kinds, &arguments);
        if kinds.contains(&Kind::Common) && common.is_none() && !unknown {
            self.error("KS232", span, format!("the arguments of `{called}` have no type in common"));
            return Scalar::unknown();
        }
        self.refuse_what_the_engine_does(function.name, called, common, &arguments);
        let converted: Vec<Expr> = arguments
            .into_iter()
            .zip(&kinds)
            .map(|(argument, kind)| convert_argument(argument.scalar.expr, *kind, common))
            .collect();
        if unknown {
            return match overload.returns {
                Returns::Type(scalar_type) => Scalar::placeholder(scalar_type),
                _ => Scalar::unknown(),
            };
        }
        self.built_call(function, index, converted, span)
    }

    /// Adds the columns of a call that gives several.
    fn with_parts(
        &self,
        scalar: Scalar,
        function: &'static functions::Function,
        called: &str,
        arguments: &[Argument],
        cx: &Context,
    ) -> Scalar {
        let (overload, converted, at) = match &scalar.expr {
            Expr::Call { overload, arguments, at, .. } => (*overload, Some(arguments), *at),
            // After a mistake the columns are there all the same.
            _ => (function.overloads.len() - 1, None, None),
        };
        let types = match converted {
            Some(arguments) => arguments.iter().map(Expr::scalar_type).collect(),
            None => vec![ScalarType::Dynamic; arguments.len()],
        };
        let Some(columns) = function.overloads[overload].columns(&types) else { return scalar };
        let Some(names) = part_names(called, arguments, columns.len(), cx) else { return scalar };
        let parts: Rc<[Part]> = names
            .into_iter()
            .zip(columns)
            .enumerate()
            .map(|(index, (name, returns))| {
                let expr = match converted {
                    Some(arguments) => {
                        Expr::Part { function, overload, arguments: arguments.clone(), index, returns, at }
                    }
                    None => Expr::Literal(Value::missing(returns)),
                };
                let expr = crate::plan::fold::fold(&expr, self.now).map_or(expr, Expr::Literal);
                Part { name, expr }
            })
            .collect();
        let first = parts.first().map_or(scalar.expr, |part| part.expr.clone());
        Scalar { parts: Some(parts), ..Scalar::known(first) }
    }

    /// Makes the call of an overload whose arguments are ready.
    pub(super) fn built_call(
        &mut self,
        function: &'static functions::Function,
        index: usize,
        arguments: Vec<Expr>,
        span: Span,
    ) -> Scalar {
        let overload = &function.overloads[index];
        let types: Vec<ScalarType> = arguments.iter().map(Expr::scalar_type).collect();
        let Some(returns) = returned(overload, &types, &arguments) else {
            self.error("KS127", span, format!("`{}` does not take these arguments", function.name));
            return Scalar::unknown();
        };
        match overload.kernel {
            Kernel::Unbuilt => self.unsupported(span, format_args!("`{}()`", function.name)),
            Kernel::Prepared(prepare) => {
                let constants: Vec<Option<Value>> =
                    arguments.iter().map(|a| crate::plan::fold::fold(a, self.now)).collect();
                if let Err(error) = prepare(&constants) {
                    self.refuse("AQ016", span, error.message);
                }
            }
            Kernel::Located(_) if self.catalog.whereabouts().is_none() => {
                let message = format!("`{}()` needs a database of places, and there is none", function.name);
                let refusal = Diagnostic::error("AQ001", span, message);
                let help =
                    "give MaxMind's GeoLite2-City.mmdb with --geo-database FILE, or as geo_database in alertq.toml";
                self.refusals.push(refusal.help(help));
            }
            Kernel::Located(_) | Kernel::Columns(_) => {}
        }
        Scalar::known(Expr::Call { function, overload: index, arguments, returns, at: Some(self.place_of_call(span)) })
    }

    fn check_rules(&mut self, overload: &'static Overload, called: &str, arguments: &[Bound]) {
        let Some(parameters) = assign(overload.parameters, arguments.len()) else { return };
        for (parameter, argument) in parameters.iter().zip(arguments) {
            let constant = || crate::plan::fold::fold(&argument.scalar.expr, self.now).is_some();
            let holds = match parameter.rule {
                Rule::Expression => true,
                Rule::Column => matches!(argument.scalar.expr, Expr::Column(_)),
                // A query that gives the constant is computed before the rest.
                Rule::Constant | Rule::Literal => {
                    argument.scalar.scalar_type.is_none()
                        || matches!(argument.scalar.expr, Expr::ScalarQuery { .. })
                        || constant()
                }
            };
            if !holds {
                let what = if parameter.rule == Rule::Column { "a column" } else { "a constant" };
                self.error("KS121", argument.span, format!("`{}` of `{called}` must be {what}", parameter.name));
            }
        }
    }

    fn common_type(&mut self, kinds: &[Kind], arguments: &[Bound]) -> Option<ScalarType> {
        let types = kinds
            .iter()
            .zip(arguments)
            .filter(|(kind, _)| **kind == Kind::Common)
            .filter_map(|(_, argument)| argument.scalar.scalar_type);
        common(types)
    }

    /// Chooses the signature that fits best; says why none does.
    pub(super) fn choose_overload(
        &mut self,
        signatures: &[&'static [Parameter]],
        called: &str,
        arguments: &[Bound],
        span: Span,
        name_span: Span,
    ) -> Option<(usize, Vec<Kind>)> {
        let mut best: Option<(u32, usize, Vec<Kind>)> = None;
        let mut candidates = Vec::new();
        for (index, signature) in signatures.iter().enumerate() {
            let Some(parameters) = assign(signature, arguments.len()) else { continue };
            let kinds: Vec<Kind> = parameters.iter().map(|p| p.kind).collect();
            if let Some(cost) = fit(&kinds, arguments)
                && best.as_ref().is_none_or(|(c, ..)| cost < *c)
            {
                best = Some((cost, index, kinds));
            }
            candidates.push(parameters);
        }
        if let Some((cost, index, kinds)) = best {
            if cost >= LENIENT {
                let bool_at = arguments.iter().find(|a| a.scalar.scalar_type == Some(ScalarType::Bool));
                self.strict.push(
                    Diagnostic::error(
                        "KS137",
                        bool_at.map_or(span, |a| a.span),
                        format!("`{called}` takes a number here, and this is of type bool"),
                    )
                    .help("convert it with tolong()"),
                );
            }
            return Some((index, kinds));
        }
        if candidates.is_empty() {
            self.error("KS119", name_span, format!("`{called}` takes {}, not {}", arity(signatures), arguments.len()));
            return None;
        }
        // With one signature the argument at fault can be named.
        if let [parameters] = &candidates[..]
            && let Some((parameter, argument)) = parameters
                .iter()
                .zip(arguments)
                .find(|(p, a)| a.scalar.scalar_type.is_some_and(|t| cost(p.kind, t, &a.scalar).is_none()))
        {
            let (code, wanted) = wanted(parameter.kind);
            let got = argument.scalar.column_type();
            let mut problem = Diagnostic::error(
                code,
                argument.span,
                format!("`{}` of `{called}` must be {wanted}, and this is of type {got}", parameter.name),
            );
            if let Kind::Is(scalar_type) = parameter.kind {
                problem = problem.help(format!("convert it with to{scalar_type}()"));
            }
            self.problem(problem);
            return None;
        }
        let types: Vec<&str> = arguments.iter().map(|a| a.scalar.column_type().name()).collect();
        self.error("KS127", span, format!("`{called}` does not take ({})", types.join(", ")));
        None
    }

    fn clock(&mut self) -> Scalar {
        self.reads_clock = true;
        Scalar::known(Expr::Now)
    }

    fn special_call(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Option<Scalar> {
        let conversion = CONVERSIONS.iter().find(|(n, _)| *n == name.text).map(|(_, scalar_type)| *scalar_type);
        if let Some(scalar_type) = conversion {
            let [argument] = arguments else {
                self.wrong_count(name, 1, 1, arguments.len());
                return Some(Scalar::placeholder(scalar_type));
            };
            let value = self.scalar(&argument.value, cx);
            return Some(match value.scalar_type {
                Some(_) if scalar_type == ScalarType::Bool => {
                    Scalar { literal: false, ..Scalar::known(to(without_blanks(value.expr), scalar_type)) }
                }
                Some(_) => Scalar { literal: false, ..Scalar::known(to(value.expr, scalar_type)) },
                None => Scalar::placeholder(scalar_type),
            });
        }
        Some(match name.text.as_str() {
            parse if PARSES_JSON.contains(&parse) => self.parse_json(name, arguments, cx),
            "toscalar" => self.toscalar(name, arguments, cx),
            "now" => {
                let base = self.clock();
                match arguments {
                    [] => base,
                    [offset] => {
                        let offset = self.timespan_argument(name, offset, cx);
                        self.arithmetic("+", base, offset, span)
                    }
                    _ => {
                        self.wrong_count(name, 0, 1, arguments.len());
                        base
                    }
                }
            }
            "ago" => match arguments {
                [offset] => {
                    let offset = self.timespan_argument(name, offset, cx);
                    let now = self.clock();
                    self.arithmetic("-", now, offset, span)
                }
                _ => {
                    self.wrong_count(name, 1, 1, arguments.len());
                    Scalar::placeholder(ScalarType::DateTime)
                }
            },
            "not" => self.not(name, arguments, cx),
            "iff" | "iif" => self.iff(name, arguments, span, cx),
            "case" => self.case(name, arguments, span, cx),
            "column_ifexists" | "columnifexists" => self.column_ifexists(name, arguments, cx),
            "pack_all" => self.pack_all(arguments, span, cx),
            "pack_array" if matches!(arguments, [Argument { value: ast::Expr { kind: ExprKind::Star, .. }, .. }]) => {
                self.pack_array_of_all(span, cx)
            }
            "bag_pack_columns" => self.bag_pack_columns(arguments, span, cx),
            "ingestion_time" => self.ingestion_time(span, cx),
            "iscolumnexists" => self.iscolumnexists(name, arguments, cx),
            "row_number" | "row_rank_min" | "row_rank_dense" | "row_cumsum" | "row_window_session" | "prev"
            | "next" => self.window(name, arguments, span, cx),
            "bin_auto" => self.bin_of_set_size(name, arguments, span, cx),
            "column_names_of" => match arguments {
                [argument] => {
                    let table = self.table(&argument.value, cx.scope);
                    let names: Vec<String> = table
                        .node
                        .columns
                        .iter()
                        .map(|c| crate::types::json::from_value(&Value::String(c.name.clone())))
                        .collect();
                    Scalar::known(Expr::Literal(Value::Dynamic(format!("[{}]", names.join(",")))))
                }
                _ => {
                    self.wrong_count(name, 1, 1, arguments.len());
                    Scalar::placeholder(ScalarType::Dynamic)
                }
            },
            _ => return None,
        })
    }

    fn wrong_count(&mut self, name: &ast::Name, min: usize, max: usize, got: usize) {
        let expected = if min == max { count(min) } else { format!("{min} to {}", count(max)) };
        self.error("KS119", name.span, format!("`{}` takes {expected}, not {got}", name.text));
    }

    fn timespan_argument(&mut self, name: &ast::Name, argument: &Argument, cx: &Context) -> Scalar {
        let scalar = self.scalar(&argument.value, cx);
        match scalar.scalar_type {
            Some(ScalarType::TimeSpan) | None => scalar,
            Some(other) => {
                self.problem(
                    Diagnostic::error(
                        "KS107",
                        argument.value.span,
                        format!("`{}` takes a timespan, and this is of type {other}", name.text),
                    )
                    .help("write a timespan such as 1d or 30m"),
                );
                Scalar::placeholder(ScalarType::TimeSpan)
            }
        }
    }

    fn parse_json(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::placeholder(ScalarType::Dynamic);
        };
        let value = self.scalar(&argument.value, cx);
        match value.scalar_type {
            Some(ScalarType::Dynamic) => Scalar { literal: false, ..value },
            Some(ScalarType::String) => Scalar::known(Expr::ParseJson(Box::new(value.expr))),
            Some(other) => {
                // The parser of the editor wants text; the engine takes any scalar as what it is.
                self.strict.push(Diagnostic::error(
                    "KS141",
                    argument.value.span,
                    format!("`{}` takes a string or a dynamic, and this is of type {other}", name.text),
                ));
                Scalar::known(Expr::Convert { value: Box::new(value.expr), to: ScalarType::Dynamic })
            }
            None => Scalar::placeholder(ScalarType::Dynamic),
        }
    }

    fn toscalar(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::unknown();
        };
        if !self.is_tabular(&argument.value, cx.scope) {
            let scalar = self.scalar(&argument.value, &Context::rowless(cx.scope));
            let Some(scalar_type) = scalar.scalar_type else { return scalar };
            if self.constant(&scalar).is_some() {
                return scalar;
            }
            // What differs with each call is computed once (measured).
            let unit = Node { columns: Vec::new(), serialized: true, kind: crate::plan::Kind::Unit };
            let columns = vec![Column::new("value", scalar_type)];
            let node = super::operator::projection(unit, columns, vec![scalar.expr]);
            return self.scalar_query(Table::new(node), argument.value.span);
        }
        let table = self.table(&argument.value, &Scope::of_query(cx.scope));
        self.scalar_query(table, argument.value.span)
    }

    fn not(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::placeholder(ScalarType::Bool);
        };
        let value = self.scalar(&argument.value, cx);
        match value.scalar_type {
            Some(ScalarType::Bool) => Scalar::known(Expr::Not(Box::new(value.expr))),
            None => Scalar::placeholder(ScalarType::Bool),
            Some(other) => {
                let problem = Diagnostic::error(
                    "KS107",
                    argument.value.span,
                    format!("`not` takes a bool, and this is of type {other}"),
                );
                if other.is_numeric() {
                    self.strict.push(problem);
                } else {
                    self.problem(problem);
                }
                Scalar::known(Expr::Not(Box::new(to(value.expr, ScalarType::Bool))))
            }
        }
    }

    fn iff(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let [condition, then, otherwise] = arguments else {
            self.wrong_count(name, 3, 3, arguments.len());
            return Scalar::unknown();
        };
        let condition = self.branch_condition(condition, cx);
        let branches = vec![self.argument(then, cx), self.argument(otherwise, cx)];
        self.branches(vec![condition], branches, span)
    }

    fn case(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        if arguments.len() < 3 || arguments.len().is_multiple_of(2) {
            self.error(
                "KS119",
                name.span,
                "`case` takes pairs of a condition and a value, then a value for all other rows",
            );
            return Scalar::unknown();
        }
        let (mut conditions, mut branches) = (Vec::new(), Vec::new());
        for pair in arguments[..arguments.len() - 1].chunks(2) {
            conditions.push(self.branch_condition(&pair[0], cx));
            branches.push(self.argument(&pair[1], cx));
        }
        branches.push(self.argument(&arguments[arguments.len() - 1], cx));
        self.branches(conditions, branches, span)
    }

    fn branch_condition(&mut self, argument: &Argument, cx: &Context) -> Expr {
        let scalar = self.scalar(&argument.value, cx);
        match scalar.scalar_type {
            Some(ScalarType::Bool) => scalar.expr,
            None => Expr::Literal(Value::Bool(true)),
            Some(other) => {
                let problem = Diagnostic::error(
                    "KS107",
                    argument.value.span,
                    format!("a condition is of type bool, and this is of type {other}"),
                );
                if other.is_numeric() || other == ScalarType::Dynamic {
                    self.strict.push(problem);
                } else {
                    self.problem(problem);
                }
                to(scalar.expr, ScalarType::Bool)
            }
        }
    }

    /// Makes `case(c1, v1, c2, v2, ..., otherwise)`.
    ///
    /// The engine refuses branches of different types (measured; a dynamic goes with anything, an int with a long);
    /// Microsoft's parser makes the result dynamic.
    fn branches(&mut self, conditions: Vec<Expr>, branches: Vec<Bound>, span: Span) -> Scalar {
        let types: Vec<ScalarType> = branches.iter().filter_map(|b| b.scalar.scalar_type).collect();
        let unknown = types.len() < branches.len();
        let solid = || types.iter().copied().filter(|t| *t != ScalarType::Dynamic);
        let result = if solid().next().is_none() { Some(ScalarType::Dynamic) } else { common(solid()) };
        let Some(result) = result else {
            if !unknown {
                let names: Vec<&str> = types.iter().map(|t| t.name()).collect();
                self.refuse(
                    "AQ018",
                    span,
                    format!("the branches have different types ({}): convert them to one", names.join(", ")),
                );
            }
            return Scalar::placeholder(ScalarType::Dynamic);
        };
        if unknown {
            return Scalar::unknown();
        }
        if let Some(branch) = branches.iter().find(|b| b.scalar.is_mixed_with(result)) {
            self.refuse(
                "AQ018",
                branch.span,
                format!(
                    "this branch is of type {} and another of type {result}: convert one of them",
                    branch.scalar.column_type()
                ),
            );
            return Scalar::placeholder(result);
        }
        let mut arguments = Vec::new();
        let mut values = branches.into_iter().map(|b| to(b.scalar.expr, result));
        for condition in conditions {
            arguments.push(condition);
            arguments.extend(values.next());
        }
        arguments.extend(values.next());
        let Some(function) = functions::scalar_function("case") else {
            self.unsupported(span, "`case`");
            return Scalar::placeholder(result);
        };
        Scalar::known(Expr::Call { function, overload: 0, arguments, returns: result, at: None })
    }

    fn column_ifexists(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [column, otherwise] = arguments else {
            self.wrong_count(name, 2, 2, arguments.len());
            return Scalar::unknown();
        };
        let wanted = match &column.value.kind {
            ExprKind::Name(name) if cx.column(&name.text).is_some() => {
                // For what Microsoft's parser has to say of it.
                self.scalar(&column.value, cx);
                Some(name.text.clone())
            }
            _ => {
                let scalar = self.scalar(&column.value, cx);
                self.guessed_column |= self.sketched > 0 && !matches!(column.value.kind, ExprKind::Literal(_));
                match self.constant(&scalar) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                }
            }
        };
        let default = self.scalar(&otherwise.value, cx);
        let Some(wanted) = wanted else {
            self.error("KS121", column.value.span, "the name of the column must be a constant");
            return default;
        };
        match cx.column(&wanted) {
            Some(column) => Scalar::known(Expr::Column(column.clone())),
            None => {
                if cx.open {
                    self.refuse(
                        "AQ002",
                        column.value.span,
                        format!("whether `{wanted}` is a column is known only when the data are"),
                    );
                }
                Scalar { literal: false, ..default }
            }
        }
    }

    fn pack_all(&mut self, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let columns = self.all_columns(span, cx);
        let ignore = match arguments {
            [] => false,
            [flag] => {
                let scalar = self.scalar(&flag.value, cx);
                matches!(self.constant(&scalar), Some(Value::Bool(true)))
            }
            _ => {
                self.error("KS119", span, "`pack_all` takes at most one argument");
                false
            }
        };
        self.pack(&columns, if ignore { "pack_all ignoring" } else { "bag_pack" }, span)
    }

    /// `pack_array(*)`: the values of all columns; an array without elements where there is no row.
    fn pack_array_of_all(&mut self, span: Span, cx: &Context) -> Scalar {
        let columns = self.all_columns(span, cx);
        let Some(function) = functions::scalar_function("pack_array").filter(|_| !columns.is_empty()) else {
            return Scalar::known(Expr::Literal(Value::Dynamic("[]".into())));
        };
        let arguments = columns.into_iter().map(Expr::Column).collect();
        Scalar::known(Expr::Call { function, overload: 0, arguments, returns: ScalarType::Dynamic, at: None })
    }

    /// Returns the columns that `*` stands for; refuses where more may come.
    fn all_columns(&mut self, span: Span, cx: &Context) -> Vec<Column> {
        if cx.open {
            self.refuse("AQ002", span, "the columns of this table are known only when the data are");
        }
        cx.columns.iter().filter(|column| !cx.hidden.contains(&column.name)).cloned().collect()
    }

    fn iscolumnexists(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [column] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::placeholder(ScalarType::Bool);
        };
        let scalar = self.scalar(&column.value, cx);
        match (self.constant(&scalar), scalar.scalar_type) {
            (Some(Value::String(wanted)), _) => {
                if cx.column(&wanted).is_none() && cx.open {
                    let text = format!("whether `{wanted}` is a column is known only when the data are");
                    self.refuse("AQ002", column.value.span, text);
                }
                return Scalar::known(Expr::Literal(Value::Bool(cx.column(&wanted).is_some())));
            }
            (_, None) => {}
            _ => self.error("KS121", column.value.span, "the name of the column must be a constant string"),
        }
        Scalar::placeholder(ScalarType::Bool)
    }

    fn bag_pack_columns(&mut self, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let mut columns = Vec::new();
        for argument in arguments {
            match self.scalar(&argument.value, cx).expr {
                Expr::Column(column) => columns.push(column),
                _ => self.error("KS121", argument.value.span, "`bag_pack_columns` takes columns"),
            }
        }
        self.pack(&columns, "bag_pack", span)
    }

    pub(super) fn pack(&mut self, columns: &[Column], function: &str, span: Span) -> Scalar {
        let mut packed = Vec::new();
        for column in columns {
            packed.push(Expr::Literal(Value::String(column.name.clone())));
            packed.push(Expr::Column(column.clone()));
        }
        let Some(function) = functions::scalar_function(function) else {
            self.unsupported(span, "`pack_all`");
            return Scalar::placeholder(ScalarType::Dynamic);
        };
        Scalar::known(Expr::Call { function, overload: 0, arguments: packed, returns: ScalarType::Dynamic, at: None })
    }

    /// `bin_auto(value)`: a bin of the size that `set query_bin_auto_size` gave, counted from `query_bin_auto_at`.
    fn bin_of_set_size(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::unknown();
        };
        let value = self.scalar(&argument.value, cx);
        let Some(value_type) = value.scalar_type else { return Scalar::unknown() };
        let [size, at] = self.bin_auto.clone();
        let Some(size) = size else {
            let message = "`bin_auto` needs the size of its bins: `set query_bin_auto_size = 1h;` before the query";
            self.refuse("AQ010", span, message);
            return Scalar::placeholder(wide(value_type));
        };
        let mut all = vec![value.expr, Expr::Literal(size)];
        all.extend(at.map(Expr::Literal));
        let function = if all.len() == 3 { "bin_at" } else { "bin" };
        let types: Vec<ScalarType> = all.iter().map(Expr::scalar_type).collect();
        let fits = match types[0] {
            ScalarType::DateTime => types[1] == ScalarType::TimeSpan && types.get(2).is_none_or(|t| *t == types[0]),
            ScalarType::TimeSpan => types[1..].iter().all(|t| *t == types[0]),
            ScalarType::Int | ScalarType::Long | ScalarType::Real => types[1..].iter().all(|t| t.is_numeric()),
            _ => false,
        };
        if !fits {
            self.unsupported(span, format_args!("`bin_auto` of type {value_type} with bins of type {}", types[1]));
            return Scalar::placeholder(wide(value_type));
        }
        self.library_call(function, all, span)
    }

    fn window(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let bound: Vec<Bound> = arguments.iter().map(|a| self.argument(a, cx)).collect();
        let function = match name.text.as_str() {
            "row_number" => WindowFunction::RowNumber,
            "row_rank_min" => WindowFunction::RowRankMin,
            "row_rank_dense" => WindowFunction::RowRankDense,
            "row_cumsum" => WindowFunction::RowCumsum,
            "row_window_session" => WindowFunction::RowWindowSession,
            "prev" => WindowFunction::Prev,
            _ => WindowFunction::Next,
        };
        let (min, max) = match function {
            WindowFunction::RowNumber => (0, 2),
            WindowFunction::RowWindowSession => (3, 4),
            WindowFunction::Prev | WindowFunction::Next => (1, 3),
            _ => (1, 2),
        };
        if bound.len() < min || bound.len() > max {
            self.wrong_count(name, min, max, bound.len());
            return Scalar::unknown();
        }
        let Some(collected) = cx.windows else {
            self.refuse("AQ019", span, format!("`{}` can't be used here", name.text));
            return Scalar::unknown();
        };
        if !cx.serialized {
            self.refuse(
                "AQ020",
                span,
                format!("`{}` needs rows in a defined order: put `sort by` or `serialize` before it", name.text),
            );
        }
        if bound.iter().any(|b| b.scalar.scalar_type.is_none()) {
            return Scalar::unknown();
        }
        let first = bound.first().map(|b| b.scalar.column_type());
        let false_value = || Expr::Literal(Value::Bool(false));
        let mut values = bound.into_iter();
        let mut take = |to_type: Option<ScalarType>, default: Expr| match values.next() {
            Some(b) => to_type.map_or(b.scalar.expr.clone(), |t| to(b.scalar.expr, t)),
            None => default,
        };
        let (arguments, returns) = match function {
            WindowFunction::RowNumber => {
                let start = take(Some(ScalarType::Long), Expr::Literal(Value::Long(1)));
                (vec![start, take(Some(ScalarType::Bool), false_value())], ScalarType::Long)
            }
            WindowFunction::RowRankMin | WindowFunction::RowRankDense => {
                (vec![take(None, false_value()), take(Some(ScalarType::Bool), false_value())], ScalarType::Long)
            }
            WindowFunction::RowCumsum => {
                let term = first.unwrap_or(ScalarType::Long);
                let sum = if term == ScalarType::Int { ScalarType::Long } else { term };
                if !(sum.is_numeric() || sum == ScalarType::TimeSpan) {
                    self.error(
                        "KS138",
                        span,
                        format!("`row_cumsum` sums numbers and timespans, not values of type {term}"),
                    );
                }
                (vec![take(Some(sum), false_value()), take(Some(ScalarType::Bool), false_value())], sum)
            }
            WindowFunction::RowWindowSession => {
                let expr = take(Some(ScalarType::DateTime), false_value());
                let from_first = take(Some(ScalarType::TimeSpan), false_value());
                let between = take(Some(ScalarType::TimeSpan), false_value());
                (vec![expr, from_first, between, take(Some(ScalarType::Bool), false_value())], ScalarType::DateTime)
            }
            WindowFunction::Prev | WindowFunction::Next => {
                let scalar_type = first.unwrap_or(ScalarType::Dynamic);
                let value = take(None, false_value());
                let offset = take(Some(ScalarType::Long), Expr::Literal(Value::Long(1)));
                let default = take(Some(scalar_type), Expr::Literal(Value::missing(scalar_type)));
                if crate::plan::fold::fold(&offset, self.now).is_none_or(|v| !matches!(v, Value::Long(1..))) {
                    self.refuse("AQ019", span, format!("the offset of `{}` must be a constant from 1 on", name.text));
                }
                if crate::plan::fold::fold(&default, self.now).is_none() {
                    self.refuse("AQ019", span, format!("the default of `{}` must be a constant", name.text));
                }
                (vec![value, offset, default], scalar_type)
            }
        };
        let output = Column::new(self.fresh("window"), returns);
        collected.borrow_mut().push(WindowCall { function, arguments, output: output.clone() });
        Scalar::known(Expr::Column(output))
    }

    /// Returns the value of a constant expression.
    pub(super) fn constant(&self, scalar: &Scalar) -> Option<Value> {
        scalar.scalar_type?;
        crate::plan::fold::fold(&scalar.expr, self.now)
    }

    /// Converts a scalar to a type, as a parameter does.
    pub(super) fn convert(&mut self, scalar: Scalar, scalar_type: ScalarType, span: Span) -> Scalar {
        match scalar.scalar_type {
            None => Scalar::placeholder(scalar_type),
            Some(from) if from == scalar_type => Scalar { literal: false, ..scalar },
            Some(from) => {
                let fits = from == ScalarType::Dynamic
                    || scalar_type == ScalarType::Dynamic
                    || from.is_numeric() && scalar_type.is_numeric()
                    || scalar.literal && from == ScalarType::String;
                if !fits {
                    // The engine's word: Microsoft's parser takes any scalar for a parameter of a user's function.
                    self.refuse(
                        "AQ050",
                        span,
                        format!("a value of type {scalar_type} is expected, and this is of type {from}"),
                    );
                }
                Scalar::known(to(scalar.expr, scalar_type))
            }
        }
    }

    pub(super) fn call_function_scalar(
        &mut self,
        function: &Rc<Function>,
        arguments: &[Argument],
        span: Span,
        cx: &Context,
    ) -> Scalar {
        let Some(scope) = self.enter(function, arguments, span, cx) else { return Scalar::unknown() };
        let Some(outcome) = self.function_body(function, &scope, span) else { return Scalar::unknown() };
        match outcome.scalar {
            Some(scalar) => Scalar { literal: false, ..scalar },
            None => {
                self.error("KS109", span, format!("`{}` gives a table, and a value belongs here", function.name));
                Scalar::unknown()
            }
        }
    }

    pub(super) fn call_function_table(
        &mut self,
        function: &Rc<Function>,
        arguments: &[Argument],
        span: Span,
        cx: &Context,
    ) -> Table {
        let Some(scope) = self.enter(function, arguments, span, cx) else { return Binder::nothing() };
        let Some(mut outcome) = self.function_body(function, &scope, span) else { return Binder::nothing() };
        match outcome.results.pop() {
            Some(table) => table,
            None => {
                self.error("KS109", span, format!("`{}` gives a value, and a table belongs here", function.name));
                Binder::nothing()
            }
        }
    }

    /// Binds the arguments of a user's function and makes the scope of its body.
    fn enter(
        &mut self,
        function: &Rc<Function>,
        arguments: &[Argument],
        span: Span,
        cx: &Context,
    ) -> Option<Rc<Scope>> {
        self.calls += 1;
        if self.calls > MOST_CALLS {
            self.refuse("AQ021", span, format!("functions call each other more than {MOST_CALLS} times"));
            return None;
        }
        if self.depth >= MAX_CALLS {
            self.refuse("AQ021", span, format!("calls nest more than {MAX_CALLS} levels deep"));
            return None;
        }
        let scope = Scope::child(&function.scope);
        let mut positional = arguments.iter().filter(|a| a.name.is_none());
        let required = function.parameters.iter().filter(|p| p.default.is_none()).count();
        if arguments.len() > function.parameters.len() || arguments.len() < required {
            let expected = if required == function.parameters.len() {
                count(required)
            } else {
                format!("{required} to {}", count(function.parameters.len()))
            };
            self.error("KS119", span, format!("`{}` takes {expected}, not {}", function.name, arguments.len()));
            return None;
        }
        for parameter in &function.parameters {
            let named = arguments.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == parameter.name.text));
            let argument = named.or_else(|| positional.next());
            let binding = match (&parameter.kind, argument) {
                (ParameterKind::Scalar(type_name), Some(argument)) => {
                    let wanted = self.type_name(type_name);
                    let scalar = self.scalar(&argument.value, cx);
                    Binding::Scalar(self.convert(scalar, wanted, argument.value.span))
                }
                (ParameterKind::Scalar(type_name), None) => {
                    let wanted = self.type_name(type_name);
                    let Some(default) = &parameter.default else {
                        self.error(
                            "KS119",
                            span,
                            format!("`{}` of `{}` is missing", parameter.name.text, function.name),
                        );
                        return None;
                    };
                    let before = self.so_far();
                    let scalar = self.scalar(default, &Context::rowless(&function.scope));
                    let scalar = self.convert(scalar, wanted, default.span);
                    self.settle(function, &before, span);
                    Binding::Scalar(scalar)
                }
                (kind, Some(argument)) => {
                    let table = self.table(&argument.value, cx.scope);
                    Binding::Table(Rc::new(self.table_argument(kind, table, argument.value.span)))
                }
                (_, None) => {
                    self.error(
                        "KS119",
                        span,
                        format!("the table `{}` of `{}` is missing", parameter.name.text, function.name),
                    );
                    return None;
                }
            };
            scope.declare(&parameter.name.text, binding);
        }
        Some(scope)
    }

    /// Binds the body of a function for a call.
    fn function_body(&mut self, function: &Function, scope: &Rc<Scope>, span: Span) -> Option<Outcome> {
        let before = self.begin(function, span)?;
        self.depth += 1;
        let outcome = self.query(&function.body, scope);
        self.depth -= 1;
        self.end(function, &before, span);
        Some(outcome)
    }

    /// Holds a table against what a parameter declares of it.
    pub(super) fn table_argument(&mut self, kind: &ParameterKind, table: Table, span: Span) -> Table {
        let ParameterKind::Table(declared) = kind else { return table };
        let wanted = self.declared_columns(declared);
        for column in &wanted {
            let found = table.node.columns.iter().find(|c| c.name == column.name);
            match found {
                Some(found) if found.scalar_type == column.scalar_type => {}
                Some(found) => self.error(
                    "KS143",
                    span,
                    format!(
                        "`{}` of the table is of type {}, and {} is expected",
                        column.name, found.scalar_type, column.scalar_type
                    ),
                ),
                None if table.open => {}
                None => self.error("KS143", span, format!("the table has no column `{}`", column.name)),
            }
        }
        table
    }
}

/// Takes the blanks off `true` and `false` in a constant text: Kusto's constant folder reads such a text as a bool, and
/// no row of a column (measured).
fn without_blanks(expr: Expr) -> Expr {
    let word = |text: &str| ["true", "false"].into_iter().find(|word| word.eq_ignore_ascii_case(text.trim()));
    match &expr {
        Expr::Literal(Value::String(text)) => match word(text) {
            Some(word) => Expr::Literal(Value::String(word.to_string())),
            None => expr,
        },
        _ => expr,
    }
}

/// Tells whether an expression has one value for all rows, as far as Microsoft's parser can tell.
fn is_constant(expr: &Expr) -> bool {
    let mut constant = !matches!(expr, Expr::Column(_));
    expr.for_each_operand(&mut |operand| constant &= is_constant(operand));
    constant
}

/// Returns what is known of an argument.
fn known_of(argument: &Argument, notes: &[Note]) -> signature::Argument {
    let expr = std::ptr::from_ref(&argument.value).addr();
    let note = notes.iter().rev().find(|note| note.expr == expr);
    signature::Argument {
        span: argument.value.span,
        seen: note.map_or(Seen::Unknown, |note| note.seen.clone()),
        star: matches!(argument.value.kind, ExprKind::Star),
        column: note.is_some_and(|note| note.column),
        text: match &argument.value.kind {
            ExprKind::Literal(ast::Literal::String(text)) => Some(text.clone()),
            _ => None,
        },
        literal: note.is_some_and(|note| note.literal),
        constant: note.is_some_and(|note| note.constant),
    }
}

/// Distributes arguments over parameters; None where the count does not fit.
pub(super) fn assign(parameters: &'static [Parameter], given: usize) -> Option<Vec<&'static Parameter>> {
    let min: usize = parameters.iter().map(|p| usize::from(p.min)).sum();
    let mut spare = given.checked_sub(min)?;
    let mut assigned = Vec::with_capacity(given);
    for parameter in parameters {
        let extra = spare.min(usize::from(parameter.max) - usize::from(parameter.min));
        spare -= extra;
        assigned.extend(std::iter::repeat_n(parameter, usize::from(parameter.min) + extra));
    }
    (spare == 0).then_some(assigned)
}

/// Cost from which on only the engine takes the argument, not Microsoft's parser.
const LENIENT: u32 = 1000;

fn fit(kinds: &[Kind], arguments: &[Bound]) -> Option<u32> {
    kinds.iter().zip(arguments).try_fold(0, |sum, (kind, argument)| {
        let cost = argument.scalar.scalar_type.map_or(Some(0), |t| cost(*kind, t, &argument.scalar))?;
        Some(sum + cost)
    })
}

/// Returns how far an argument is from what a parameter takes: 0 for a perfect fit, None for no fit.
pub(super) fn cost(kind: Kind, got: ScalarType, argument: &Scalar) -> Option<u32> {
    use ScalarType::*;
    match kind {
        Kind::Is(wanted) if wanted == got => Some(0),
        Kind::Is(Long) => match got {
            Int => Some(1),
            Bool => Some(LENIENT),
            _ => None,
        },
        Kind::Is(Real) => match got {
            Long => Some(2),
            Int => Some(3),
            Decimal => Some(4),
            Bool => Some(LENIENT + 1),
            _ => None,
        },
        Kind::Is(Decimal) => match got {
            Long | Int => Some(5),
            Real => Some(6),
            _ => None,
        },
        Kind::Is(Int) if got == Long && argument.literal => Some(1),
        Kind::Is(String) => (got == Dynamic).then_some(3),
        Kind::Is(_) => None,
        Kind::Text => match got {
            String => Some(0),
            Dynamic => Some(1),
            _ => None,
        },
        Kind::AsText => Some(if got == String { 0 } else { 1 }),
        Kind::Number | Kind::AsReal => match got {
            Bool => Some(LENIENT),
            t => t.is_numeric().then_some(1),
        },
        Kind::Integer => match got {
            Bool => Some(LENIENT),
            t => t.is_integer().then_some(0),
        },
        Kind::Summable => (got.is_numeric() || matches!(got, DateTime | TimeSpan)).then_some(1),
        Kind::Orderable | Kind::NotDynamic => (got != Dynamic).then_some(1),
        Kind::Any => Some(2),
        Kind::Dynamic => (got == Dynamic).then_some(0),
        Kind::Common => Some(1),
        Kind::TypeName => (argument.literal && argument.expr_is_null()).then_some(0),
    }
}

impl Scalar {
    fn expr_is_null(&self) -> bool {
        matches!(self.expr, Expr::Literal(Value::Null(_)))
    }
}

pub(super) fn convert_argument(expr: Expr, kind: Kind, common: Option<ScalarType>) -> Expr {
    match kind {
        Kind::Is(scalar_type) => to(expr, scalar_type),
        Kind::Text | Kind::AsText => to(expr, ScalarType::String),
        Kind::Integer => to(expr, ScalarType::Long),
        Kind::AsReal => to(expr, ScalarType::Real),
        Kind::Number if expr.scalar_type() == ScalarType::Bool => to(expr, ScalarType::Long),
        Kind::Common => match common {
            Some(scalar_type) => to(expr, scalar_type),
            None => expr,
        },
        _ => expr,
    }
}

/// Returns the type that values have in common: the same, or the widest number. A dynamic goes with anything.
pub(super) fn common(types: impl Iterator<Item = ScalarType>) -> Option<ScalarType> {
    let mut result: Option<ScalarType> = None;
    for scalar_type in types {
        result = match result {
            None => Some(scalar_type),
            Some(r) if r == scalar_type => Some(r),
            Some(r) if r.is_numeric() && scalar_type.is_numeric() => Some(common_number(r, scalar_type)?),
            Some(ScalarType::Dynamic) => Some(scalar_type),
            Some(r) if scalar_type == ScalarType::Dynamic => Some(r),
            Some(_) => return None,
        };
    }
    result
}

fn returned(overload: &Overload, types: &[ScalarType], arguments: &[Expr]) -> Option<ScalarType> {
    match overload.returns {
        Returns::Type(scalar_type) => Some(scalar_type),
        Returns::Argument(index) => types.get(index).copied(),
        Returns::Common => common(types.iter().copied()),
        Returns::Widest => types.iter().copied().try_fold(ScalarType::Long, common_number),
        Returns::TypeName(index) => arguments.get(index).map(Expr::scalar_type),
        Returns::With(f) => f(types),
        Returns::Columns(_) | Returns::Arrays => Some(ScalarType::Dynamic),
    }
}

fn arity(signatures: &[&[Parameter]]) -> String {
    let min = signatures.iter().map(|s| s.iter().map(|p| usize::from(p.min)).sum::<usize>()).min().unwrap_or(0);
    let max = signatures.iter().map(|s| s.iter().map(|p| usize::from(p.max)).sum::<usize>()).max().unwrap_or(0);
    if min == max { count(min) } else { format!("{min} to {}", count(max)) }
}

fn count(n: usize) -> String {
    format!("{n} argument{}", if n == 1 { "" } else { "s" })
}

/// Says what a parameter takes, with the code that Microsoft's parser gives its absence.
pub(super) fn wanted(kind: Kind) -> (&'static str, String) {
    match kind {
        Kind::Is(scalar_type) => ("KS107", format!("of type {scalar_type}")),
        Kind::Text => ("KS141", "a string or a dynamic".into()),
        Kind::Number | Kind::AsReal => ("KS137", "a number".into()),
        Kind::Integer => ("KS134", "an integer".into()),
        Kind::Summable => ("KS138", "a number, a datetime or a timespan".into()),
        Kind::Orderable => ("KS206", "a value that can be ordered".into()),
        Kind::NotDynamic => ("KS116", "of another type than dynamic".into()),
        Kind::Dynamic => ("KS234", "a dynamic".into()),
        Kind::TypeName => ("KS147", "typeof(...)".into()),
        Kind::Any | Kind::AsText | Kind::Common => ("KS127", "a scalar".into()),
    }
}

//! Calls: overload resolution over the library, functions that only the binder can compute, and functions of the user's.

mod columns;
mod overload;
mod special;
mod user;
mod window;

use std::ops::Range;
use std::rc::Rc;

use self::overload::returned;
pub(super) use self::overload::{assign, cost, wanted};
pub(super) use self::user::UserCall;
use crate::bind::expression::{Part, Scalar, to};
use crate::bind::name::part_names;
use crate::bind::scope::{Binding, Context};
use crate::bind::seen::Seen;
use crate::bind::signature::{self, Library, Verdict};
use crate::bind::{Binder, pattern};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::functions::{self, Kernel, Kind, Overload, Returns, Rule, aggregate};
use crate::plan::Expr;
use crate::syntax::ast::{self, Argument, ExprKind};
use crate::types::{ScalarType, Value};

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

/// What Microsoft's parser sees in the result of a call.
#[derive(Default)]
pub(super) struct Agreed {
    /// None where only the binder knows.
    pub returns: Option<Seen>,
    /// The types of the columns, where the call gives several.
    pub columns: Option<Vec<Seen>>,
}

/// What became of an expression, for the call that it is an argument of.
pub(super) struct Note {
    /// The address of the expression: what tells it from all others.
    expr: usize,
    seen: Seen,
    constant: bool,
    column: bool,
    literal: bool,
    /// The text of a constant that the parser knows the value of.
    text: Option<String>,
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
            text: constant_text(expr, scalar),
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
    ) -> (R, Agreed) {
        let from = self.mark();
        let result = bind(self);
        let notes = self.notes.split_off(from.notes);
        let known: Vec<signature::Argument> = arguments.iter().map(|argument| known_of(argument, &notes)).collect();
        let Some(verdict) = signature::judge(library, &name.text, name.span, &known) else {
            return (result, Agreed::default());
        };
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
        let Verdict { problems, returns, columns } = verdict;
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
        (result, Agreed { returns, columns })
    }

    /// Gives a value the type that Microsoft's parser sees, as far as nobody computes it.
    pub(super) fn agreed(&mut self, scalar: Scalar, agreed: Agreed) -> Scalar {
        let scalar = match (&scalar.parts, agreed.columns) {
            (Some(parts), Some(columns)) => {
                let known = |(part, seen): (&Part, &Seen)| Part { seen: seen.clone(), ..part.clone() };
                Scalar { parts: Some(parts.iter().zip(&columns).map(known).collect()), ..scalar }
            }
            _ => scalar,
        };
        let Some(seen) = agreed.returns else { return scalar };
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
        let (scalar, agreed) = self.judged(library, name, arguments, |binder| binder.called(name, arguments, span, cx));
        self.agreed(scalar, agreed)
    }

    fn called(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        // A user's function beats one of the library (documented: a `let` may not take a built-in's name; the parser
        // lets it).
        let call = UserCall { name: name.span, arguments, span };
        if let Some(Binding::Function(function)) = cx.scope.find(&name.text) {
            return self.call_function_scalar(&function, call, cx);
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
        if let Some(scalar) = self.stored_scalar(name, call, cx) {
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
                Part { name, seen: Seen::Scalar(returns), expr }
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

    fn clock(&mut self) -> Scalar {
        self.reads_clock = true;
        Scalar::known(Expr::Now)
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
            // What a dynamic is, the parameter does not tell.
            Some(from) if from == scalar_type => Scalar { literal: false, finer: None, ..scalar },
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
        text: note.and_then(|note| note.text.clone()),
        literal: note.is_some_and(|note| note.literal),
        constant: note.is_some_and(|note| note.constant),
    }
}

/// Returns the text that Microsoft's parser takes an expression for: that of a literal, or of a variable that stands for
/// one.
pub(super) fn constant_text(expr: &ast::Expr, scalar: &Scalar) -> Option<String> {
    match (&expr.kind, &scalar.expr) {
        (ExprKind::Literal(_) | ExprKind::Name(_), Expr::Literal(Value::String(text))) if scalar.literal => {
            Some(text.clone())
        }
        _ => None,
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

//! The tree of a KQL text: what was written, with the place of each part.
//!
//! KQL has one kind of expression: a table, a pipeline and a number stand in the same places (`let x = ...;`),
//! and only the binder can tell them apart. So has this tree.

mod operator;

pub use operator::*;

use crate::diagnostic::Span;

/// A whole text: statements separated by `;`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub span: Span,
    pub kind: StatementKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `let name = value`; a function is a value of kind [`ExprKind::Function`].
    Let { name: Name, value: Expr },
    /// `set option = value`
    Set { name: Name, value: Option<Expr> },
    /// `declare query_parameters(a:long = 1)`
    DeclareParameters { parameters: Vec<Parameter> },
    /// `declare pattern p = (a:string)[b:string] { ... }`: kept as text, it has no use outside Kusto.
    DeclarePattern { name: Name, pattern: Option<Pattern> },
    /// `alias database d = cluster("c").database("d")`
    Alias { name: Name, value: Expr },
    /// `restrict access to (T, d.*)`
    Restrict { entities: Vec<Expr> },
    /// An expression; the last one of a query is its result.
    Expr(Expr),
}

/// `(a:string)[b:string] { ("x").["y"] = { T }; }`: which table stands for which values.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    pub parameters: Vec<ColumnDeclaration>,
    pub path: Option<ColumnDeclaration>,
    pub cases: Vec<PatternCase>,
}

/// `("x").["y"] = { T };`
#[derive(Debug, Clone, PartialEq)]
pub struct PatternCase {
    pub span: Span,
    pub values: Vec<Expr>,
    pub path: Option<Expr>,
    pub body: Query,
}

/// A name as written. `text` is without quotes: `['a b']` and `["a b"]` have the text `a b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    pub span: Span,
    pub text: String,
    /// Written as `['...']` or `["..."]`.
    pub quoted: bool,
}

/// An expression, scalar or tabular.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Literal(Literal),
    /// A column, a table, a `let` name; also `$left` and `$right`.
    Name(Name),
    /// `*`
    Star,
    /// A name with `*` in it: `Sec*`.
    Wildcard(String),
    /// `(e)`
    Paren(Box<Expr>),
    /// `base.member`
    Member {
        base: Box<Expr>,
        member: Name,
    },
    /// `base[index]`
    Element {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    /// `name(arguments)`
    Call {
        name: Name,
        arguments: Vec<Argument>,
    },
    /// `base.name(arguments)`: `cluster("c").database("d")`
    MethodCall {
        base: Box<Expr>,
        name: Name,
        arguments: Vec<Argument>,
    },
    Unary {
        operator: UnaryOperator,
        operand: Box<Expr>,
    },
    Binary {
        operator: BinaryOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `left in (list)`, `left has_any (list)` and their kin. The list is as written, without its parentheses.
    In {
        operator: InOperator,
        left: Box<Expr>,
        list: Vec<Expr>,
    },
    /// `left between (low .. high)`
    Between {
        negated: bool,
        left: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `source | operator | ...`; `operators` is not empty.
    Pipeline {
        source: Box<Expr>,
        operators: Vec<Operator>,
    },
    /// An operator that begins a pipeline: `print 1`, `range x from 1 to 3 step 1`, `union A, B`, `search "x"`, `find ...`.
    Leading(Box<Operator>),
    /// `datatable(a:long) [1, 2]`
    DataTable {
        columns: Vec<ColumnDeclaration>,
        values: Vec<Expr>,
        parameters: Vec<OperatorParameter>,
    },
    /// `externaldata(a:string) [@"https://..."] with (format="csv")`
    ExternalData(Box<ExternalData>),
    /// `(a:long, T:(*)) { ... }` or `view () { ... }`: the value of a `let`.
    Function {
        view: bool,
        parameters: Vec<Parameter>,
        body: Box<Query>,
    },
    /// `entity_group [a, b]`
    EntityGroup(Vec<Expr>),
    /// What could not be read; a problem says why.
    /// (`materialize(T | ...)` and `toscalar(T | ...)` are [`ExprKind::Call`]s whose argument is a pipeline.)
    Error,
}

impl Expr {
    /// Returns the expressions right within this one, in the order in which they stand; not those of a query within.
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Paren(inner) => vec![inner],
            ExprKind::Member { base, .. } => vec![base],
            ExprKind::Element { base, index } => vec![base, index],
            ExprKind::Call { arguments, .. } => arguments.iter().map(|argument| &argument.value).collect(),
            ExprKind::MethodCall { base, arguments, .. } => {
                std::iter::once(&**base).chain(arguments.iter().map(|argument| &argument.value)).collect()
            }
            ExprKind::Unary { operand, .. } => vec![operand],
            ExprKind::Binary { left, right, .. } => vec![left, right],
            ExprKind::In { left, list, .. } => std::iter::once(&**left).chain(list).collect(),
            ExprKind::Between { left, low, high, .. } => vec![left, low, high],
            _ => Vec::new(),
        }
    }
}

/// `value` or `name = value` in a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    pub name: Option<Name>,
    pub value: Expr,
}

/// A literal. What its text means (a number, an instant) is settled by the binder, which knows KQL's types.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A string, or several adjacent ones, without quotes and with its escapes resolved.
    String(String),
    /// `5`, `1.5`, `0x1F`, `1d`, `true`, or wrapped in a type's name: `long(5)`, `datetime(2020-01-01)`, `int(null)`.
    Typed {
        kind: LiteralKind,
        /// As written, trimmed; of a wrapped literal what stands between the parentheses (quotes included).
        text: String,
        /// Written as `type(text)`.
        wrapped: bool,
    },
    /// `dynamic(...)`
    Dynamic(DynamicLiteral),
    /// `null` where it stands alone (an argument of a few functions).
    Null,
}

/// The type that the form of a literal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiteralKind {
    Bool,
    Int,
    Long,
    Real,
    Decimal,
    DateTime,
    TimeSpan,
    Guid,
    /// `string(null)` is the only one of its kind.
    String,
}

/// What may stand within `dynamic(...)`.
#[derive(Debug, Clone, PartialEq)]
pub enum DynamicLiteral {
    Null,
    Array(Vec<DynamicLiteral>),
    /// In source order.
    Bag(Vec<(String, DynamicLiteral)>),
    /// `{name}`: a placeholder of a dashboard, with its braces.
    Placeholder(Name),
    /// Any scalar literal: `dynamic([1d, datetime(2020-01-01)])`. A number keeps its sign in the text.
    Scalar(Box<Literal>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    Minus,
    Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    Or,
    And,
    /// `==`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `=~`
    EqualTilde,
    /// `!~`
    NotEqualTilde,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    /// `has`, `!contains_cs`, `matches regex` ...
    Text {
        operator: TextOperator,
        negated: bool,
    },
}

/// String operators that take one operand on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOperator {
    Has,
    HasCs,
    HasPrefix,
    HasPrefixCs,
    HasSuffix,
    HasSuffixCs,
    Contains,
    ContainsCs,
    StartsWith,
    StartsWithCs,
    EndsWith,
    EndsWithCs,
    /// `like`, `likecs`: `*` in the pattern stands for any text.
    Like,
    LikeCs,
    /// `matches regex`
    MatchesRegex,
    /// `:` of `search`
    Search,
}

/// Operators that take a parenthesised list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InOperator {
    In,
    NotIn,
    InTilde,
    NotInTilde,
    HasAny,
    HasAll,
}

/// `name:type` in a schema; a name without a type occurs in a few operators.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDeclaration {
    pub name: Name,
    pub type_name: Option<Name>,
}

/// A parameter of a function or of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub name: Name,
    pub kind: ParameterKind,
    pub default: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ParameterKind {
    /// `x:long`
    Scalar(Name),
    /// `T:(a:long, b:string)`
    Table(Vec<ColumnDeclaration>),
    /// `T:(*)`
    AnyTable,
}

/// `kind=inner`, `hint.strategy=shuffle`, `isfuzzy=true`, `bin_legacy=...`: name with dots as written.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorParameter {
    pub name: Name,
    pub value: Expr,
}

/// `value`, `name = value` or `(a, b) = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedExpr {
    pub span: Span,
    /// Empty where the value has no name of its own.
    pub names: Vec<Name>,
    /// Written as `(a, b) =`, also with one name.
    pub tuple: bool,
    pub value: Expr,
}

/// A sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderedExpr {
    pub value: NamedExpr,
    /// None where not written; `desc` is the default of most operators.
    pub ascending: Option<bool>,
    /// None where not written: nulls are the smallest values.
    pub nulls_first: Option<bool>,
    /// `granny-asc` and `granny-desc` of `project-reorder`.
    pub granny: bool,
}

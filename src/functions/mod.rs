//! KQL's library of functions, as data.
//!
//! A function is one value: its name, what it means, its overloads with the kernel of each, how its result column is
//! named, and examples that are run. The binder chooses an overload and converts the arguments to what it asks for;
//! the engine calls the kernel; help and completion read the rest.

pub mod aggregate;
pub mod kv;
pub mod lift;
pub mod pattern;
pub mod plugin;
pub mod scalar;
pub mod sketch;
pub mod unbuilt;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;

use crate::types::whereabouts::Places;
use crate::types::{ScalarType, Value};

/// A scalar function.
pub struct Function {
    pub name: &'static str,
    /// Older names of the same function.
    pub aliases: &'static [&'static str],
    /// One sentence: what it gives.
    pub summary: &'static str,
    pub naming: Naming,
    /// In the order in which they are tried.
    pub overloads: &'static [Overload],
    /// Pairs of a KQL expression and an expression that must equal it, one of which shows null or empty.
    pub examples: &'static [(&'static str, &'static str)],
    /// The name of its page in the language reference, without ending.
    pub page: &'static str,
}

impl std::fmt::Debug for Function {
    /// Writes the name, which no other function has.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Function {
    /// Tells whether each call gives another value: it is neither folded, nor moved, nor made twice.
    pub fn is_volatile(&self) -> bool {
        matches!(self.name, "rand" | "new_guid")
    }

    /// Tells whether a query can name it: `has`, `matches regex`, `strcat`. Signs are operators, and what else has blanks
    /// in its name the binder alone calls.
    pub fn is_named(&self) -> bool {
        let word = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !word.contains(' ');
        word(self.name) || self.name == "matches regex"
    }

    /// Tells whether it cuts a text at a delimiter into an array: one part of it can be had without the others.
    pub fn cuts_text(&self) -> bool {
        self.name == "split"
    }

    /// Tells whether it holds where all its arguments do, two conditions that the binder has made.
    pub fn is_conjunction(&self) -> bool {
        self.name == "between"
    }

    /// Tells whether its value is another one at another moment.
    pub fn reads_clock(&self) -> bool {
        matches!(self.name, "now" | "ago")
    }
}

/// How the column is called that holds an unnamed call.
///
/// The kinds are those of Microsoft's parser (`ResultNameKind`); a call of kind `None` is `Column1`, `Column2` ...
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By position.
    None,
    /// As its first argument is called: `tostring(a)` is `a`.
    FirstArgument,
    /// `strlen(a)` is `strlen_a`.
    NameAndFirstArgument,
    /// `gettype(a)` is `type_a` with the prefix `type`.
    PrefixAndFirstArgument(&'static str),
    /// The prefix alone: `count()` is `count_`.
    Prefix(&'static str),
    /// `dcount_intersect` and others whose name the binder makes.
    Special,
}

/// One signature of a function and what computes it.
#[derive(Debug)]
pub struct Overload {
    pub parameters: &'static [Parameter],
    pub returns: Returns,
    pub kernel: Kernel,
}

/// A parameter of a built-in function.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub rule: Rule,
    /// How many arguments it takes at least: 0 where it may be left out.
    pub min: u16,
    /// How many arguments it takes at most.
    pub max: u16,
}

/// What a parameter takes, and what the binder makes of it before the kernel sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value of the type. Implicit conversions: `int` to `long` to `real`, `int`, `long` to `decimal`, `dynamic` to
    /// the type for numbers, bool, datetime, timespan and guid (not to string: see [`Kind::Text`]).
    Is(ScalarType),
    /// `string` or `dynamic`; a dynamic arrives as its text (a string without quotes).
    Text,
    /// Any scalar; arrives as `tostring` of it.
    AsText,
    /// Any type of number (a dynamic too, converted to `real`); arrives as it is.
    Number,
    /// Any type of number (or bool); arrives as `real`.
    AsReal,
    /// `int` or `long` (or dynamic); arrives as `long`.
    Integer,
    /// Number, datetime or timespan (or dynamic); arrives as it is.
    Summable,
    /// Anything that can be ordered: not dynamic.
    Orderable,
    /// Any scalar, arrives as it is.
    Any,
    /// Any scalar but dynamic, arrives as it is.
    NotDynamic,
    /// A dynamic value (array or bag).
    Dynamic,
    /// All arguments of this kind take the type they have in common (`int` widens to `long`, either to `real`).
    Common,
    /// `typeof(long)`; the kernel gets a null of the type.
    TypeName,
}

/// What an argument must be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Any expression.
    Expression,
    /// A constant: literals, scalar `let`s and foldable calls of them.
    Constant,
    /// A literal.
    Literal,
    /// A column.
    Column,
}

/// The type of a result.
#[derive(Debug, Clone, Copy)]
pub enum Returns {
    /// Always this one.
    Type(ScalarType),
    /// That of the argument with this index.
    Argument(usize),
    /// The type that the arguments of kind [`Kind::Common`] have in common.
    Common,
    /// The widest number among the arguments.
    Widest,
    /// The type that the `typeof` argument with this index names.
    TypeName(usize),
    /// Computed; None where the types do not fit.
    With(fn(&[ScalarType]) -> Option<ScalarType>),
    /// Several columns: the last part of the name of each, and its type. The kernel gives a struct of them.
    Columns(&'static [(&'static str, ScalarType)]),
    /// A dynamic column for each dynamic argument. The kernel gives a struct of them.
    Arrays,
}

impl Overload {
    /// Returns the types of the columns of a call, where it gives several.
    pub fn columns(&self, arguments: &[ScalarType]) -> Option<Vec<ScalarType>> {
        match self.returns {
            Returns::Columns(columns) => Some(columns.iter().map(|(_, scalar_type)| *scalar_type).collect()),
            Returns::Arrays => Some(arguments.iter().copied().filter(|t| *t == ScalarType::Dynamic).collect()),
            _ => None,
        }
    }
}

/// What computes a call, column-wise.
#[derive(Clone, Copy)]
pub enum Kernel {
    /// Over whole columns. See [`lift`] for making one of a plain Rust function.
    Columns(fn(&Call) -> Result<ArrayRef, FunctionError>),
    /// Prepared once from the constant arguments (a regex, a format); None stands for one that is not constant.
    Prepared(fn(&[Option<Value>]) -> Result<PreparedKernel, FunctionError>),
    /// Over whole columns, with what the user's database tells of places.
    Located(fn(&Call, &dyn Places) -> Result<ArrayRef, FunctionError>),
    /// The signature is known, the function is not built yet: queries that call it are refused by name.
    Unbuilt,
}

/// A kernel that holds what was prepared from constants.
pub type PreparedKernel = Arc<dyn Fn(&Call) -> Result<ArrayRef, FunctionError> + Send + Sync>;

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kernel::Columns(_) => "Columns",
            Kernel::Prepared(_) => "Prepared",
            Kernel::Located(_) => "Located",
            Kernel::Unbuilt => "Unbuilt",
        })
    }
}

/// Arguments of one evaluation.
#[derive(Debug)]
pub struct Call<'a> {
    pub arguments: &'a [Arg],
    /// Rows of the result.
    pub rows: usize,
    /// The session's clock in ticks: what `now()` gives.
    pub now: i64,
}

/// One evaluated argument.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Of length [`Call::rows`], or of length 1 if `constant`. Its Arrow type is that of [`crate::types::arrow`].
    pub array: ArrayRef,
    /// The one value stands for all rows.
    pub constant: bool,
    pub scalar_type: ScalarType,
}

/// Why a call can't be computed: a bad constant (told when the query is bound) or a limit.
///
/// Bad *data* is never an error in KQL: it gives null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Microsoft's code or ours.
    pub code: &'static str,
    pub message: String,
    /// Index of the argument that is at fault.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// Makes an error about the argument with this index.
    pub fn argument(index: usize, code: &'static str, message: impl Into<String>) -> Self {
        FunctionError { code, message: message.into(), argument: Some(index) }
    }
}

/// Makes a parameter that takes exactly one expression.
pub const fn one(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, rule: Rule::Expression, min: 1, max: 1 }
}

impl Parameter {
    /// It may be left out.
    pub const fn optional(self) -> Self {
        Parameter { min: 0, ..self }
    }

    /// It takes from `min` to `max` arguments.
    pub const fn repeated(self, min: u16, max: u16) -> Self {
        Parameter { min, max, ..self }
    }

    /// It must be constant.
    pub const fn constant(self) -> Self {
        Parameter { rule: Rule::Constant, ..self }
    }

    /// It must be a literal.
    pub const fn literal(self) -> Self {
        Parameter { rule: Rule::Literal, ..self }
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    // Built ones last: they win over the bare signatures.
    for function in unbuilt::FUNCTIONS.iter().chain(scalar::families().into_iter().flatten()) {
        for name in function.aliases.iter().chain([&function.name]) {
            names.insert(*name, function);
        }
    }
    names
});

/// Finds a scalar function by its name or an older name of it.
///
/// ```
/// assert_eq!(alertq::functions::scalar_function("todynamic").map(|f| f.name), Some("parse_json"));
/// assert!(alertq::functions::scalar_function("no_such").is_none());
/// ```
pub fn scalar_function(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// Returns every scalar function, sorted by name.
pub fn scalar_functions() -> Vec<&'static Function> {
    let mut all: Vec<_> = BY_NAME.iter().filter(|(name, f)| **name == f.name).map(|(_, f)| *f).collect();
    all.sort_by_key(|f| f.name);
    all
}

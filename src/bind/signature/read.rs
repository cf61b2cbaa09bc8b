//! Signatures as the fixture writes them.

use super::Argument;
use super::fit::{Conversion, assignable};
use crate::bind::seen::{ANY, Member, Seen};
use crate::types::ScalarType;

/// What a parameter takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Takes {
    Declared(Vec<Seen>),
    Kind(Kind),
}

/// The parser's kinds of parameters (`ParameterTypeKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Integer,
    RealOrDecimal,
    IntegerOrArray,
    StringOrDynamic,
    StringOrArray,
    DynamicArray,
    DynamicBag,
    Number,
    NumberOrBool,
    Summable,
    Orderable,
    NotBool,
    NotRealOrBool,
    NotDynamic,
    /// The type of the argument with this index.
    Same(usize),
    Common,
    CommonOrDynamic,
    CommonOrderable,
}

/// What an argument must be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    None,
    Constant,
    Literal,
    Column,
    StarOnly,
    StarAllowed,
}

#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) takes: Takes,
    pub(super) rule: Rule,
    /// The values that a literal may have.
    pub(super) values: Vec<&'static str>,
    pub(super) min: usize,
    pub(super) max: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Returns {
    Declared(Seen),
    Parameter(usize),
    ArrayOf(usize),
    Promoted(usize),
    Common,
    CommonNotDynamic,
    Widest,
    TypeNamed,
    /// Several columns of these types.
    Columns(Vec<Seen>),
    Custom,
}

#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) parameters: Vec<Parameter>,
    /// All but the last parameters repeat as a block: `case`.
    pub(super) block: bool,
    pub(super) returns: Returns,
}

impl Signature {
    /// Reads `(string,Integer?)array<string>`.
    pub(super) fn read(text: &'static str) -> Option<Signature> {
        let block = text.starts_with('&');
        let (parameters, returns) = text.trim_start_matches('&').strip_prefix('(')?.rsplit_once(')')?;
        let parameters = parameters.split(',').filter(|part| !part.is_empty()).map(Parameter::read);
        Some(Signature { parameters: parameters.collect::<Option<_>>()?, block, returns: Returns::read(returns) })
    }

    pub(super) fn least(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.min).sum()
    }

    pub(super) fn most(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.max).sum()
    }

    /// Distributes arguments over the parameters; those that are too many have none.
    pub(super) fn assign(&self, arguments: &[Argument]) -> Vec<Option<&Parameter>> {
        let count = arguments.len();
        let mut assigned = Vec::with_capacity(count);
        if self.block {
            let repeated = self.parameters.iter().filter(|parameter| parameter.max > 1).count();
            let tail = self.parameters.len() - repeated;
            let blocks = count.saturating_sub(tail) / repeated.max(1);
            for _ in 0..blocks {
                assigned.extend(self.parameters[..repeated].iter().map(Some));
            }
            assigned.extend(self.parameters[repeated..].iter().map(Some));
        } else {
            let mut spare = count.saturating_sub(self.least());
            for parameter in &self.parameters {
                let extra = spare.min(parameter.max - parameter.min);
                spare -= extra;
                assigned.extend(std::iter::repeat_n(Some(parameter), parameter.min + extra));
            }
        }
        assigned.resize(count, None);
        // An option behind a parameter that repeats takes the last argument where that suits it: `array_sort_asc`.
        if let ([.., Parameter { max: 2.., .. }, option @ Parameter { min: 0, .. }], Some(last), Some(place)) =
            (&self.parameters[..], arguments.last(), assigned.last_mut())
            && count > self.least()
            && option.declares(&last.seen)
        {
            *place = Some(option);
        }
        assigned
    }

    pub(super) fn takes(&self, count: usize) -> bool {
        if !self.block {
            return (self.least()..=self.most()).contains(&count);
        }
        let repeated = self.parameters.iter().filter(|parameter| parameter.max > 1).count();
        let tail = self.parameters.len() - repeated;
        count >= self.parameters.len() && (count - tail).is_multiple_of(repeated.max(1))
    }

    /// Says how many arguments it takes.
    pub(super) fn arity(&self) -> String {
        let (least, most) = (self.least(), self.most());
        match most {
            _ if self.block => format!("at least {}", self.parameters.len()),
            1 if least == most => "1 argument".into(),
            _ if least == most => format!("{least} arguments"),
            _ if most > 60 => format!("at least {least} argument{}", if least == 1 { "" } else { "s" }),
            _ => format!("{least} to {most} arguments"),
        }
    }
}

impl Parameter {
    /// Tells whether a type is one of those that the parameter lists.
    pub(super) fn declares(&self, seen: &Seen) -> bool {
        matches!(&self.takes, Takes::Declared(types) if types.iter().any(|wanted| assignable(wanted, seen, Conversion::None)))
    }

    /// Reads a type, then its rule (`!`, `#`, `@`, `*`, `~`), values (`=a/b`) and how often it may stand (`?`, `{1-64}`).
    pub(super) fn read(text: &'static str) -> Option<Parameter> {
        let (text, min, max) = match text.strip_suffix('?') {
            Some(rest) => (rest, 0, 1),
            None => match text.strip_suffix('}').and_then(|rest| rest.split_once('{')) {
                Some((rest, times)) => {
                    let (min, max) = times.split_once('-')?;
                    (rest, min.parse().ok()?, max.parse().ok()?)
                }
                None => (text, 1, 1),
            },
        };
        let (text, values) = match text.split_once('=') {
            Some((rest, values)) => (rest, values.split('/').collect()),
            None => (text, Vec::new()),
        };
        let rules = [
            ('!', Rule::Constant),
            ('#', Rule::Literal),
            ('@', Rule::Column),
            ('*', Rule::StarOnly),
            ('~', Rule::StarAllowed),
        ];
        let rule = rules.iter().find(|(mark, _)| text.ends_with(*mark)).map_or(Rule::None, |(_, rule)| *rule);
        let text = text.trim_end_matches(['!', '#', '@', '*', '~']);
        Some(Parameter { takes: Takes::read(text)?, rule, values, min, max })
    }
}

impl Takes {
    pub(super) fn read(text: &str) -> Option<Takes> {
        if text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Some(Takes::Declared(text.split('/').map(seen).collect()));
        }
        Some(Takes::Kind(match text {
            "Scalar" => Kind::Scalar,
            "Integer" => Kind::Integer,
            "RealOrDecimal" => Kind::RealOrDecimal,
            "IntegerOrArray" => Kind::IntegerOrArray,
            "StringOrDynamic" => Kind::StringOrDynamic,
            "StringOrArray" => Kind::StringOrArray,
            "DynamicArray" => Kind::DynamicArray,
            "DynamicBag" => Kind::DynamicBag,
            "Number" => Kind::Number,
            "NumberOrBool" => Kind::NumberOrBool,
            "Summable" => Kind::Summable,
            "Orderable" => Kind::Orderable,
            "NotBool" => Kind::NotBool,
            "NotRealOrBool" => Kind::NotRealOrBool,
            "NotDynamic" => Kind::NotDynamic,
            "Parameter0" => Kind::Same(0),
            "Parameter1" => Kind::Same(1),
            "CommonScalar" => Kind::Common,
            "CommonScalarOrDynamic" => Kind::CommonOrDynamic,
            "CommonOrderable" => Kind::CommonOrderable,
            _ => return None,
        }))
    }
}

impl Returns {
    pub(super) fn read(text: &str) -> Returns {
        match text {
            "$Parameter0" => Returns::Parameter(0),
            "$Parameter1" => Returns::Parameter(1),
            "$Parameter0Array" => Returns::ArrayOf(0),
            "$Parameter0Promoted" => Returns::Promoted(0),
            "$Common" => Returns::Common,
            "$CommonNonDynamic" => Returns::CommonNotDynamic,
            "$Widest" => Returns::Widest,
            "$Parameter0Literal" | "$Parameter1Literal" | "$ParameterNLiteral" => Returns::TypeNamed,
            columns if columns.starts_with("columns{") => {
                Returns::Columns(members(columns).into_iter().map(|(_, seen)| seen).collect())
            }
            declared if !declared.starts_with('$') => Returns::Declared(seen(declared)),
            _ => Returns::Custom,
        }
    }
}

/// Reads a type: `string`, `array<string>`, `bag`, `bag{a:long,b:string}`, `one<long>`.
pub(super) fn seen(text: &str) -> Seen {
    if let Some(element) = text.strip_prefix("array<").and_then(|rest| rest.strip_suffix('>')) {
        return Seen::array_of(seen(element));
    }
    if let Some(inner) = text.strip_prefix("one<").and_then(|rest| rest.strip_suffix('>')) {
        return ScalarType::from_name(inner).map_or(ANY, Seen::One);
    }
    match text {
        bag if bag == "bag" || bag.starts_with("bag{") => Seen::bag(members(bag)),
        name => ScalarType::from_name(name).map_or(Seen::Unknown, Seen::Scalar),
    }
}

/// Reads the members of `bag{a:long,b:bag{c:string}}`; in their names `+` stands for a blank.
fn members(text: &str) -> Vec<Member> {
    let list = text.split_once('{').and_then(|(_, list)| list.strip_suffix('}')).unwrap_or_default();
    let mut depth = 0;
    let parts = list.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let member = |part: &str| part.split_once(':').map(|(name, of)| (name.replace('+', " "), seen(of)));
    parts.filter_map(member).collect()
}

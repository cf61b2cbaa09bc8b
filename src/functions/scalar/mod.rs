//! Scalar functions, one file per family.

mod array;
mod bag;
mod conversion;
mod datetime;
mod distribution;
mod dynamic;
mod encoding;
pub(in crate::functions) mod geo;
mod held;
mod logic;
mod math;
pub(in crate::functions) mod network;
pub mod operator;
mod random;
mod regex;
mod rows;
mod series;
mod set;
mod sketch;
mod strings;
mod text;
mod units;
mod urls;
mod xml;

use super::Function;

/// Returns every built family.
pub fn families() -> Vec<&'static [Function]> {
    let mut families: Vec<&'static [Function]> = vec![
        array::FUNCTIONS,
        bag::FUNCTIONS,
        conversion::FUNCTIONS,
        datetime::FUNCTIONS,
        distribution::FUNCTIONS,
        dynamic::FUNCTIONS,
        encoding::FUNCTIONS,
        held::FUNCTIONS,
        logic::FUNCTIONS,
        logic::COMPARISONS,
        math::FUNCTIONS,
        network::FUNCTIONS,
        operator::FUNCTIONS,
        random::FUNCTIONS,
        regex::FUNCTIONS,
        set::FUNCTIONS,
        sketch::FUNCTIONS,
        strings::FUNCTIONS,
        text::OPERATORS,
        units::FUNCTIONS,
        urls::FUNCTIONS,
    ];
    families.extend(series::FAMILIES);
    families.extend(geo::FAMILIES);
    families
}

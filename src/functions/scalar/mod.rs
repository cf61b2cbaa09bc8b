//! Scalar functions, one file per family.

pub(in crate::functions) mod address;
mod array;
mod array_build;
mod bag;
mod conversion;
mod datetime;
mod distribution;
mod dynamic;
mod encoding;
pub(in crate::functions) mod geo;
mod has_address;
mod held;
mod logic;
mod math;
mod needle;
mod network;
pub mod operator;
mod punycode;
mod random;
mod regex;
mod replace;
mod rounding;
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
        array_build::FUNCTIONS,
        bag::FUNCTIONS,
        conversion::FUNCTIONS,
        datetime::FUNCTIONS,
        distribution::FUNCTIONS,
        dynamic::FUNCTIONS,
        encoding::FUNCTIONS,
        has_address::FUNCTIONS,
        held::FUNCTIONS,
        logic::FUNCTIONS,
        logic::COMPARISONS,
        math::FUNCTIONS,
        network::FUNCTIONS,
        operator::FUNCTIONS,
        punycode::FUNCTIONS,
        random::FUNCTIONS,
        regex::FUNCTIONS,
        replace::FUNCTIONS,
        rounding::FUNCTIONS,
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

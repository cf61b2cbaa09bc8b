//! Functions over places on the globe.
//!
//! The engine computes on Google's S2 library: the earth is a sphere of radius 6,371,010 m, and an edge is the shorter
//! arc of a great circle between two points. Input that is no shape as GeoJSON has it, a place out of range, or a null
//! gives null.

mod address;
mod arguments;
mod arrange;
mod buffer;
mod cover;
mod densify;
mod geohash;
mod geojson;
mod h3;
mod hexagons;
mod line;
mod neighbors;
mod point;
mod polygon;
mod region;
mod s2cell;
mod shape;
mod simplify;
mod snap;
mod sphere;
mod union;
mod wkt;

pub(in crate::functions) use shape::Shape;

use crate::functions::Function;

/// The families.
pub(super) const FAMILIES: &[&[Function]] = &[
    address::FUNCTIONS,
    point::FUNCTIONS,
    geohash::FUNCTIONS,
    h3::FUNCTIONS,
    s2cell::FUNCTIONS,
    wkt::FUNCTIONS,
    line::FUNCTIONS,
    polygon::FUNCTIONS,
    densify::FUNCTIONS,
    union::FUNCTIONS,
    cover::FUNCTIONS,
    hexagons::FUNCTIONS,
    buffer::FUNCTIONS,
    simplify::FUNCTIONS,
];

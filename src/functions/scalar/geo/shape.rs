//! Shapes as lookups use them.

use super::arguments::place;
use super::geojson::Place;
use super::line::Lines;
use super::region::Region;
use super::sphere::{EARTH_RADIUS, Point, chord_angle, edge_chord2};

/// A line or a polygon that places are looked up by.
pub(in crate::functions) struct Shape(Kind);

enum Kind {
    Lines(Lines),
    Region(Region),
}

impl Shape {
    /// Reads a `LineString` or `MultiLineString`; None if it is not valid.
    pub fn read_line(text: &str) -> Option<Shape> {
        Lines::read(text).map(|lines| Shape(Kind::Lines(lines)))
    }

    /// Reads a `Polygon` or `MultiPolygon`; None if it is not valid.
    pub fn read_polygon(text: &str) -> Option<Shape> {
        Region::read(text).map(|region| Shape(Kind::Region(region)))
    }

    /// Tells whether a place, as longitude and latitude, lies in a polygon, or within a radius in metres of the shape.
    pub fn is_at(&self, (longitude, latitude): Place, radius: Option<f64>) -> bool {
        let Some((longitude, latitude)) = place(longitude, latitude) else { return false };
        let point = Point::from_degrees(longitude, latitude);
        let distance = match (&self.0, radius) {
            (Kind::Region(region), None) => return region.contains(point),
            (Kind::Region(region), Some(_)) => region.distance(point),
            (Kind::Lines(lines), _) => {
                chord_angle(lines.edges().map(|(a, b)| edge_chord2(point, a, b)).fold(4.0, f64::min))
            }
        };
        radius.is_some_and(|radius| distance * EARTH_RADIUS <= radius)
    }

    /// Returns the bytes that it holds, roughly.
    pub fn size(&self) -> usize {
        let points = match &self.0 {
            Kind::Lines(lines) => lines.edges().count(),
            Kind::Region(region) => region.edges().count(),
        };
        points * size_of::<Point>()
    }
}

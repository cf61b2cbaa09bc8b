//! Well-known text.

use std::str::FromStr;

use wkt::Wkt;
use wkt::types::{Coord, Dimension, LineString, Polygon};

use super::super::rows::{DYNAMIC, any_text, function, json, overload};
use super::geojson::{Place, write_line, write_list, write_place, write_places, write_point, write_polygon};
use crate::functions::lift::{Reader, Text};
use crate::functions::{Function, Naming};

/// How deep collections may lie in collections.
const MAX_DEPTH: usize = 32;

/// Functions of well-known text.
pub(super) const FUNCTIONS: &[Function] = &[function!(
    "geo_from_wkt",
    "Reads well-known text as GeoJSON.",
    "geo-from-wkt-function",
    Naming::None,
    [overload!((any_text("wkt")) -> DYNAMIC, |call| {
        let texts = Reader::<Text>::new(call, 0);
        json(call, |row, out| write(&read(texts.get(row)?)?, out))
    })],
    [
        ("tostring(geo_from_wkt('POINT (24.9 60.2)'))", "'{\"type\":\"Point\",\"coordinates\":[24.9,60.2]}'"),
        ("tostring(geo_from_wkt('LINESTRING (1 2, 3 4)').coordinates)", "'[[1.0,2.0],[3.0,4.0]]'"),
        ("isnull(geo_from_wkt('LINESTRING'))", "true"),
        ("isnull(geo_from_wkt(''))", "true")
    ]
)];

/// Reads flat geometry; what has heights is no GeoJSON of Kusto's. Brackets are counted first: the reader recurses.
fn read(text: &str) -> Option<Wkt<f64>> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return None;
        }
    }
    Wkt::from_str(text).ok()
}

fn write(shape: &Wkt<f64>, out: &mut String) -> Option<()> {
    if shape.dimension() != Dimension::XY {
        return None;
    }
    match shape {
        Wkt::Point(point) => write_point(place(point.coord()?), out),
        Wkt::LineString(line) => write_line(&places(line)?, out),
        Wkt::Polygon(polygon) => write_polygon(rings(polygon)?, out),
        Wkt::MultiPoint(points) => {
            let coords = points.points().iter().map(|point| point.coord().map(place));
            write_multi("MultiPoint", &coords.collect::<Option<Vec<_>>>()?, out, |place, out| {
                write_place(*place, out)
            })?;
        }
        Wkt::MultiLineString(lines) => {
            let lines = lines.line_strings().iter().map(places).collect::<Option<Vec<_>>>()?;
            write_multi("MultiLineString", &lines, out, |line, out| write_places(line, out))?;
        }
        Wkt::MultiPolygon(polygons) => {
            let polygons = polygons.polygons().iter().map(rings).collect::<Option<Vec<_>>>()?;
            write_multi("MultiPolygon", &polygons, out, |rings, out| {
                write_list(rings, out, |ring, out| write_places(ring, out));
            })?;
        }
        Wkt::GeometryCollection(shapes) => {
            out.push_str("{\"type\":\"GeometryCollection\",\"geometries\":[");
            for (index, shape) in shapes.geometries().iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(shape, out)?;
            }
            out.push_str("]}");
        }
    }
    Some(())
}

fn write_multi<T>(kind: &str, parts: &[T], out: &mut String, write: impl Fn(&T, &mut String)) -> Option<()> {
    out.push_str("{\"type\":\"");
    out.push_str(kind);
    out.push_str("\",\"coordinates\":");
    write_list(parts, out, write);
    out.push('}');
    (!parts.is_empty()).then_some(())
}

fn place(coord: &Coord<f64>) -> Place {
    (coord.x, coord.y)
}

/// Returns the places of a line, or None if it has none.
fn places(line: &LineString<f64>) -> Option<Vec<Place>> {
    let places: Vec<Place> = line.coords().iter().map(place).collect();
    (!places.is_empty()).then_some(places)
}

fn rings(polygon: &Polygon<f64>) -> Option<Vec<Vec<Place>>> {
    let rings = polygon.rings().iter().map(places).collect::<Option<Vec<_>>>()?;
    (!rings.is_empty()).then_some(rings)
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn deep_collections_are_no_shapes() {
        let nested = format!("{}POINT (1 1){}", "GEOMETRYCOLLECTION (".repeat(100_000), ")".repeat(100_000));
        assert!(read(&nested).is_none());
    }

    #[test]
    fn empty_shapes_and_heights_are_null() {
        for text in ["POINT EMPTY", "LINESTRING EMPTY", "POINT Z (1 2 3)", "POINT (1)", "nothing"] {
            assert!(read(text).and_then(|shape| write(&shape, &mut String::new())).is_none(), "{text}");
        }
    }
}

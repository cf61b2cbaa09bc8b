//! Shapes read from GeoJSON and written as such.

use super::arguments::place;
use super::sphere::Point;
use crate::types::json;

/// Longitude and latitude in degrees.
pub(super) type Place = (f64, f64);

/// Reads the lines of a `LineString` or `MultiLineString`; None if one is not valid.
pub(super) fn read_lines(text: &str) -> Option<Vec<Vec<Place>>> {
    let (kind, coordinates) = shape(text)?;
    let lines: Vec<Vec<Place>> = match kind.as_ref() {
        "LineString" => vec![read_places(coordinates)?],
        "MultiLineString" => list(coordinates)?.map(read_places).collect::<Option<_>>()?,
        _ => return None,
    };
    (!lines.is_empty() && lines.iter().all(|line| is_line(line))).then_some(lines)
}

/// Reads a `LineString`; None if it is not valid.
pub(super) fn read_line(text: &str) -> Option<Vec<Place>> {
    let (kind, coordinates) = shape(text)?;
    let line = if kind == "LineString" { read_places(coordinates)? } else { return None };
    is_line(&line).then_some(line)
}

/// Reads the rings of the polygons of a `Polygon` or `MultiPolygon`, each with its last place, which is its first.
pub(super) fn read_rings(text: &str) -> Option<Vec<Vec<Vec<Place>>>> {
    let (kind, coordinates) = shape(text)?;
    let rings = |polygon: &str| list(polygon)?.map(read_places).collect::<Option<Vec<_>>>();
    match kind.as_ref() {
        "Polygon" => Some(vec![rings(coordinates)?]),
        "MultiPolygon" => list(coordinates)?.map(rings).collect(),
        _ => None,
    }
}

/// Converts places to points.
pub(super) fn points(places: &[Place]) -> Vec<Point> {
    places.iter().map(|(longitude, latitude)| Point::from_degrees(*longitude, *latitude)).collect()
}

/// Tells whether a line has two points at least, and no two after another that are the same or opposite.
fn is_line(places: &[Place]) -> bool {
    let points = points(places);
    points.len() >= 2 && points.windows(2).all(|edge| edge[0] != edge[1] && edge[0] != -edge[1])
}

fn shape(text: &str) -> Option<(std::borrow::Cow<'_, str>, &str)> {
    if json::kind(text) != json::Kind::Bag {
        return None;
    }
    Some((json::as_string(json::get_key(text, "type")?)?, json::get_key(text, "coordinates")?))
}

fn list(text: &str) -> Option<json::Elements<'_>> {
    (json::kind(text) == json::Kind::Array).then(|| json::elements(text))
}

fn read_places(text: &str) -> Option<Vec<Place>> {
    list(text)?.map(read_place).collect()
}

fn read_place(text: &str) -> Option<Place> {
    let mut numbers = list(text)?.map(|number| match json::kind(number) {
        json::Kind::Long | json::Kind::Real => number.trim().parse::<f64>().ok(),
        _ => None,
    });
    let (longitude, latitude) = (numbers.next()??, numbers.next()??);
    place(longitude, latitude)
}

/// Writes a `Point`.
pub(super) fn write_point(place: Place, out: &mut String) {
    out.push_str("{\"type\":\"Point\",\"coordinates\":");
    write_place(place, out);
    out.push('}');
}

/// Writes a `LineString`.
pub(super) fn write_line(places: &[Place], out: &mut String) {
    out.push_str("{\"type\":\"LineString\",\"coordinates\":");
    write_places(places, out);
    out.push('}');
}

/// Writes lines: a `LineString` if there is one, else a `MultiLineString`.
pub(super) fn write_lines(lines: &[Vec<Place>], out: &mut String) {
    if let [line] = lines {
        return write_line(line, out);
    }
    out.push_str("{\"type\":\"MultiLineString\",\"coordinates\":");
    write_list(lines, out, |line, out| write_places(line, out));
    out.push('}');
}

/// Writes a `Polygon` of its rings.
pub(super) fn write_polygon(rings: impl AsRef<[Vec<Place>]>, out: &mut String) {
    out.push_str("{\"type\":\"Polygon\",\"coordinates\":");
    write_list(rings.as_ref(), out, |ring, out| write_places(ring, out));
    out.push('}');
}

/// Writes polygons: a `Polygon` if there is one, else a `MultiPolygon`.
pub(super) fn write_polygons(polygons: &[Vec<Vec<Place>>], out: &mut String) {
    if let [polygon] = polygons {
        return write_polygon(polygon, out);
    }
    out.push_str("{\"type\":\"MultiPolygon\",\"coordinates\":");
    write_list(polygons, out, |polygon, out| write_list(polygon, out, |ring, out| write_places(ring, out)));
    out.push('}');
}

/// Writes places as an array of arrays.
pub(super) fn write_places(places: &[Place], out: &mut String) {
    write_list(places, out, |place, out| write_place(*place, out));
}

/// Writes an array.
pub(super) fn write_list<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

pub(super) fn write_place((longitude, latitude): Place, out: &mut String) {
    out.push('[');
    json::write_real(longitude, out);
    out.push(',');
    json::write_real(latitude, out);
    out.push(']');
}

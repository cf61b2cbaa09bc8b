//! Geohashes. The well-known crate stops at 12 characters, KQL's have up to 18.

use super::super::rows::{Column, DYNAMIC, STRING, function, json, overload, string, text};
use super::arguments::{Default, Places, number};
use super::geojson::{write_point, write_polygon};
use super::neighbors::{self, write_list};
use crate::functions::lift::{Reader, Text};
use crate::functions::{Call, Function, Naming};

const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// Functions of geohashes.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_point_to_geohash",
        "Gives the geohash of a point, of 1 to 18 characters.",
        "geo-point-to-geohash-function",
        Naming::None,
        [overload!((number("longitude"), number("latitude"), number("accuracy").optional()) -> STRING, to_geohash)],
        [
            ("geo_point_to_geohash(24.94, 60.17)", "'ud9wr'"),
            ("geo_point_to_geohash(24.94, 60.17, 2)", "'ud'"),
            ("geo_point_to_geohash(200, 1, 8)", "''"),
            ("geo_point_to_geohash(1, 1, 19)", "''")
        ]
    ),
    function!(
        "geo_geohash_to_central_point",
        "Gives the centre of a geohash, as a point of GeoJSON.",
        "geo-geohash-to-central-point-function",
        Naming::None,
        [overload!((string("geohash")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            write_point(cell.centre(), out);
            Some(())
        }))],
        [
            ("tostring(geo_geohash_to_central_point('u'))", "'{\"type\":\"Point\",\"coordinates\":[22.5,67.5]}'"),
            ("isnull(geo_geohash_to_central_point('a'))", "true"),
            ("isnull(geo_geohash_to_central_point(''))", "true")
        ]
    ),
    function!(
        "geo_geohash_to_polygon",
        "Gives the border of a geohash, as a polygon of GeoJSON.",
        "geo-geohash-to-polygon-function",
        Naming::None,
        [overload!((string("geohash")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            write_polygon([cell.border()], out);
            Some(())
        }))],
        [
            ("tostring(geo_geohash_to_polygon('u').coordinates[0][2])", "'[45.0,90.0]'"),
            ("array_length(geo_geohash_to_polygon('ud9').coordinates[0])", "5"),
            ("isnull(geo_geohash_to_polygon('a'))", "true")
        ]
    ),
    function!(
        "geo_geohash_neighbors",
        "Gives the geohashes around one.",
        "geo-geohash-neighbors-function",
        Naming::None,
        [overload!((string("geohash")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            write_list(&neighbors::in_engine_order(cell.neighbors(), neighbors::CELL_BUCKETS), out);
            Some(())
        }))],
        [
            ("array_length(geo_geohash_neighbors('ud9wr'))", "8"),
            ("set_has_element(geo_geohash_neighbors('ud9wr'), 'ud9wp')", "true"),
            ("isnull(geo_geohash_neighbors('a'))", "true")
        ]
    ),
];

fn to_geohash(call: &Call) -> Column {
    let (places, accuracy) = (Places::new(call, 0), Default::new(call, 2, 5.0));
    text(call, |row, out| {
        if let (Some((longitude, latitude)), Some(length)) = (places.get(row), accuracy.whole(row, 1..=18)) {
            Cell::of(longitude, latitude, length).write(out);
        }
    })
}

fn of_cell(call: &Call, write: impl Fn(Cell, &mut String) -> Option<()>) -> Column {
    let geohashes = Reader::<Text>::new(call, 0);
    json(call, |row, out| write(Cell::parse(geohashes.get(row)?)?, out))
}

/// A cell of the grid: the numbers of its column and its row, counted from the south west.
#[derive(Clone, Copy)]
struct Cell {
    column: u64,
    row: u64,
    length: u8,
}

impl Cell {
    fn of(longitude: f64, latitude: f64, length: u8) -> Cell {
        let (columns, rows) = bits(length);
        Cell { column: halve(longitude, 180.0, columns), row: halve(latitude, 90.0, rows), length }
    }

    fn parse(geohash: &str) -> Option<Cell> {
        let length = u8::try_from(geohash.len()).ok().filter(|length| (1..=18).contains(length))?;
        let mut halves = [0_u64; 2];
        let mut turn = 0;
        for byte in geohash.bytes() {
            let value = ALPHABET.iter().position(|letter| *letter == byte)? as u64;
            for bit in (0..5).rev() {
                halves[turn] = halves[turn] << 1 | value >> bit & 1;
                turn = 1 - turn;
            }
        }
        Some(Cell { column: halves[0], row: halves[1], length })
    }

    fn write(self, out: &mut String) {
        let (mut columns, mut rows) = bits(self.length);
        let mut is_column = true;
        for _ in 0..self.length {
            let mut value = 0;
            for _ in 0..5 {
                let (number, left) = if is_column { (self.column, &mut columns) } else { (self.row, &mut rows) };
                *left -= 1;
                value = value << 1 | (number >> *left & 1) as usize;
                is_column = !is_column;
            }
            out.push(char::from(ALPHABET[value]));
        }
    }

    fn text(self) -> String {
        let mut out = String::with_capacity(usize::from(self.length));
        self.write(&mut out);
        out
    }

    /// Returns west, south, east and north.
    fn bounds(self) -> [f64; 4] {
        let (columns, rows) = bits(self.length);
        let width = 360.0 / (1_u64 << columns) as f64;
        let height = 180.0 / (1_u64 << rows) as f64;
        let (column, row) = (self.column as f64, self.row as f64);
        [column * width - 180.0, row * height - 90.0, (column + 1.0) * width - 180.0, (row + 1.0) * height - 90.0]
    }

    fn centre(self) -> (f64, f64) {
        let [west, south, east, north] = self.bounds();
        ((west + east) / 2.0, (south + north) / 2.0)
    }

    fn border(self) -> Vec<(f64, f64)> {
        let [west, south, east, north] = self.bounds();
        vec![(west, south), (east, south), (east, north), (west, north), (west, south)]
    }

    /// Returns the cells around it clockwise from the north west; none lies beyond a pole.
    fn neighbors(self) -> Vec<String> {
        let (columns, rows) = bits(self.length);
        let last_column = (1_u64 << columns) - 1;
        let steps = [(-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0)];
        let around = steps.into_iter().filter_map(|(east, north): (i64, i64)| {
            let row = self.row.checked_add_signed(north).filter(|row| *row < 1 << rows)?;
            Some(Cell { column: self.column.wrapping_add_signed(east) & last_column, row, ..self }.text())
        });
        around.collect()
    }
}

/// Returns how many bits the column and the row of a cell have.
fn bits(length: u8) -> (u32, u32) {
    let bits = 5 * u32::from(length);
    (bits.div_ceil(2), bits / 2)
}

/// Halves the range around zero again and again, and tells by bits in which half the value lies.
fn halve(value: f64, limit: f64, bits: u32) -> u64 {
    let (mut low, mut high, mut number) = (-limit, limit, 0);
    for _ in 0..bits {
        let middle = (low + high) / 2.0;
        number <<= 1;
        if value >= middle {
            number |= 1;
            low = middle;
        } else {
            high = middle;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn every_length_is_written_as_it_is_read() {
        for length in 1..=18 {
            let cell = Cell::of(-122.303404, 47.570482, length);
            let text = cell.text();
            assert_eq!(text.len(), usize::from(length));
            let read = Cell::parse(&text).unwrap();
            assert_eq!((read.column, read.row), (cell.column, cell.row), "{text}");
        }
    }

    #[test]
    fn the_corner_of_the_map_has_a_cell() {
        assert_eq!(Cell::of(180.0, 90.0, 4).text(), "zzzz");
        assert_eq!(Cell::of(-180.0, -90.0, 4).text(), "0000");
        assert_eq!(Cell::of(180.0, 90.0, 4).neighbors().len(), 5);
    }
}

//! The H3 cells whose centres lie in a polygon.
//!
//! The engine lists them in the order in which H3's C library leaves them in its table (known from the
//! list that the reference prints), so the library's way to fill a polygon is followed here, on the cells of our crate.

use std::sync::Arc;

use h3o::{CellIndex, LatLng, Resolution};

use super::super::rows::{Column, DYNAMIC, dynamic, function, json, overload};
use super::arguments::{Default, Shapes, constant_shape, number};
use super::geojson::{Place, read_rings};
use super::h3::token;
use super::neighbors::write_list;
use super::region::Region;
use super::sphere::{haversine, radians};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// The most cells of a polygon.
const MAX_CELLS: usize = 61_680;
/// The radius that H3 gives the earth, in kilometres.
const EARTH_RADIUS_KM: f64 = 6_371.007_180_918_475;
/// How much longer H3 makes its table than it expects to need.
const BUFFER: usize = 12;

/// Functions that fill polygons with hexagons.
pub(super) const FUNCTIONS: &[Function] = &[function!(
    "geo_polygon_to_h3cells",
    "Gives the H3 cells whose centres lie in a polygon.",
    "geo-polygon-to-h3cells-function",
    Naming::None,
    [overload!(
        (dynamic("polygon"), number("resolution").optional(), number("radius").optional()) -> DYNAMIC,
        prepared polygon_to_cells
    )],
    [
        (
            "array_length(geo_polygon_to_h3cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[24,60],[25,60],[25,61],[24,61],[24,60]]]}), 5))",
            "31"
        ),
        (
            "tostring(geo_polygon_to_h3cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[24,60],[25,60],[25,61],[24,61],[24,60]]]}), 4)[0])",
            "'8408997ffffffff'"
        ),
        ("isnull(geo_polygon_to_h3cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1]]]})))", "true"),
        (
            "isnull(geo_polygon_to_h3cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[24,60],[25,60],[25,61],[24,61],[24,60]]]}), 16))",
            "true"
        )
    ]
)];

/// The rings of a valid polygon, in degrees.
fn read(text: &str) -> Option<Vec<Vec<Vec<Place>>>> {
    Region::read(text)?;
    read_rings(text)
}

fn polygon_to_cells(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, read);
    Ok(Arc::new(move |call: &Call| fill_rows(call, Shapes::new(call, 0, &constant, read))))
}

fn fill_rows(call: &Call, mut shapes: Shapes<Vec<Vec<Vec<Place>>>>) -> Column {
    let (resolutions, radii) = (Default::new(call, 1, 6.0), Default::new(call, 2, 0.0));
    let mut error = None;
    let column = json(call, |row, out| {
        let resolution = Resolution::try_from(resolutions.whole(row, 0..=15)?).ok()?;
        let radius = radii.get(row).filter(|radius| *radius >= 0.0)?;
        let polygons = shapes.get(row)?;
        let cells = match polygons.as_slice() {
            [rings] if radius == 0.0 => fill(rings, resolution),
            [_] => Err("hexagons of a polygon with a radius"),
            _ => Err("hexagons of several polygons"),
        };
        match cells {
            Ok(cells) => {
                let tokens: Vec<String> = cells?.into_iter().map(token).collect();
                write_list(&tokens, out);
                Some(())
            }
            Err(what) => {
                error = Some(FunctionError::argument(0, "AQ001", format!("{what} is not supported yet")));
                None
            }
        }
    });
    error.map_or(column, Err)
}

/// The latitudes and longitudes between which a ring lies, in radians.
struct Bounds {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
}

impl Bounds {
    fn of(ring: &[Place]) -> Bounds {
        let longitudes = || ring.iter().map(|place| place.0);
        let latitudes = || ring.iter().map(|place| place.1);
        Bounds {
            south: latitudes().fold(f64::MAX, f64::min),
            north: latitudes().fold(f64::MIN, f64::max),
            west: longitudes().fold(f64::MAX, f64::min),
            east: longitudes().fold(f64::MIN, f64::max),
        }
    }

    fn contains(&self, (longitude, latitude): Place) -> bool {
        (self.south..=self.north).contains(&latitude) && (self.west..=self.east).contains(&longitude)
    }
}

/// A ring in radians, without its last place, which is its first.
struct Ring {
    places: Vec<Place>,
    bounds: Bounds,
}

impl Ring {
    /// Casts a ray to the east: edges are straight lines on the map.
    fn contains(&self, place: Place) -> bool {
        if !self.bounds.contains(place) {
            return false;
        }
        let (mut longitude, mut latitude) = place;
        let mut inside = false;
        for (index, first) in self.places.iter().enumerate() {
            let second = &self.places[(index + 1) % self.places.len()];
            let (low, high) = if first.1 > second.1 { (second, first) } else { (first, second) };
            if latitude == low.1 || latitude == high.1 {
                latitude += f64::EPSILON;
            }
            if latitude < low.1 || latitude > high.1 {
                continue;
            }
            if low.0 == longitude || high.0 == longitude {
                longitude -= f64::EPSILON;
            }
            let part = (latitude - low.1) / (high.1 - low.1);
            inside ^= low.0 + (high.0 - low.0) * part > longitude;
        }
        inside
    }
}

fn distance_km(a: Place, b: Place) -> f64 {
    haversine((a.0.to_degrees(), a.1.to_degrees()), (b.0.to_degrees(), b.1.to_degrees())) * EARTH_RADIUS_KM
}

/// Returns the distance from the middle of the first pentagon to its first corner.
fn pentagon_radius_km(resolution: Resolution) -> f64 {
    let radius = |pentagon: CellIndex| {
        let centre = LatLng::from(pentagon);
        let corner = pentagon.boundary().first().copied()?;
        let place = |at: LatLng| (at.lng_radians(), at.lat_radians());
        Some(distance_km(place(centre), place(corner)))
    };
    resolution.pentagons().next().and_then(radius).unwrap_or(1.0)
}

/// Returns how long H3 makes its table for a polygon.
fn table_size(rings: &[Ring], radius_km: f64) -> usize {
    let area = 0.8 * (2.598_076_211_35 * radius_km * radius_km);
    let bounds = &rings[0].bounds;
    let diagonal = distance_km((bounds.east, bounds.north), (bounds.west, bounds.south));
    let (width, height) = ((bounds.east - bounds.west).abs(), (bounds.north - bounds.south).abs());
    let ratio = width.max(height) / width.min(height);
    let estimate = (diagonal * diagonal / ratio.min(3.0) / area).ceil().clamp(1.0, 1e15) as usize;
    estimate.max(rings.iter().map(|ring| ring.places.len()).sum()) + BUFFER
}

/// A table of cells in which one that finds its place taken goes to the next.
struct Table {
    places: Vec<Option<CellIndex>>,
}

impl Table {
    fn new(size: usize) -> Table {
        Table { places: vec![None; size] }
    }

    /// Returns the free place for a cell; None if the cell is there, or none is free.
    fn place(&self, cell: CellIndex) -> Option<usize> {
        let size = self.places.len();
        let first = (u64::from(cell) % size as u64) as usize;
        let mut places = (0..size).map(|step| (first + step) % size);
        let place = places.find(|place| self.places[*place].is_none_or(|other| other == cell))?;
        self.places[place].is_none().then_some(place)
    }
}

/// Returns the cells of a polygon; None if there are too many.
fn fill(rings: &[Vec<Place>], resolution: Resolution) -> Result<Option<Vec<CellIndex>>, &'static str> {
    let over_antimeridian = |ring: &Vec<Place>| ring.windows(2).any(|edge| (edge[0].0 - edge[1].0).abs() > 180.0);
    if rings.iter().any(over_antimeridian) {
        return Err("hexagons of a polygon over the antimeridian");
    }
    let rings: Vec<Ring> = rings
        .iter()
        .map(|ring| {
            let open = &ring[..ring.len() - 1];
            let places: Vec<Place> = open.iter().map(|place| (radians(place.0), radians(place.1))).collect();
            Ring { bounds: Bounds::of(&places), places }
        })
        .collect();
    let radius_km = pentagon_radius_km(resolution);
    let size = table_size(&rings, radius_km);
    if size > 64 * MAX_CELLS {
        return Ok(None);
    }
    let mut search = trace(&rings, resolution, radius_km, size);
    let mut found = Table::new(size);
    let mut count = 0;
    while !search.is_empty() {
        let mut next = Vec::new();
        for cell in search.into_iter().flat_map(|cell| cell.grid_disk::<Vec<_>>(1)) {
            let Some(place) = found.place(cell) else { continue };
            let centre = LatLng::from(cell);
            let centre = (centre.lng_radians(), centre.lat_radians());
            if rings[0].contains(centre) && !rings[1..].iter().any(|hole| hole.contains(centre)) {
                found.places[place] = Some(cell);
                next.push(cell);
                count += 1;
            }
        }
        search = next;
    }
    Ok((count <= MAX_CELLS).then(|| found.places.into_iter().flatten().collect()))
}

/// Returns the cells along the rings, each once.
fn trace(rings: &[Ring], resolution: Resolution, radius_km: f64, size: usize) -> Vec<CellIndex> {
    let mut table = Table::new(size);
    let mut cells = Vec::new();
    for ring in rings {
        for (index, from) in ring.places.iter().enumerate() {
            let to = &ring.places[(index + 1) % ring.places.len()];
            let steps = (distance_km(*from, *to) / (2.0 * radius_km)).ceil().clamp(1.0, 1e7);
            for step in 0..steps as u32 {
                let step = f64::from(step);
                let between = |a: f64, b: f64| a * (steps - step) * (1.0 / steps) + b * step * (1.0 / steps);
                let Ok(place) = LatLng::from_radians(between(from.1, to.1), between(from.0, to.0)) else { continue };
                let cell = place.to_cell(resolution);
                if let Some(place) = table.place(cell) {
                    table.places[place] = Some(cell);
                    cells.push(cell);
                }
            }
        }
    }
    cells
}

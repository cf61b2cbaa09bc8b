//! Measures of polygons.

use std::sync::Arc;

use super::super::rows::{BOOL, Column, DYNAMIC, REAL, bools, dynamic, function, json, overload};
use super::arguments::{Places, Shapes, constant_shape, number};
use super::geojson::write_point;
use super::point::reals;
use super::region::Region;
use super::sphere::{EARTH_RADIUS, Point};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// Functions of polygons.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_polygon_area",
        "Gives the area of a polygon in square metres; where several overlap, it counts once.",
        "geo-polygon-area-function",
        Naming::None,
        [overload!((dynamic("polygon")) -> REAL, prepared |constants| measure(constants, |call, regions| {
            reals(call, |row| Some(regions.get(row)?.area()))
        }))],
        [
            (
                "round(geo_polygon_area(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[90,0],[0,90],[0,0]]]})) / (pi() / 2 * 6371010.0 * 6371010.0), 9)",
                "1.0"
            ),
            (
                "isnull(geo_polygon_area(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,10],[10,10],[0,0]]]})))",
                "true"
            ),
            ("isnull(geo_polygon_area(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_polygon_perimeter",
        "Gives the length of a polygon's border in metres.",
        "geo-polygon-perimeter-function",
        Naming::None,
        [overload!((dynamic("polygon")) -> REAL, prepared |constants| measure(constants, |call, regions| {
            reals(call, |row| Some(regions.get(row)?.perimeter()))
        }))],
        [
            (
                "round(geo_polygon_perimeter(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[90,0],[0,90],[0,0]]]})) / (pi() * 1.5 * 6371010.0), 9)",
                "1.0"
            ),
            (
                "isnull(geo_polygon_perimeter(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,10],[0,0]]]})))",
                "true"
            ),
            ("isnull(geo_polygon_perimeter(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_polygon_centroid",
        "Gives the centre of mass of a polygon.",
        "geo-polygon-centroid-function",
        Naming::None,
        [overload!((dynamic("polygon")) -> DYNAMIC, prepared |constants| measure(constants, |call, regions| {
            json(call, |row, out| {
                write_point(regions.get(row)?.centroid().to_degrees(), out);
                Some(())
            })
        }))],
        [
            (
                "round(toreal(geo_polygon_centroid(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-1,-1],[1,-1],[1,1],[-1,1],[-1,-1]]]})).coordinates[1]), 9)",
                "0.0"
            ),
            (
                "isnull(geo_polygon_centroid(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,10],[10,10],[0,0]]]})))",
                "true"
            ),
            ("isnull(geo_polygon_centroid(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_point_in_polygon",
        "Tells whether a point lies in a polygon.",
        "geo-point-in-polygon-function",
        Naming::None,
        [overload!(
            (number("longitude"), number("latitude"), dynamic("polygon")) -> BOOL,
            prepared |constants| from_place(constants, |call, places, regions| bools(call, |row| {
                let point = point_of(places.get(row)?);
                Some(regions.get(row)?.contains(point))
            }))
        )],
        [
            (
                "geo_point_in_polygon(2, 1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}))",
                "true"
            ),
            (
                "geo_point_in_polygon(1, 2, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}))",
                "false"
            ),
            (
                "isnull(geo_point_in_polygon(200, 1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]})))",
                "true"
            ),
            (
                "isnull(geo_point_in_polygon(1, 1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,4],[4,4],[0,0]]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_distance_point_to_polygon",
        "Gives the shortest distance of a point from a polygon in metres, zero within.",
        "geo-distance-point-to-polygon-function",
        Naming::None,
        [overload!(
            (number("longitude"), number("latitude"), dynamic("polygon")) -> REAL,
            prepared |constants| from_place(constants, |call, places, regions| reals(call, |row| {
                let point = point_of(places.get(row)?);
                Some(regions.get(row)?.distance(point) * EARTH_RADIUS)
            }))
        )],
        [
            (
                "geo_distance_point_to_polygon(2, 1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}))",
                "0.0"
            ),
            (
                "round(geo_distance_point_to_polygon(2, -1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]})), 3)",
                "111195.101"
            ),
            (
                "isnull(geo_distance_point_to_polygon(500, 1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_closest_point_on_polygon",
        "Gives the point of a polygon that is closest to another, the point itself within.",
        "geo-closest-point-on-polygon-function",
        Naming::None,
        [overload!(
            (number("longitude"), number("latitude"), dynamic("polygon")) -> DYNAMIC,
            prepared |constants| from_place(constants, |call, places, regions| json(call, |row, out| {
                let point = point_of(places.get(row)?);
                write_point(regions.get(row)?.closest(point).to_degrees(), out);
                Some(())
            }))
        )],
        [
            (
                "round(toreal(geo_closest_point_on_polygon(2, -1, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]})).coordinates[0]), 9)",
                "2.0"
            ),
            (
                "isnull(geo_closest_point_on_polygon(2, -91, dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]})))",
                "true"
            ),
            ("isnull(geo_closest_point_on_polygon(2, 1, dynamic(null)))", "true")
        ]
    ),
];

fn point_of((longitude, latitude): (f64, f64)) -> Point {
    Point::from_degrees(longitude, latitude)
}

fn measure(
    constants: &[Option<Value>],
    compute: fn(&Call, &mut Shapes<Region>) -> Column,
) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Region::read);
    Ok(Arc::new(move |call: &Call| compute(call, &mut Shapes::new(call, 0, &constant, Region::read))))
}

fn from_place(
    constants: &[Option<Value>],
    compute: fn(&Call, &Places, &mut Shapes<Region>) -> Column,
) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 2, Region::read);
    Ok(Arc::new(move |call: &Call| {
        compute(call, &Places::new(call, 0), &mut Shapes::new(call, 2, &constant, Region::read))
    }))
}

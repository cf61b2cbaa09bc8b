//! Functions of points on the globe.

use std::f64::consts::TAU;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder};
use geographiclib_rs::{Geodesic, InverseGeodesic};

use super::super::rows::{BOOL, Column, Numbers, REAL, bools, function, overload};
use super::arguments::{Default, Places, number};
use super::sphere::{EARTH_RADIUS, Point, haversine, radians};
use crate::functions::{Call, Function, Naming};

/// Functions of points.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_distance_2points",
        "Gives the shortest distance of two points in metres, on the sphere or on the spheroid.",
        "geo-distance-2points-function",
        Naming::None,
        [overload!(
            (number("p1_longitude"), number("p1_latitude"), number("p2_longitude"), number("p2_latitude"),
             number("use_spheroid").optional()) -> REAL,
            distance_2points
        )],
        [
            ("round(geo_distance_2points(0, 0, 90, 0))", "round(6371010 * pi() / 2)"),
            ("round(geo_distance_2points(0.0, 0.0, 0.0, 1.0, true), 3)", "110574.389"),
            ("isnull(geo_distance_2points(300, 1, 1, 1))", "true"),
            ("isnull(geo_distance_2points(real(null), 1, 1, 1))", "true")
        ]
    ),
    function!(
        "geo_azimuth",
        "Gives the direction from one point to another: clockwise from north, in radians.",
        "geo-azimuth-function",
        Naming::None,
        [overload!(
            (number("p1_longitude"), number("p1_latitude"), number("p2_longitude"), number("p2_latitude")) -> REAL,
            |call| {
                let (from, to) = (Places::new(call, 0), Places::new(call, 2));
                reals(call, |row| azimuth(from.get(row)?, to.get(row)?))
            }
        )],
        [
            ("round(degrees(geo_azimuth(0, 0, 10, 0)), 6)", "90.0"),
            ("round(degrees(geo_azimuth(0, 10, 0, 0)), 6)", "180.0"),
            ("isnull(geo_azimuth(5, 10, 5, 10))", "true"),
            ("isnull(geo_azimuth(10, 20, -170, -20))", "true"),
            ("isnull(geo_azimuth(180, 20, -180, 20))", "true"),
            ("isnull(geo_azimuth(5, 100, 5, 10))", "true")
        ]
    ),
    function!(
        "geo_angle",
        "Gives the angle from the line of the first two points to the line of the last two, clockwise, in radians.",
        "geo-angle-function",
        Naming::None,
        [overload!(
            (number("p1_longitude"), number("p1_latitude"), number("p2_longitude"), number("p2_latitude"),
             number("p3_longitude"), number("p3_latitude")) -> REAL,
            |call| {
                let (p1, p2, p3) = (Places::new(call, 0), Places::new(call, 2), Places::new(call, 4));
                reals(call, |row| angle(p1.get(row)?, p2.get(row)?, p3.get(row)?))
            }
        )],
        [
            ("round(degrees(geo_angle(0, 10, 0, 0, 10, 0)), 6)", "90.0"),
            ("round(degrees(geo_angle(0, 10, 0, 0, -10, 0)), 6)", "270.0"),
            ("isnull(geo_angle(0, 10, 0, 10, 3, -10))", "true"),
            ("isnull(geo_angle(0, 10, 60, 30, -120, -30))", "true")
        ]
    ),
    function!(
        "geo_point_in_circle",
        "Tells whether a point lies in a circle, given by its centre and its radius in metres.",
        "geo-point-in-circle-function",
        Naming::None,
        [overload!(
            (number("p_longitude"), number("p_latitude"), number("pc_longitude"), number("pc_latitude"),
             number("c_radius")) -> BOOL,
            |call| {
                let (point, centre, radius) = (Places::new(call, 0), Places::new(call, 2), Numbers::new(call, 4));
                bools(call, |row| {
                    let radius = radius.get(row).filter(|radius| *radius > 0.0)?;
                    Some(EARTH_RADIUS * haversine(point.get(row)?, centre.get(row)?) <= radius)
                })
            }
        )],
        [
            ("geo_point_in_circle(24.1, 60.2, 24.0, 60.2, 6000)", "true"),
            ("geo_point_in_circle(24.1, 60.2, 24.0, 60.2, 5000)", "false"),
            ("isnull(geo_point_in_circle(24.1, 60.2, 24.0, 60.2, -1))", "true"),
            ("isnull(geo_point_in_circle(200, 1, 1, 1, 1))", "true")
        ]
    ),
];

/// Computes a column of real.
pub(super) fn reals(call: &Call, mut value: impl FnMut(usize) -> Option<f64>) -> Column {
    let mut builder = Float64Builder::with_capacity(call.rows);
    (0..call.rows).for_each(|row| builder.append_option(value(row)));
    Ok(Arc::new(builder.finish()) as ArrayRef)
}

fn distance_2points(call: &Call) -> Column {
    let (from, to) = (Places::new(call, 0), Places::new(call, 2));
    let on_spheroid = Default::new(call, 4, 0.0);
    let spheroid = Geodesic::wgs84();
    reals(call, |row| {
        let (from, to) = (from.get(row)?, to.get(row)?);
        if on_spheroid.get(row)? == 0.0 {
            Some(EARTH_RADIUS * haversine(from, to))
        } else {
            Some(spheroid.inverse(from.1, from.0, to.1, to.0))
        }
    })
}

/// Returns the direction clockwise from north; None for points that are the same or on opposite sides of the globe.
fn azimuth(from: (f64, f64), to: (f64, f64)) -> Option<f64> {
    // The square of what rounding leaves between the two ways to write one place: 180 degrees east and west.
    const ROUNDING: f64 = 1e-30;
    let (a, b) = (Point::from_degrees(from.0, from.1), Point::from_degrees(to.0, to.1));
    if a.chord2(b) < ROUNDING || a.chord2(-b) < ROUNDING {
        return None;
    }
    let (lat1, lat2) = (radians(from.1), radians(to.1));
    let dlng = radians(to.0) - radians(from.0);
    let east = dlng.sin() * lat2.cos();
    let north = lat1.cos() * lat2.sin() - lat1.sin() * lat2.cos() * dlng.cos();
    Some(turn(east.atan2(north)))
}

fn angle(p1: (f64, f64), p2: (f64, f64), p3: (f64, f64)) -> Option<f64> {
    Some(turn(azimuth(p2, p3)? - azimuth(p2, p1)?))
}

/// Returns an angle as one from zero to a full turn.
fn turn(angle: f64) -> f64 {
    let angle = angle % TAU;
    if angle < 0.0 { angle + TAU } else { angle }
}

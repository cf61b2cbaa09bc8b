//! Conversions between units.
//!
//! Only units whose size is exact by definition, or shown by the documented example of the function, are converted.
//! The engine rounds some others, and does not say how.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use super::rows::{Column, REAL, constant_text, function, overload, string};
use crate::functions::lift::{Reader, Real, Text};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, PreparedKernel, one};
use crate::types::{ScalarType, Value};

/// A unit: `value * factor + offset` in the base unit of its quantity.
type Unit = (&'static str, f64, f64);

/// What is converted: the units that are known to the last digit, and those that are only known by name.
struct Quantity {
    function: &'static str,
    units: &'static [Unit],
    inexact: &'static [&'static str],
}

/// Declares a conversion.
macro_rules! conversion {
    ($name:literal, $summary:literal, $page:literal, $quantity:expr, $examples:tt) => {
        function!(
            $name,
            $summary,
            $page,
            Naming::None,
            [overload!((one("value", Kind::Is(ScalarType::Real)), string("from"), string("to")) -> REAL,
                prepared |constants| prepare(constants, $quantity))],
            $examples
        )
    };
}

/// The conversions.
pub(super) const FUNCTIONS: &[Function] = &[
    conversion!(
        "convert_angle",
        "Converts between units of angle.",
        "convert-angle-function",
        &ANGLE,
        [
            ("round(convert_angle(1.2, 'Degree', 'Arcminute'), 9)", "72.0"),
            ("convert_angle(0.5, 'Revolution', 'Degree')", "180.0"),
            ("isnull(convert_angle(1, 'Degree', 'no such'))", "true")
        ]
    ),
    conversion!(
        "convert_energy",
        "Converts between units of energy.",
        "convert-energy-function",
        &ENERGY,
        [
            ("convert_energy(2, 'KilowattHour', 'Joule')", "7200000.0"),
            ("round(convert_energy(1.2, 'Joule', 'BritishThermalUnit'), 12)", "0.001137380544"),
            ("isnull(convert_energy(real(null), 'Joule', 'Erg'))", "true")
        ]
    ),
    conversion!(
        "convert_force",
        "Converts between units of force.",
        "convert-force-function",
        &FORCE,
        [
            ("round(convert_force(1.2, 'Newton', 'Decanewton'), 9)", "0.12"),
            ("convert_force(3, 'Kilonewton', 'Newton')", "3000.0"),
            ("isnull(convert_force(1, '', 'Newton'))", "true")
        ]
    ),
    conversion!(
        "convert_length",
        "Converts between units of length.",
        "convert-length-function",
        &LENGTH,
        [
            ("round(convert_length(1.2, 'Meter', 'Foot'), 9)", "3.937007874"),
            ("convert_length(2, 'Kilometer', 'Meter')", "2000.0"),
            ("isnull(convert_length(1, 'Meter', 'meter'))", "true")
        ]
    ),
    conversion!(
        "convert_mass",
        "Converts between units of mass.",
        "convert-mass-function",
        &MASS,
        [
            ("round(convert_mass(1.2, 'Kilogram', 'Pound'), 9)", "2.645547146"),
            ("convert_mass(2, 'Tonne', 'Kilogram')", "2000.0"),
            ("isnull(convert_mass(1, 'Pound', 'Meter'))", "true")
        ]
    ),
    conversion!(
        "convert_speed",
        "Converts between units of speed.",
        "convert-speed-function",
        &SPEED,
        [
            ("round(convert_speed(1.2, 'MeterPerSecond', 'CentimeterPerHour'), 6)", "432000.0"),
            ("round(convert_speed(36, 'KilometerPerHour', 'MeterPerSecond'), 9)", "10.0"),
            ("isnull(convert_speed(1, 'MeterPerSecond', 'Newton'))", "true")
        ]
    ),
    conversion!(
        "convert_temperature",
        "Converts between units of temperature.",
        "convert-temperature-function",
        &TEMPERATURE,
        [
            ("round(convert_temperature(1.2, 'Kelvin', 'DegreeCelsius'), 9)", "-271.95"),
            ("round(convert_temperature(212, 'DegreeFahrenheit', 'DegreeCelsius'), 9)", "100.0"),
            ("isnull(convert_temperature(1, 'Kelvin', 'Celsius'))", "true")
        ]
    ),
    conversion!(
        "convert_volume",
        "Converts between units of volume.",
        "convert-volume-function",
        &VOLUME,
        [
            ("round(convert_volume(1.2, 'CubicMeter', 'AcreFoot'), 10)", "0.0009728568"),
            ("round(convert_volume(2, 'Liter', 'Milliliter'), 9)", "2000.0"),
            ("isnull(convert_volume(1, 'Liter', 'Meter'))", "true")
        ]
    ),
];

const DEGREE: f64 = 1.0;
const RADIAN: f64 = 180.0 / std::f64::consts::PI;
const HOUR: f64 = 3600.0;
const FOOT: f64 = 0.3048;
const SURVEY_FOOT: f64 = 1200.0 / 3937.0;
const INCH: f64 = 0.0254;
const POUND: f64 = 0.453_592_37;
/// The documented example shows this one of the thermal units.
const THERMAL: f64 = 1_055.055_852_62;

const ANGLE: Quantity = Quantity {
    function: "convert_angle",
    units: &[
        ("Arcminute", DEGREE / 60.0, 0.0),
        ("Arcsecond", DEGREE / 3600.0, 0.0),
        ("Centiradian", RADIAN / 100.0, 0.0),
        ("Deciradian", RADIAN / 10.0, 0.0),
        ("Degree", DEGREE, 0.0),
        ("Gradian", DEGREE * 0.9, 0.0),
        ("Microdegree", DEGREE / 1e6, 0.0),
        ("Microradian", RADIAN / 1e6, 0.0),
        ("Millidegree", DEGREE / 1e3, 0.0),
        ("Milliradian", RADIAN / 1e3, 0.0),
        ("Nanodegree", DEGREE / 1e9, 0.0),
        ("Nanoradian", RADIAN / 1e9, 0.0),
        ("NatoMil", DEGREE * 9.0 / 160.0, 0.0),
        ("Radian", RADIAN, 0.0),
        ("Revolution", DEGREE * 360.0, 0.0),
    ],
    // A tilt is the sine of an angle.
    inexact: &["Tilt"],
};

const ENERGY: Quantity = Quantity {
    function: "convert_energy",
    units: &[
        ("BritishThermalUnit", THERMAL, 0.0),
        ("Erg", 1e-7, 0.0),
        ("GigabritishThermalUnit", THERMAL * 1e9, 0.0),
        ("Gigajoule", 1e9, 0.0),
        ("GigawattDay", 24.0 * HOUR * 1e9, 0.0),
        ("GigawattHour", HOUR * 1e9, 0.0),
        ("Joule", 1.0, 0.0),
        ("KilobritishThermalUnit", THERMAL * 1e3, 0.0),
        ("Kilojoule", 1e3, 0.0),
        ("KilowattDay", 24.0 * HOUR * 1e3, 0.0),
        ("KilowattHour", HOUR * 1e3, 0.0),
        ("MegabritishThermalUnit", THERMAL * 1e6, 0.0),
        ("Megajoule", 1e6, 0.0),
        ("MegawattDay", 24.0 * HOUR * 1e6, 0.0),
        ("MegawattHour", HOUR * 1e6, 0.0),
        ("Millijoule", 1e-3, 0.0),
        ("TerawattDay", 24.0 * HOUR * 1e12, 0.0),
        ("TerawattHour", HOUR * 1e12, 0.0),
        ("WattDay", 24.0 * HOUR, 0.0),
        ("WattHour", HOUR, 0.0),
    ],
    inexact: &[
        "Calorie",
        "DecathermEc",
        "DecathermImperial",
        "DecathermUs",
        "ElectronVolt",
        "FootPound",
        "GigaelectronVolt",
        "HorsepowerHour",
        "Kilocalorie",
        "KiloelectronVolt",
        "Megacalorie",
        "MegaelectronVolt",
        "TeraelectronVolt",
        "ThermEc",
        "ThermImperial",
        "ThermUs",
    ],
};

const FORCE: Quantity = Quantity {
    function: "convert_force",
    units: &[
        ("Decanewton", 10.0, 0.0),
        ("Dyn", 1e-5, 0.0),
        ("Kilonewton", 1e3, 0.0),
        ("Meganewton", 1e6, 0.0),
        ("Micronewton", 1e-6, 0.0),
        ("Millinewton", 1e-3, 0.0),
        ("Newton", 1.0, 0.0),
    ],
    inexact: &[
        "KilogramForce",
        "KiloPond",
        "KilopoundForce",
        "OunceForce",
        "Poundal",
        "PoundForce",
        "ShortTonForce",
        "TonneForce",
    ],
};

const LENGTH: Quantity = Quantity {
    function: "convert_length",
    units: &[
        ("Angstrom", 1e-10, 0.0),
        ("Centimeter", 0.01, 0.0),
        ("Decameter", 10.0, 0.0),
        ("Decimeter", 0.1, 0.0),
        ("Fathom", 6.0 * FOOT, 0.0),
        ("Foot", FOOT, 0.0),
        ("Hectometer", 100.0, 0.0),
        ("Inch", INCH, 0.0),
        ("Kilometer", 1e3, 0.0),
        ("Meter", 1.0, 0.0),
        ("Microinch", INCH * 1e-6, 0.0),
        ("Micrometer", 1e-6, 0.0),
        ("Mil", INCH * 1e-3, 0.0),
        ("Millimeter", 1e-3, 0.0),
        ("Nanometer", 1e-9, 0.0),
        ("NauticalMile", 1852.0, 0.0),
        ("UsSurveyFoot", SURVEY_FOOT, 0.0),
        ("Yard", 3.0 * FOOT, 0.0),
    ],
    inexact: &[
        "AstronomicalUnit",
        "Chain",
        "DataMile",
        "DtpPica",
        "DtpPoint",
        "Hand",
        "KilolightYear",
        "Kiloparsec",
        "LightYear",
        "MegalightYear",
        "Megaparsec",
        "Mile",
        "Parsec",
        "PrinterPica",
        "PrinterPoint",
        "Shackle",
        "SolarRadius",
        "Twip",
    ],
};

const MASS: Quantity = Quantity {
    function: "convert_mass",
    units: &[
        ("Centigram", 1e-5, 0.0),
        ("Decagram", 0.01, 0.0),
        ("Decigram", 1e-4, 0.0),
        ("Gram", 1e-3, 0.0),
        ("Hectogram", 0.1, 0.0),
        ("Kilogram", 1.0, 0.0),
        ("Kilopound", POUND * 1e3, 0.0),
        ("Kilotonne", 1e6, 0.0),
        ("Megapound", POUND * 1e6, 0.0),
        ("Megatonne", 1e9, 0.0),
        ("Microgram", 1e-9, 0.0),
        ("Milligram", 1e-6, 0.0),
        ("Nanogram", 1e-12, 0.0),
        ("Pound", POUND, 0.0),
        ("ShortTon", POUND * 2e3, 0.0),
        ("Tonne", 1e3, 0.0),
    ],
    inexact: &[
        "EarthMass",
        "Grain",
        "LongHundredweight",
        "LongTon",
        "Ounce",
        "ShortHundredweight",
        "Slug",
        "SolarMass",
        "Stone",
    ],
};

const SPEED: Quantity = Quantity {
    function: "convert_speed",
    units: &[
        ("CentimeterPerHour", 0.01 / HOUR, 0.0),
        ("CentimeterPerMinute", 0.01 / 60.0, 0.0),
        ("CentimeterPerSecond", 0.01, 0.0),
        ("DecimeterPerMinute", 0.1 / 60.0, 0.0),
        ("DecimeterPerSecond", 0.1, 0.0),
        ("FootPerHour", FOOT / HOUR, 0.0),
        ("FootPerMinute", FOOT / 60.0, 0.0),
        ("FootPerSecond", FOOT, 0.0),
        ("InchPerHour", INCH / HOUR, 0.0),
        ("InchPerMinute", INCH / 60.0, 0.0),
        ("InchPerSecond", INCH, 0.0),
        ("KilometerPerHour", 1e3 / HOUR, 0.0),
        ("KilometerPerMinute", 1e3 / 60.0, 0.0),
        ("KilometerPerSecond", 1e3, 0.0),
        ("MeterPerHour", 1.0 / HOUR, 0.0),
        ("MeterPerMinute", 1.0 / 60.0, 0.0),
        ("MeterPerSecond", 1.0, 0.0),
        ("MicrometerPerMinute", 1e-6 / 60.0, 0.0),
        ("MicrometerPerSecond", 1e-6, 0.0),
        ("MilePerHour", 5280.0 * FOOT / HOUR, 0.0),
        ("MillimeterPerHour", 1e-3 / HOUR, 0.0),
        ("MillimeterPerMinute", 1e-3 / 60.0, 0.0),
        ("MillimeterPerSecond", 1e-3, 0.0),
        ("NanometerPerMinute", 1e-9 / 60.0, 0.0),
        ("NanometerPerSecond", 1e-9, 0.0),
        ("UsSurveyFootPerHour", SURVEY_FOOT / HOUR, 0.0),
        ("UsSurveyFootPerMinute", SURVEY_FOOT / 60.0, 0.0),
        ("UsSurveyFootPerSecond", SURVEY_FOOT, 0.0),
        ("YardPerHour", 3.0 * FOOT / HOUR, 0.0),
        ("YardPerMinute", 3.0 * FOOT / 60.0, 0.0),
        ("YardPerSecond", 3.0 * FOOT, 0.0),
    ],
    inexact: &["Knot"],
};

const TEMPERATURE: Quantity = Quantity {
    function: "convert_temperature",
    units: &[
        ("DegreeCelsius", 1.0, 273.15),
        ("DegreeDelisle", -2.0 / 3.0, 373.15),
        ("DegreeFahrenheit", 5.0 / 9.0, 459.67 * 5.0 / 9.0),
        ("DegreeNewton", 100.0 / 33.0, 273.15),
        ("DegreeRankine", 5.0 / 9.0, 0.0),
        ("DegreeReaumur", 1.25, 273.15),
        ("DegreeRoemer", 40.0 / 21.0, 273.15 - 7.5 * 40.0 / 21.0),
        ("Kelvin", 1.0, 0.0),
        ("MillidegreeCelsius", 1e-3, 273.15),
    ],
    inexact: &["SolarTemperature"],
};

const VOLUME: Quantity = Quantity {
    function: "convert_volume",
    units: &[
        // The documented example shows this rounded size.
        ("AcreFoot", 1.0 / 0.000_810_714, 0.0),
        ("Centiliter", 1e-5, 0.0),
        ("CubicCentimeter", 1e-6, 0.0),
        ("CubicDecimeter", 1e-3, 0.0),
        ("CubicHectometer", 1e6, 0.0),
        ("CubicKilometer", 1e9, 0.0),
        ("CubicMeter", 1.0, 0.0),
        ("CubicMicrometer", 1e-18, 0.0),
        ("CubicMillimeter", 1e-9, 0.0),
        ("Decaliter", 1e-2, 0.0),
        ("Deciliter", 1e-4, 0.0),
        ("HectocubicMeter", 100.0, 0.0),
        ("Hectoliter", 0.1, 0.0),
        ("KilocubicMeter", 1e3, 0.0),
        ("Kiloliter", 1.0, 0.0),
        ("Liter", 1e-3, 0.0),
        ("Megaliter", 1e3, 0.0),
        ("Microliter", 1e-9, 0.0),
        ("Milliliter", 1e-6, 0.0),
    ],
    inexact: &[
        "AuTablespoon",
        "BoardFoot",
        "CubicFoot",
        "CubicInch",
        "CubicMile",
        "CubicYard",
        "DecausGallon",
        "DeciusGallon",
        "HectocubicFoot",
        "HectousGallon",
        "ImperialBeerBarrel",
        "ImperialGallon",
        "ImperialOunce",
        "ImperialPint",
        "KilocubicFoot",
        "KiloimperialGallon",
        "KilousGallon",
        "MegacubicFoot",
        "MegaimperialGallon",
        "MegausGallon",
        "MetricCup",
        "MetricTeaspoon",
        "OilBarrel",
        "UkTablespoon",
        "UsBeerBarrel",
        "UsCustomaryCup",
        "UsGallon",
        "UsLegalCup",
        "UsOunce",
        "UsPint",
        "UsQuart",
        "UsTablespoon",
        "UsTeaspoon",
    ],
};

impl Quantity {
    /// Finds a unit; None for what is none (the result is null, as documented).
    fn unit(&self, name: &str) -> Result<Option<&'static Unit>, FunctionError> {
        if self.inexact.contains(&name) {
            let message = format!("`{}()` of the unit `{name}` is not supported yet", self.function);
            return Err(FunctionError { code: "AQ001", message, argument: None });
        }
        Ok(self.units.iter().find(|(unit, ..)| *unit == name))
    }
}

fn prepare(constants: &[Option<Value>], quantity: &'static Quantity) -> Result<PreparedKernel, FunctionError> {
    for index in [1, 2] {
        if let Some(name) = constant_text(constants, index) {
            quantity.unit(name)?;
        }
    }
    Ok(Arc::new(move |call: &Call| convert(call, quantity)))
}

fn convert(call: &Call, quantity: &Quantity) -> Column {
    let value = Reader::<Real>::new(call, 0);
    let (from, to) = (Reader::<Text>::new(call, 1), Reader::<Text>::new(call, 2));
    let converted = |row: usize| {
        let units = (quantity.unit(from.get(row).unwrap_or(""))?, quantity.unit(to.get(row).unwrap_or(""))?);
        let (Some((_, factor, offset)), Some((_, divisor, shift))) = units else { return Ok(None) };
        Ok(value.get(row).map(|value| (value * factor + offset - shift) / divisor))
    };
    let converted: Result<Float64Array, FunctionError> = (0..call.rows).map(converted).collect();
    Ok(Arc::new(converted?) as ArrayRef)
}

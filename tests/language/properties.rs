//! What holds for every value: texts read back as what was written, times agree with another calendar, and a function
//! says the same of a constant and of a column.

use alertq::types::{ScalarType, Value, decimal, ticks};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, ToSpan};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::run::{over, same};

/// How many values are drawn.
const DRAWS: usize = 500;

const TICKS_PER_SECOND: i64 = 10_000_000;
const LAST_TICK: i64 = 3_155_378_975_999_999_999;

fn draw<T>(mut one: impl FnMut(&mut ChaCha8Rng) -> T) -> Vec<T> {
    let mut random = ChaCha8Rng::seed_from_u64(20_240_229);
    (0..DRAWS).map(|_| one(&mut random)).collect()
}

/// Draws a number of any size: as many bits as chance gives it.
fn number(random: &mut ChaCha8Rng) -> i64 {
    random.random::<i64>() >> random.random_range(0..64)
}

fn datetime(random: &mut ChaCha8Rng) -> i64 {
    match random.random_range(0..4) {
        // Whole days, and the ends of the range, are where mistakes are.
        0 => random.random_range(0..=LAST_TICK / ticks::TICKS_PER_DAY) * ticks::TICKS_PER_DAY,
        1 => random.random_range(0..10),
        2 => LAST_TICK - random.random_range(0..10),
        _ => random.random_range(0..=LAST_TICK),
    }
}

fn real(random: &mut ChaCha8Rng) -> f64 {
    loop {
        let real = match random.random_range(0..3) {
            0 => f64::from_bits(random.random()),
            1 => f64::from(random.random_range(-100_000_i32..100_000)) / 100.0,
            _ => number(random) as f64,
        };
        if real.is_finite() {
            return real;
        }
    }
}

/// Draws a text of letters of several scripts, marks, signs and blanks.
fn text(random: &mut ChaCha8Rng) -> String {
    const LETTERS: [char; 16] = ['a', 'B', '7', ' ', '_', '-', '.', '"', 'é', 'ß', 'İ', 'я', '٣', '漢', '\u{301}', '🛡'];
    let length = random.random_range(0..12);
    (0..length).map(|_| LETTERS[random.random_range(0..LETTERS.len())]).collect()
}

/// Draws a value of a type.
fn value(scalar_type: ScalarType, random: &mut ChaCha8Rng) -> Value {
    match scalar_type {
        ScalarType::Bool => Value::Bool(random.random()),
        ScalarType::Int => Value::Int(number(random) as i32),
        ScalarType::Long => Value::Long(number(random)),
        ScalarType::Real => Value::Real(real(random)),
        ScalarType::Decimal => {
            let (whole, fraction) = (number(random), number(random).unsigned_abs());
            Value::Decimal(decimal::parse(&format!("{whole}{}.{fraction}", fraction % 1000)).unwrap())
        }
        ScalarType::String => Value::String(text(random)),
        ScalarType::DateTime => Value::DateTime(datetime(random)),
        ScalarType::TimeSpan => Value::TimeSpan(number(random)),
        ScalarType::Guid => Value::Guid(uuid::Uuid::from_u128(random.random()).to_string()),
        ScalarType::Dynamic => Value::Dynamic(format!("[{},{:?}]", number(random), random.random::<bool>())),
    }
}

/// Runs a query over a table `T` with one row for each value of its column `x`.
fn of_each(values: Vec<Value>, query: &str) -> Vec<Vec<Value>> {
    let scalar_type = values[0].scalar_type();
    let rows: Vec<Vec<Value>> = values.into_iter().map(|value| vec![value]).collect();
    over(&[("x", scalar_type)], &rows, query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

#[test]
fn a_text_reads_back_as_what_was_written() {
    let types = [
        (ScalarType::Bool, "tobool"),
        (ScalarType::Int, "toint"),
        (ScalarType::Long, "tolong"),
        (ScalarType::Real, "toreal"),
        (ScalarType::Decimal, "todecimal"),
        (ScalarType::DateTime, "todatetime"),
        (ScalarType::TimeSpan, "totimespan"),
        (ScalarType::Guid, "toguid"),
        (ScalarType::Dynamic, "todynamic"),
    ];
    for (scalar_type, read) in types {
        let values = draw(|random| value(scalar_type, random));
        let query = format!("T | project x, text = tostring(x), read = {read}(tostring(x))");
        for row in of_each(values, &query) {
            assert!(
                same(&row[0], &row[2]),
                "{scalar_type}: {:?} is written {:?} and read {:?}",
                row[0],
                row[1],
                row[2]
            );
        }
    }
}

#[test]
fn a_value_within_a_dynamic_reads_back() {
    for (scalar_type, read) in
        [(ScalarType::Long, "tolong"), (ScalarType::Real, "toreal"), (ScalarType::String, "tostring")]
    {
        let values = draw(|random| value(scalar_type, random));
        for row in of_each(values, &format!("T | project x, read = {read}(parse_json(tostring(pack_array(x)))[0])")) {
            assert!(same(&row[0], &row[1]), "{scalar_type}: {:?} is read {:?}", row[0], row[1]);
        }
    }
}

/// Returns the moment that ticks stand for, by the other calendar.
fn civil(at: i64) -> DateTime {
    let days = at / ticks::TICKS_PER_DAY;
    let rest = at % ticks::TICKS_PER_DAY;
    let (seconds, fraction) = (rest / TICKS_PER_SECOND, rest % TICKS_PER_SECOND);
    Date::constant(1, 1, 1).to_datetime(jiff::civil::Time::midnight())
        + days.days()
        + Span::new().seconds(seconds).nanoseconds(fraction * 100)
}

fn ticks_of(moment: DateTime) -> i64 {
    let days = moment.date().since((jiff::Unit::Day, Date::constant(1, 1, 1))).unwrap().get_days();
    let time = moment.time();
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    i64::from(days) * ticks::TICKS_PER_DAY + seconds * TICKS_PER_SECOND + i64::from(time.subsec_nanosecond()) / 100
}

fn long(value: &Value) -> i64 {
    match value {
        Value::Long(value) | Value::DateTime(value) | Value::TimeSpan(value) => *value,
        Value::Int(value) => (*value).into(),
        other => panic!("{other:?} is no number"),
    }
}

#[test]
fn parts_of_times_agree_with_another_calendar() {
    let query = "T | project x, getyear(x), getmonth(x), dayofmonth(x), hourofday(x), dayofyear(x), week_of_year(x), \
        dayofweek(x), text = format_datetime(x, 'yyyy-MM-dd HH:mm:ss.fffffff')";
    for row in of_each(draw(|random| Value::DateTime(datetime(random))), query) {
        let moment = civil(long(&row[0]));
        let date = moment.date();
        // The end of the last week is out of range, and so is the day's place in it (measured).
        if date >= Date::constant(9999, 12, 26) {
            assert!(row[7].is_null(), "{moment}");
            continue;
        }
        let expected = [
            i64::from(date.year()),
            i64::from(date.month()),
            i64::from(date.day()),
            i64::from(moment.hour()),
            i64::from(date.day_of_year()),
            i64::from(date.iso_week_date().week()),
            i64::from(date.weekday().to_sunday_zero_offset()) * ticks::TICKS_PER_DAY,
        ];
        let found: Vec<i64> = row[1..8].iter().map(long).collect();
        assert_eq!(found, expected, "{moment}");
        let fraction = moment.subsec_nanosecond() / 100;
        let text = format!("{} {}.{fraction:07}", date, moment.strftime("%H:%M:%S"));
        assert_eq!(row[8], Value::String(text), "{moment}");
    }
}

#[test]
fn starts_and_bins_of_times_agree_with_another_calendar() {
    let query =
        "T | project x, a = startofday(x), b = startofmonth(x), c = startofyear(x), d = bin(x, 1d), e = bin(x, 1h)";
    for row in of_each(draw(|random| Value::DateTime(datetime(random))), query) {
        let moment = civil(long(&row[0]));
        let midnight = |date: Date| ticks_of(date.to_datetime(jiff::civil::Time::midnight()));
        let day = midnight(moment.date());
        let month = midnight(moment.date().first_of_month());
        let year = midnight(moment.date().first_of_year());
        let hour = day + i64::from(moment.hour()) * 3600 * TICKS_PER_SECOND;
        let found: Vec<i64> = row[1..].iter().map(long).collect();
        assert_eq!(found, [day, month, year, day, hour], "{moment}");
    }
}

#[test]
fn a_week_starts_on_sunday() {
    for row in of_each(draw(|random| Value::DateTime(datetime(random))), "T | project x, start = startofweek(x)") {
        let date = civil(long(&row[0])).date();
        // The first of January of the year 1 is a Monday: its Sunday is out of range.
        let Ok(sunday) = date.checked_sub(i64::from(date.weekday().to_sunday_zero_offset()).days()) else { continue };
        if sunday.year() < 1 {
            assert!(row[1].is_null(), "{date}");
            continue;
        }
        assert_eq!(sunday.weekday(), Weekday::Sunday);
        assert_eq!(long(&row[1]), ticks_of(sunday.to_datetime(jiff::civil::Time::midnight())), "{date}");
    }
}

#[test]
fn months_are_added_as_another_calendar_does() {
    let columns = [("x", ScalarType::DateTime), ("months", ScalarType::Long)];
    let rows = draw(|random| vec![Value::DateTime(datetime(random)), Value::Long(random.random_range(-2000..2000))]);
    let found = over(&columns, &rows, "T | project x, months, added = datetime_add('month', months, x)").unwrap();
    for row in found {
        let moment = civil(long(&row[0])).checked_add(long(&row[1]).months()).ok();
        match moment.filter(|moment| (1..=9999).contains(&moment.year())) {
            Some(moment) => assert_eq!(long(&row[2]), ticks_of(moment), "{row:?}"),
            None => assert!(row[2].is_null(), "{row:?}"),
        }
    }
}

#[test]
fn a_bin_is_the_multiple_below() {
    let columns = [("x", ScalarType::Long), ("size", ScalarType::Long)];
    let rows = draw(|random| vec![Value::Long(number(random) >> 1), Value::Long(random.random_range(1..1 << 40))]);
    for row in over(&columns, &rows, "T | project x, size, a = bin(x, size), b = x % size").unwrap() {
        let (x, size) = (i128::from(long(&row[0])), i128::from(long(&row[1])));
        assert_eq!(i128::from(long(&row[2])), x.div_euclid(size) * size, "{row:?}");
        assert_eq!(i128::from(long(&row[3])), x.rem_euclid(size), "{row:?}");
    }
}

/// Functions of a text `x` and a pattern that may be a constant or a column, each with patterns.
const PATTERNS: &[(&str, &[&str])] = &[
    ("replace_regex(x, {}, '<$0>')", &["a", "[0-9]+", r"\\w", r"(é|я)", "", "(?i)b", r"\\b", "漢+", "."]),
    ("replace_string(x, {}, '*')", &["a", "", "é", " ", "🛡"]),
    ("indexof(x, {})", &["a", "", "é", "\u{301}"]),
    ("x has {}", &["a", "", "é", "7"]),
    ("x contains {}", &["B", "", "İ", "漢"]),
    ("x startswith {}", &["B", "", "я"]),
    ("strcat(x, {})", &["a", "", "漢"]),
    ("split(x, {})", &["a", " ", "é"]),
    ("tolower(strcat({}, x))", &["ÄÖ", "", "İ"]),
];

#[test]
fn constants_and_columns_agree() {
    for (call, patterns) in PATTERNS {
        for pattern in *patterns {
            let literal = format!("'{}'", pattern.replace('\'', "\\'"));
            let (constant, column) = (call.replace("{}", &literal), call.replace("{}", "p"));
            let query = format!("T | extend p = {literal} | project x, a = {constant}, b = {column}");
            let through = format!("T | project x, p = strcat(substring(x, 0, 0), {literal}) | project x, a = {column}");
            let values = || draw(|random| Value::String(text(random)));
            for (row, other) in of_each(values(), &query).into_iter().zip(of_each(values(), &through)) {
                assert_eq!(row[1], row[2], "{call} of {:?} and {pattern:?}", row[0]);
                assert_eq!(row[1], other[1], "{call} of {:?} and {pattern:?}", row[0]);
            }
        }
    }
}

#[test]
fn texts_are_cut_between_characters() {
    let query = "T | project x, strlen(x), substring(x, 1), substring(x, 0, 3), reverse(x), strrep(x, 2), \
        substring(x, -2), trim('a', x), tolower(x), toupper(x), url_decode(url_encode(x)), \
        base64_decode_tostring(base64_encode_tostring(x))";
    for row in of_each(draw(|random| Value::String(text(random))), query) {
        let Value::String(x) = &row[0] else { panic!("{row:?}") };
        let letters: Vec<char> = x.chars().collect();
        let string = |letters: &[char]| Value::String(letters.iter().collect());
        assert_eq!(row[1], Value::Long(letters.len() as i64));
        assert_eq!(row[2], string(letters.get(1..).unwrap_or(&[])));
        assert_eq!(row[3], string(&letters[..letters.len().min(3)]));
        assert_eq!(row[4], string(&letters.iter().rev().copied().collect::<Vec<_>>()));
        assert_eq!(row[5], Value::String(x.repeat(2)));
        assert_eq!(row[10], row[0]);
        assert_eq!(row[11], row[0]);
    }
}

#[test]
fn what_grows_too_large_is_bounded() {
    for query in [
        "print x = strlen(strrep('abcdefgh', 1000000000))",
        "print x = array_length(range(1, 10000000000, 1))",
        "print x = array_length(repeat('x', 1000000000))",
        "print x = strlen(strrep(strrep('abcdefgh', 100000), 100000))",
    ] {
        // Null, empty or a refusal: what counts is that it ends.
        match super::run::run(query, super::run::PLAIN) {
            Ok(rows) => assert_eq!(rows.rows.len(), 1, "{query}"),
            Err(error) => assert!(!error.contains("panicked"), "{query}: {error}"),
        }
    }
}

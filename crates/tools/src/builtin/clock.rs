//! Times and zones.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use crate::call::Arguments;

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// Zones that are taken when none is given.
const HERE: &str = "Asia/Shanghai";
const THERE: &str = "Asia/Tokyo";

fn zone(arguments: &Arguments, name: &str, usual: &str) -> Result<Tz, String> {
    let text = arguments.get(name).unwrap_or_else(|| usual.to_owned());
    text.trim().parse().map_err(|_| format!("Invalid timezone: {text}"))
}

fn written(time: DateTime<Tz>, format: &str) -> Result<String, String> {
    let mut out = String::new();
    write!(out, "{}", time.format(format)).map_err(|_| format!("Invalid format: {format}"))?;
    Ok(out)
}

/// A time of day in a zone; one that the clock skips or repeats is the first that fits.
fn local(text: &str, zone: Tz) -> Result<DateTime<Tz>, String> {
    let invalid = || format!("Invalid time: {text}");
    let naive = NaiveDateTime::parse_from_str(text.trim(), FORMAT).map_err(|_| invalid())?;
    zone.from_local_datetime(&naive).earliest().ok_or_else(invalid)
}

pub fn current_time(arguments: &Arguments) -> Result<String, String> {
    let zone = zone(arguments, "timezone", "UTC")?;
    let format = arguments.get("format").unwrap_or_else(|| FORMAT.to_owned());
    written(Utc::now().with_timezone(&zone), &format)
}

pub fn localtime_to_timestamp(arguments: &Arguments) -> Result<String, String> {
    let zone = zone(arguments, "timezone", HERE)?;
    Ok(local(&arguments.required("localtime")?, zone)?.timestamp().to_string())
}

pub fn timestamp_to_localtime(arguments: &Arguments) -> Result<String, String> {
    let zone = zone(arguments, "timezone", HERE)?;
    let text = arguments.required("timestamp")?;
    let seconds: f64 = text.trim().parse().map_err(|_| format!("Invalid timestamp: {text}"))?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds; out of range is refused below")]
    let time = DateTime::from_timestamp(seconds as i64, 0).ok_or_else(|| format!("Invalid timestamp: {text}"))?;
    written(time.with_timezone(&zone), FORMAT)
}

pub fn timezone_conversion(arguments: &Arguments) -> Result<String, String> {
    let (from, to) = (zone(arguments, "current_timezone", HERE)?, zone(arguments, "target_timezone", THERE)?);
    let time = local(&arguments.required("current_time")?, from)?;
    written(time.with_timezone(&to), FORMAT)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub fn weekday(arguments: &Arguments) -> Result<String, String> {
    let number = |name: &str| -> Result<u32, String> {
        let text = arguments.required(name)?;
        text.trim().parse().map_err(|_| format!("Invalid {name}: {text}"))
    };
    let text = arguments.required("month")?;
    let named = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(text.trim()));
    let month = named.map_or_else(|| number("month"), |at| u32::try_from(at + 1).map_err(|error| error.to_string()))?;
    let (year, day) = (number("year")?, number("day")?);
    let date = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    let date = date.ok_or_else(|| format!("Invalid date: {year}-{month}-{day}"))?;
    let name = match date.weekday() {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    };
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).copied();
    Ok(format!("{} {day}, {year} is {name}.", month.unwrap_or_default()))
}

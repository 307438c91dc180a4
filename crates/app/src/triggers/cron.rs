//! Times of a schedule: five cron fields in a time zone, or the settings of the visual editor.

use chrono::{DateTime, Datelike, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use ox_types::Json;

/// A time that never comes is not looked for beyond this.
const HORIZON_DAYS: u64 = 366 * 9;

/// A schedule that can be asked for its next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
    /// The last day of the month, whichever it is.
    last_day: bool,
    zone: Tz,
}

/// The values that one field allows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    allowed: Vec<u32>,
    /// Written as `*`, with or without a step.
    is_star: bool,
}

impl Field {
    fn has(&self, value: u32) -> bool {
        self.allowed.binary_search(&value).is_ok()
    }
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads five fields and a time zone.
    ///
    /// # Errors
    /// What is wrong, for the person who wrote it.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, String> {
        let zone = if zone.trim().is_empty() { "UTC" } else { zone.trim() };
        let zone: Tz = zone.parse().map_err(|_| format!("{zone:?} is not a time zone, such as Europe/Berlin"))?;
        let expression = match expression.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "the cron expression {expression:?} has {} fields instead of 5 (minute hour day month weekday)",
                fields.len()
            ));
        };
        let (day, last_day) = without_last(day);
        let schedule = Self {
            minutes: field(minute, "minute", 0, 59, &[])?,
            hours: field(hour, "hour", 0, 23, &[])?,
            days: match (day.is_empty(), last_day) {
                (true, true) => Field { allowed: Vec::new(), is_star: false },
                _ => field(&day, "day", 1, 31, &[])?,
            },
            months: field(month, "month", 1, 12, &MONTHS)?,
            weekdays: weekdays(weekday)?,
            last_day,
            zone,
        };
        if schedule.next(Utc::now()).is_none() {
            return Err(format!("the cron expression {expression:?} names a time that never comes"));
        }
        Ok(schedule)
    }

    /// The first time after a given one.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = after.with_timezone(&self.zone).date_naive();
        (0..HORIZON_DAYS).filter_map(|offset| first.checked_add_days(Days::new(offset))).find_map(|day| {
            if !self.allows(day) {
                return None;
            }
            if self.hours.is_star { self.in_passing(day, after) } else { self.by_the_clock(day, after) }
        })
    }

    fn allows(&self, day: NaiveDate) -> bool {
        if !self.months.has(day.month()) {
            return false;
        }
        let is_last = self.last_day && day.succ_opt().is_none_or(|next| next.month() != day.month());
        let by_day = self.days.has(day.day()) || is_last;
        let by_weekday = self.weekdays.has(day.weekday().num_days_from_sunday());
        // As every cron does it: of two restrictions one is enough.
        match (self.days.is_star, self.weekdays.is_star) {
            (true, _) => by_weekday,
            (false, true) => by_day,
            (false, false) => by_day || by_weekday,
        }
    }

    /// Fixed hours: once a day by the clock on the wall. An hour that the clock leaves out fires at its end, one that
    /// comes twice the first time.
    fn by_the_clock(&self, day: NaiveDate, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let times =
            self.hours.allowed.iter().flat_map(|hour| self.minutes.allowed.iter().map(move |minute| (*hour, *minute)));
        times
            .filter_map(|(hour, minute)| self.instant(day.and_hms_opt(hour, minute, 0)?))
            .filter(|at| *at > after)
            .min()
    }

    fn instant(&self, at: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&at) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            // Clocks were put forward over it: the first moment that exists again.
            LocalResult::None => (1..=240).find_map(|minutes| {
                let later = at.checked_add_signed(Duration::minutes(minutes))?;
                self.zone.from_local_datetime(&later).earliest().map(|at| at.to_utc())
            }),
        }
    }

    /// Every hour: as time passes, however the clock is set.
    fn in_passing(&self, day: NaiveDate, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let midnight = self.instant(day.and_hms_opt(0, 0, 0)?)?;
        let start = midnight.max(after + Duration::seconds(1));
        let whole = start.with_second(0)?.with_nanosecond(0)?;
        let mut at = if whole < start { whole + Duration::minutes(1) } else { whole };
        // A day with an hour more has 1500 minutes.
        for _ in 0..=1500 {
            let local = at.with_timezone(&self.zone);
            if local.date_naive() != day {
                return None;
            }
            if self.minutes.has(local.minute()) && self.hours.has(local.hour()) {
                return Some(at);
            }
            at += Duration::minutes(1);
        }
        None
    }
}

/// Takes `L` out of a list of days.
fn without_last(days: &str) -> (String, bool) {
    let (last, others): (Vec<&str>, Vec<&str>) = days.split(',').partition(|part| part.eq_ignore_ascii_case("l"));
    (others.join(","), !last.is_empty())
}

fn weekdays(text: &str) -> Result<Field, String> {
    let mut found = field(text, "weekday", 0, 7, &WEEKDAYS)?;
    if found.allowed.contains(&7) {
        found.allowed.push(0);
    }
    found.allowed.retain(|day| *day < 7);
    found.allowed.sort_unstable();
    found.allowed.dedup();
    Ok(found)
}

fn field(text: &str, what: &str, least: u32, most: u32, names: &[&str]) -> Result<Field, String> {
    let wrong = |part: &str| {
        format!("{part:?} is not a {what}: numbers from {least} to {most}, `*`, lists, ranges and steps are")
    };
    let number = |part: &str| -> Result<u32, String> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(part));
        if let Some(at) = named {
            return Ok(u32::try_from(at).unwrap_or(0) + least);
        }
        part.parse().ok().filter(|value| (least..=most).contains(value)).ok_or_else(|| wrong(part))
    };
    let mut allowed = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0).ok_or_else(|| wrong(part))?),
            None => (part, 1_usize),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(wrong(part));
        }
        allowed.extend((from..=to).step_by(step));
    }
    allowed.sort_unstable();
    allowed.dedup();
    Ok(Field { allowed, is_star: text.starts_with('*') || text == "?" })
}

/// The cron form of a schedule node's settings.
///
/// # Errors
/// What is wrong with them.
pub fn expression(data: &Json) -> Result<String, String> {
    let text = |key: &str| data.get(key).and_then(Json::as_str).unwrap_or_default();
    if text("mode") == "cron" {
        let expression = text("cron_expression").trim();
        return if expression.is_empty() {
            Err("the cron expression is empty".into())
        } else {
            Ok(expression.to_owned())
        };
    }
    let visual = data.get("visual_config").cloned().unwrap_or_default();
    let frequency = text("frequency");
    if frequency == "hourly" {
        let minute = visual.get("on_minute").and_then(Json::as_u64).unwrap_or(0);
        return Ok(format!("{minute} * * * *"));
    }
    let (hour, minute) = clock(visual.get("time").and_then(Json::as_str).unwrap_or("12:00 AM"))?;
    let list = |key: &str| visual.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    match frequency {
        "daily" => Ok(format!("{minute} {hour} * * *")),
        "weekly" => {
            let days: Result<Vec<String>, String> = list("weekdays")
                .iter()
                .map(|day| {
                    let name = day.as_str().unwrap_or_default();
                    let at = WEEKDAYS.iter().position(|known| known.eq_ignore_ascii_case(name));
                    at.map(|at| at.to_string()).ok_or_else(|| format!("{day} is not a weekday"))
                })
                .collect();
            let days = days?;
            if days.is_empty() {
                return Err("a weekly schedule needs at least one weekday".into());
            }
            Ok(format!("{minute} {hour} * * {}", days.join(",")))
        }
        "monthly" => {
            let mut days: Vec<String> = Vec::new();
            for day in list("monthly_days") {
                match (&day, day.as_u64()) {
                    (Json::String(last), _) if last == "last" => days.push("L".into()),
                    (_, Some(number @ 1..=31)) => days.push(number.to_string()),
                    _ => return Err(format!("{day} is not a day of the month")),
                }
            }
            if days.is_empty() {
                return Err("a monthly schedule needs at least one day".into());
            }
            Ok(format!("{minute} {hour} {} * *", days.join(",")))
        }
        other => Err(format!("{other:?} is not hourly, daily, weekly or monthly")),
    }
}

/// `12:30 AM` as hour and minute.
fn clock(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is not a time such as 9:30 AM");
    let (time, half) = text.trim().rsplit_once(' ').ok_or_else(wrong)?;
    let (hour, minute) = time.split_once(':').ok_or_else(wrong)?;
    let hour: u32 = hour.parse().ok().filter(|hour| (1..=12).contains(hour)).ok_or_else(wrong)?;
    let minute: u32 = minute.parse().ok().filter(|minute| *minute < 60).ok_or_else(wrong)?;
    match half.to_ascii_uppercase().as_str() {
        "AM" => Ok((hour % 12, minute)),
        "PM" => Ok((hour % 12 + 12, minute)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn times(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(expression, zone).unwrap();
        let mut at: DateTime<Utc> = after.parse().unwrap();
        (0..count)
            .map(|_| {
                at = schedule.next(at).unwrap();
                at.format("%Y-%m-%dT%H:%MZ").to_string()
            })
            .collect()
    }

    #[test]
    fn next_times() {
        for (expression, zone, after, expected) in [
            ("*/15 * * * *", "UTC", "2026-11-21T14:46:10Z", vec!["2026-11-21T15:00Z", "2026-11-21T15:15Z"]),
            ("0 9 * * 1-5", "Europe/Berlin", "2026-11-20T08:00:00Z", vec!["2026-11-23T08:00Z", "2026-11-24T08:00Z"]),
            (
                "30 8 1,15,L * *",
                "UTC",
                "2026-02-14T00:00:00Z",
                vec!["2026-02-15T08:30Z", "2026-02-28T08:30Z", "2026-03-01T08:30Z"],
            ),
            (
                "0 0 13 * FRI",
                "UTC",
                "2026-11-01T00:00:00Z",
                vec!["2026-11-06T00:00Z", "2026-11-13T00:00Z", "2026-11-20T00:00Z"],
            ),
            ("0 0 29 feb *", "UTC", "2026-01-01T00:00:00Z", vec!["2028-02-29T00:00Z"]),
            ("0 0 * * 7", "UTC", "2026-11-21T00:00:00Z", vec!["2026-11-22T00:00Z", "2026-11-29T00:00Z"]),
            // Spring: 02:30 does not exist on 29 March 2026 in Berlin.
            ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", vec!["2026-03-29T01:00Z", "2026-03-30T00:30Z"]),
            // Autumn: 02:30 comes twice on 25 October 2026, and counts once.
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", vec!["2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
            // Every hour means every hour.
            (
                "0 * * * *",
                "Europe/Berlin",
                "2026-10-24T23:30:00Z",
                vec!["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
            ),
            ("@daily", "America/Sao_Paulo", "2026-11-21T14:00:00Z", vec!["2026-11-22T03:00Z"]),
        ] {
            assert_eq!(times(expression, zone, after, expected.len()), expected, "{expression} {zone}");
        }
    }

    #[test]
    fn wrong_expressions_are_explained() {
        for (expression, zone, why) in [
            ("* * * *", "UTC", "4 fields instead of 5"),
            ("60 * * * *", "UTC", "\"60\" is not a minute"),
            ("5-1 * * * *", "UTC", "\"5-1\" is not a minute"),
            ("*/0 * * * *", "UTC", "is not a minute"),
            ("0 0 31 2 *", "UTC", "never comes"),
            ("0 0 * * *", "Mars/Base", "is not a time zone"),
        ] {
            let error = Schedule::parse(expression, zone).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_visual_form() {
        let visual = |frequency: &str, config: Json| {
            expression(&json!({"mode": "visual", "frequency": frequency, "visual_config": config}))
        };
        assert_eq!(visual("hourly", json!({"on_minute": 20})).unwrap(), "20 * * * *");
        assert_eq!(visual("daily", json!({"time": "12:05 AM"})).unwrap(), "5 0 * * *");
        assert_eq!(visual("daily", json!({"time": "12:05 PM"})).unwrap(), "5 12 * * *");
        assert_eq!(visual("weekly", json!({"time": "1:00 PM", "weekdays": ["sun", "wed"]})).unwrap(), "0 13 * * 0,3");
        assert_eq!(
            visual("monthly", json!({"time": "9:30 AM", "monthly_days": [1, 15, "last"]})).unwrap(),
            "30 9 1,15,L * *"
        );
        assert!(visual("daily", json!({"time": "25:00"})).is_err());
        assert!(visual("weekly", json!({"time": "1:00 PM", "weekdays": []})).is_err());
        assert_eq!(expression(&json!({"mode": "cron", "cron_expression": " 0 1 * * * "})).unwrap(), "0 1 * * *");
    }
}

//! What happened in an app, day by day in the caller's time zone. Days without anything are left out.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
pub use ox_db::repo::{
    slow_nodes::{NodeTimes, SlowNodes},
    statistics::{MessageDay, RatedDay, RunDay, TimesDay},
};
use ox_db::{
    now,
    repo::{
        slow_nodes,
        statistics::{self, Day, Timed},
    },
};
use ox_types::{AppId, boxed};

use crate::{Error, Principal, Result, Services, apps, logs::console_time, principal::Permission};

/// Days that are read at once.
pub(crate) const AT_ONCE: usize = 366;
/// More are not counted: the newest count.
const MOST: usize = 20 * 366;

/// Times that are compared at once, divided among the days, and how many a day has at least and at most.
const TIMED: usize = 400_000;
const TIMED_A_DAY: (usize, usize) = (1_000, 20_000);

/// What is looked at to find slow nodes, and how many are told.
const SLOW_NODES: slow_nodes::Bounds = slow_nodes::Bounds { runs: 2_000, executions: 50_000, nodes: 50 };

/// The days asked for, `YYYY-MM-DD HH:MM` in the account's time zone.
#[derive(Clone, Debug, Default)]
pub struct Range {
    pub start: Option<String>,
    pub end: Option<String>,
}

/// One day with its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Dated<T> {
    pub date: NaiveDate,
    pub figures: T,
}

/// Which apps have which figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modes {
    /// Apps with messages.
    Messages,
    /// Apps with conversations.
    Chats,
    Completion,
    Workflow,
    /// Apps with nodes.
    Graph,
}

impl Modes {
    fn has(self, mode: &str) -> bool {
        match self {
            Self::Messages => mode != "workflow",
            Self::Chats => !["workflow", "completion"].contains(&mode),
            Self::Completion => mode == "completion",
            Self::Workflow => mode == "workflow",
            Self::Graph => ["workflow", "advanced-chat"].contains(&mode),
        }
    }
}

/// What a look at figures is bounded by.
struct Asked {
    app: ox_db::model::App,
    days: Vec<(NaiveDate, Day)>,
}

async fn asked(services: &Services, principal: &Principal, id: AppId, modes: Modes, range: &Range) -> Result<Asked> {
    principal.require(Permission::AppView)?;
    let app = apps::find(services, principal, id).await?;
    if !modes.has(&app.mode) {
        return Err(Error::new(404, "app_not_found", "App not found."));
    }
    let zone = crate::accounts::profile(services, principal).await?.timezone;
    let time = |name: &str, text: &Option<String>| match text.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => console_time(text, zone.as_deref())
            .map(Some)
            .ok_or_else(|| Error::invalid_field(name, format!("{name} must be YYYY-MM-DD HH:MM, not '{text}'."))),
        None => Ok(None),
    };
    let (start, end) = (time("start", &range.start)?, time("end", &range.end)?.unwrap_or_else(now));
    let start = match start {
        Some(start) => start,
        None => {
            let of_runs = matches!(modes, Modes::Workflow | Modes::Graph);
            match statistics::first(&services.db, app.tenant_id, id, of_runs).await? {
                Some(first) => first,
                None => return Ok(Asked { app, days: Vec::new() }),
            }
        }
    };
    if start > end {
        return Err(Error::invalid_field("start", "start must be before end."));
    }
    let zone = zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    Ok(Asked { app, days: days(start, end, zone) })
}

/// The days from a time to another, cut at both ends.
pub(crate) fn days(start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> Vec<(NaiveDate, Day)> {
    let last = end.with_timezone(&zone).date_naive();
    let first = start.with_timezone(&zone).date_naive();
    let earliest = last.checked_sub_days(Days::new(MOST as u64)).unwrap_or(first);
    let mut found = Vec::new();
    let mut date = first.max(earliest);
    while date <= last {
        let Some(next) = date.checked_add_days(Days::new(1)) else { break };
        let (Some(since), Some(until)) = (begins(date, zone), begins(next, zone)) else { break };
        let day = Day { since: since.max(start), until: until.min(end) };
        if day.since < day.until {
            found.push((date, day));
        }
        date = next;
    }
    found
}

/// When a day begins: at midnight, or, where the clock leaves midnight out, right after.
fn begins(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=4).find_map(|half_hours| {
        let time = midnight + chrono::Duration::minutes(30 * half_hours);
        zone.from_local_datetime(&time).earliest().map(|time| time.to_utc())
    })
}

/// Reads the figures of all days, so many at once.
macro_rules! read {
    ($services:expr, $asked:expr, $query:path) => {{
        let mut found = Vec::new();
        for chunk in $asked.days.chunks(AT_ONCE) {
            let days: Vec<Day> = chunk.iter().map(|(_, day)| *day).collect();
            let by_number: BTreeMap<usize, _> =
                $query(&$services.db, $asked.app.tenant_id, $asked.app.id, &days).await?;
            for (number, figures) in by_number {
                if let Some((date, _)) = chunk.get(number) {
                    found.push(Dated { date: *date, figures });
                }
            }
        }
        found
    }};
}

/// The messages of each day.
///
/// # Errors
/// 404 for an app without messages, 400 for times that are none.
#[boxed]
pub async fn messages(
    services: &Services,
    principal: &Principal,
    id: AppId,
    modes: Modes,
    range: &Range,
) -> Result<Vec<Dated<MessageDay>>> {
    let asked = asked(services, principal, id, modes, range).await?;
    Ok(read!(services, asked, statistics::message_days))
}

/// Messages of each day, and how many of them are liked and disliked.
///
/// # Errors
/// As [`messages`].
#[boxed]
pub async fn satisfaction(
    services: &Services,
    principal: &Principal,
    id: AppId,
    range: &Range,
) -> Result<Vec<Dated<(i64, RatedDay)>>> {
    let asked = asked(services, principal, id, Modes::Messages, range).await?;
    let all = read!(services, asked, statistics::message_days);
    let rated: BTreeMap<NaiveDate, RatedDay> =
        read!(services, asked, statistics::rated_days).into_iter().map(|day| (day.date, day.figures)).collect();
    let pair = |day: Dated<MessageDay>| Dated {
        figures: (day.figures.messages, rated.get(&day.date).copied().unwrap_or_default()),
        date: day.date,
    };
    Ok(all.into_iter().map(pair).collect())
}

/// Conversations by the day of their beginning, with their messages.
///
/// # Errors
/// As [`messages`].
#[boxed]
pub async fn sessions(
    services: &Services,
    principal: &Principal,
    id: AppId,
    range: &Range,
) -> Result<Vec<Dated<(i64, i64)>>> {
    let asked = asked(services, principal, id, Modes::Chats, range).await?;
    Ok(read!(services, asked, statistics::session_days))
}

/// The runs of a workflow app on each day.
///
/// # Errors
/// As [`messages`].
#[boxed]
pub async fn runs(services: &Services, principal: &Principal, id: AppId, range: &Range) -> Result<Vec<Dated<RunDay>>> {
    let asked = asked(services, principal, id, Modes::Workflow, range).await?;
    Ok(read!(services, asked, statistics::run_days))
}

/// How long the answers of each day took: the runs of a workflow app, or messages. `whole` measures all days as one,
/// under the date of the first.
///
/// # Errors
/// As [`messages`].
#[boxed]
pub async fn times(
    services: &Services,
    principal: &Principal,
    id: AppId,
    modes: Modes,
    range: &Range,
    whole: bool,
) -> Result<Vec<Dated<TimesDay>>> {
    let mut asked = asked(services, principal, id, modes, range).await?;
    if whole {
        asked.days = as_one(&asked.days);
    }
    let of = if modes == Modes::Workflow { Timed::Runs } else { Timed::Messages };
    let most = most_of_a_day(asked.days.len());
    let mut found = Vec::new();
    for chunk in asked.days.chunks(AT_ONCE) {
        let days: Vec<Day> = chunk.iter().map(|(_, day)| *day).collect();
        let by_number = statistics::times(&services.db, asked.app.tenant_id, asked.app.id, &days, of, most).await?;
        for (number, figures) in by_number {
            if let Some((date, _)) = chunk.get(number) {
                found.push(Dated { date: *date, figures });
            }
        }
    }
    Ok(found)
}

/// The slowest nodes of an app with a graph, by its newest runs of the time.
///
/// # Errors
/// 404 for an app without a graph, 400 for times that are none.
#[boxed]
pub async fn slow_nodes(services: &Services, principal: &Principal, id: AppId, range: &Range) -> Result<SlowNodes> {
    let asked = asked(services, principal, id, Modes::Graph, range).await?;
    let Some((_, span)) = as_one(&asked.days).first().copied() else { return Ok(SlowNodes::default()) };
    Ok(slow_nodes::slowest(&services.db, asked.app.tenant_id, id, span, SLOW_NODES).await?)
}

/// From the first day to the last.
fn as_one(days: &[(NaiveDate, Day)]) -> Vec<(NaiveDate, Day)> {
    let ends = days.first().zip(days.last());
    ends.map(|((date, first), (_, last))| (*date, Day { since: first.since, until: last.until })).into_iter().collect()
}

/// More days, fewer times of each.
fn most_of_a_day(days: usize) -> u32 {
    let (least, most) = TIMED_A_DAY;
    u32::try_from((TIMED / days.max(1)).clamp(least, most)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn days_as_one_reach_from_the_first_to_the_last() {
        let found = days(at("2026-03-27T23:30:00Z"), at("2026-04-02T10:00:00Z"), Tz::UTC);
        let whole = Day { since: at("2026-03-27T23:30:00Z"), until: at("2026-04-02T10:00:00Z") };
        assert_eq!(as_one(&found), [(NaiveDate::from_ymd_opt(2026, 3, 27).unwrap(), whole)]);
        assert!(as_one(&[]).is_empty());
    }

    #[test]
    fn days_follow_the_zone_and_its_clock_changes() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        let found = days(at("2026-03-27T23:30:00Z"), at("2026-03-30T10:00:00Z"), berlin);
        let hours: Vec<(String, i64)> =
            found.iter().map(|(date, day)| (date.to_string(), (day.until - day.since).num_minutes())).collect();
        let expected = [("2026-03-28", 23 * 60 + 30), ("2026-03-29", 23 * 60), ("2026-03-30", 12 * 60)];
        assert_eq!(hours, expected.map(|(date, minutes)| (date.to_owned(), minutes)));
        for pair in found.windows(2) {
            assert_eq!(pair[0].1.until, pair[1].1.since, "no gap and no overlap");
        }
        assert_eq!(days(at("2026-03-28T00:00:00Z"), at("2026-03-28T00:00:00Z"), berlin), []);
        assert_eq!(days(at("1800-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), Tz::UTC).len(), MOST);
    }

    #[test]
    fn more_days_have_fewer_times_each() {
        let found = [0, 1, 20, 40, 366, 5_000].map(most_of_a_day);
        assert_eq!(found, [20_000, 20_000, 20_000, 10_000, 1_092, 1_000]);
    }

    #[test]
    fn a_day_may_begin_without_midnight() {
        // Clocks went from 0:00 to 1:00.
        let beirut: Tz = "Asia/Beirut".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2022, 3, 27).unwrap();
        assert_eq!(begins(day, beirut), Some(at("2022-03-26T22:00:00Z")));
    }
}

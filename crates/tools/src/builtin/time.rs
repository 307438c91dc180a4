//! `time`: the clock and time zones.

use super::{clock, say};
use crate::{
    Parameter, Provider, Tool,
    spec::{Run, Text},
};

const FORMAT: Text = ("Format", "格式");
const ZONE: Text = ("Time zone", "时区");

const fn zone(name: &'static str) -> Parameter {
    Parameter::text(name, ZONE, "IANA time zone, e.g. Europe/Berlin").or("Asia/Shanghai").fixed()
}

pub const PROVIDER: Provider = Provider {
    name: "time",
    label: ("Time", "时间"),
    description: ("The current time, time stamps, time zones and weekdays.", "当前时间、时间戳、时区与星期。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#3b82f6"/>"##,
        r##"<g fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"><circle cx="12" cy="12" r="7"/><path d="M12 8v4l3 2"/></g></svg>"##
    ),
    labels: &["utilities"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "current_time",
            label: ("Current Time", "获取当前时间"),
            description: ("The time now.", "获取当前时间。"),
            for_model: "Tells the current date and time.",
            parameters: &[
                Parameter::text("format", FORMAT, "strftime format").or("%Y-%m-%d %H:%M:%S").fixed(),
                Parameter::text("timezone", ZONE, "IANA time zone, e.g. Europe/Berlin").or("UTC").fixed(),
            ],
            run: Run::Pure(|arguments| say(clock::current_time(arguments)?)),
        },
        Tool {
            name: "localtime_to_timestamp",
            label: ("Local time to timestamp", "获取时间戳"),
            description: ("Seconds since 1970 of a local time.", "将本地时间转换为时间戳。"),
            for_model: "Converts a local time to a Unix timestamp in seconds.",
            parameters: &[
                Parameter::text("localtime", ("Local time", "本地时间"), "Local time, such as 2024-01-01 00:00:00")
                    .needed(),
                zone("timezone"),
            ],
            run: Run::Pure(|arguments| say(clock::localtime_to_timestamp(arguments)?)),
        },
        Tool {
            name: "timestamp_to_localtime",
            label: ("Timestamp to local time", "时间戳转换"),
            description: ("The local time of seconds since 1970.", "将时间戳转换为本地时间。"),
            for_model: "Converts a Unix timestamp in seconds to a local time.",
            parameters: &[
                Parameter::number("timestamp", ("Timestamp", "时间戳"), "Unix timestamp in seconds").needed(),
                zone("timezone"),
            ],
            run: Run::Pure(|arguments| say(clock::timestamp_to_localtime(arguments)?)),
        },
        Tool {
            name: "timezone_conversion",
            label: ("Convert time to another zone", "时区转换"),
            description: ("The same moment in another time zone.", "将时间转换到另一时区。"),
            for_model: "Converts a time from one time zone to another.",
            parameters: &[
                Parameter::text(
                    "current_time",
                    ("Current time", "当前时间"),
                    "Time to convert, such as 2024-01-01 00:00:00",
                )
                .needed(),
                Parameter::text("current_timezone", ("Current time zone", "当前时区"), "Zone that the time is in")
                    .or("Asia/Shanghai")
                    .fixed(),
                Parameter::text("target_timezone", ("Target time zone", "目标时区"), "Zone to convert to")
                    .or("Asia/Tokyo")
                    .fixed(),
            ],
            run: Run::Pure(|arguments| say(clock::timezone_conversion(arguments)?)),
        },
        Tool {
            name: "weekday",
            label: ("Weekday calculator", "星期几计算器"),
            description: ("The day of the week of a date.", "计算给定日期是星期几。"),
            for_model: "Tells which day of the week a date is.",
            parameters: &[
                Parameter::number("year", ("Year", "年"), "Year").needed(),
                Parameter::select(
                    "month",
                    ("Month", "月"),
                    "1",
                    &[
                        ("1", ("January", "一月")),
                        ("2", ("February", "二月")),
                        ("3", ("March", "三月")),
                        ("4", ("April", "四月")),
                        ("5", ("May", "五月")),
                        ("6", ("June", "六月")),
                        ("7", ("July", "七月")),
                        ("8", ("August", "八月")),
                        ("9", ("September", "九月")),
                        ("10", ("October", "十月")),
                        ("11", ("November", "十一月")),
                        ("12", ("December", "十二月")),
                    ],
                )
                .asked("Month, 1 to 12")
                .needed(),
                Parameter::number("day", ("Day", "日"), "Day of the month").needed(),
            ],
            run: Run::Pure(|arguments| say(clock::weekday(arguments)?)),
        },
    ],
};

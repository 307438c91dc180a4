/** The tools every server brings along: they need no key and no network. Used where the server does not list them itself. */
import type { Tool, ToolProvider } from "../api";

const both = (en_US: string, zh_Hans: string) => ({ en_US, zh_Hans });

function parameter(name: string, type: string, required: boolean, label: ReturnType<typeof both>, extra: Record<string, unknown> = {}): Tool["parameters"][number] {
  return { name, type, form: "llm", required, label, ...extra };
}

const ZONE = both("Time zone", "时区");
const MONTHS = Array.from({ length: 12 }, (_, i) => ({ value: String(i + 1), label: both(String(i + 1), `${i + 1} 月`) }));
const FORMAT = { form: "form", default: "%Y-%m-%d %H:%M:%S" };
const UTC = { form: "form", default: "UTC" };

function tool(name: string, label: ReturnType<typeof both>, description: ReturnType<typeof both>, parameters: Tool["parameters"]): Tool {
  return { name, label, description, parameters };
}

function provider(id: string, label: ReturnType<typeof both>, tools: Tool[]): ToolProvider {
  return { id, name: id, type: "builtin", label, is_team_authorization: true, plugin_unique_identifier: null, tools };
}

export const BUILTIN_TOOLS: readonly ToolProvider[] = [
  provider("time", both("Time", "时间"), [
    tool("current_time", both("Current time", "当前时间"), both("The time now, in a time zone and format of your choice.", "按所选时区和格式给出当前时间。"), [
      parameter("format", "string", false, both("Format", "格式"), FORMAT),
      parameter("timezone", "string", false, ZONE, UTC),
    ]),
    tool("localtime_to_timestamp", both("Time to timestamp", "时间转时间戳"), both("Unix seconds of a local time.", "将本地时间转换为时间戳。"), [
      parameter("localtime", "string", true, both("Local time", "本地时间")),
      parameter("timezone", "string", false, ZONE, UTC),
    ]),
    tool("timestamp_to_localtime", both("Timestamp to time", "时间戳转时间"), both("The local time of Unix seconds.", "将时间戳转换为本地时间。"), [
      parameter("timestamp", "number", true, both("Timestamp", "时间戳")),
      parameter("timezone", "string", false, ZONE, UTC),
    ]),
    tool("timezone_conversion", both("Convert time zones", "时区换算"), both("The same moment in another time zone.", "将时间换算到另一个时区。"), [
      parameter("current_time", "string", true, both("Time", "时间")),
      parameter("current_timezone", "string", false, both("From time zone", "原时区"), UTC),
      parameter("target_timezone", "string", false, both("To time zone", "目标时区"), UTC),
    ]),
    tool("weekday", both("Day of the week", "星期几"), both("Which day of the week a date is.", "查询某日期是星期几。"), [
      parameter("year", "number", true, both("Year", "年")),
      parameter("month", "select", true, both("Month", "月"), { options: MONTHS }),
      parameter("day", "number", true, both("Day", "日")),
    ]),
  ]),
  provider("maths", both("Maths", "数学"), [
    tool("eval_expression", both("Calculate", "计算"), both("The value of an expression such as (3 + 4) * 2.", "计算表达式的值，例如 (3 + 4) * 2。"), [parameter("expression", "string", true, both("Expression", "表达式"))]),
  ]),
];

#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use serde_json::json;

use super::*;

fn say(tool: &str, parameters: Json) -> Result<String, String> {
    let tool = TOOLS.iter().find(|known| known.name == tool).unwrap();
    let settings = Map::new();
    (tool.run)(&Arguments { parameters: parameters.as_object().unwrap(), settings: &settings })
}

#[test]
fn times() {
    for (tool, parameters, expected) in [
        ("localtime_to_timestamp", json!({"localtime": "2024-01-01 08:00:00"}), Ok("1704067200")),
        ("localtime_to_timestamp", json!({"localtime": "2024-01-01 00:00:00", "timezone": "UTC"}), Ok("1704067200")),
        ("localtime_to_timestamp", json!({"localtime": "soon"}), Err("Invalid time: soon")),
        ("timestamp_to_localtime", json!({"timestamp": 1_704_067_200}), Ok("2024-01-01 08:00:00")),
        ("timestamp_to_localtime", json!({"timestamp": "1704067200", "timezone": "UTC"}), Ok("2024-01-01 00:00:00")),
        ("timestamp_to_localtime", json!({"timestamp": "1e30"}), Err("Invalid timestamp: 1e30")),
        ("timezone_conversion", json!({"current_time": "2024-01-01 08:00:00"}), Ok("2024-01-01 09:00:00")),
        (
            "timezone_conversion",
            json!({"current_time": "2024-07-01 12:00:00", "current_timezone": "UTC", "target_timezone": "America/New_York"}),
            Ok("2024-07-01 08:00:00"),
        ),
        ("weekday", json!({"year": 2024, "month": "January", "day": 1}), Ok("January 1, 2024 is Monday.")),
        ("weekday", json!({"year": 2024, "month": 2, "day": 30}), Err("Invalid date: 2024-2-30")),
        ("current_time", json!({"timezone": "Mars/Base"}), Err("Invalid timezone: Mars/Base")),
        ("current_time", json!({"format": "%Q"}), Err("Invalid format: %Q")),
        ("current_time", json!({"format": "100%%"}), Ok("100%")),
        ("weekday", json!({"year": 2024, "day": 1}), Err("tool parameter month not found in tool config")),
    ] {
        let got = say(tool, parameters.clone());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{tool} {parameters}");
    }
    let now = say("current_time", json!({})).unwrap();
    assert_eq!((now.len(), now.chars().filter(|c| *c == ':').count()), (19, 2), "{now}");
}

#[test]
fn sums() {
    for (expression, expected) in [
        ("1 + 2 * 3", Ok("7")),
        ("(1 + 2) * 3", Ok("9")),
        ("7 / 2", Ok("3.5")),
        ("6 / 2", Ok("3.0")),
        ("-7 // 2", Ok("-4")),
        ("-7 % 3", Ok("2")),
        ("2 ** 10", Ok("1024")),
        ("2 ** 3 ** 2", Ok("512")),
        ("-2 ** 2", Ok("-4")),
        ("2 ** -1", Ok("0.5")),
        ("sqrt(16) + abs(-3)", Ok("7.0")),
        ("1e3 + .5", Ok("1000.5")),
        ("9999999999 * 9999999999", Ok("99999999980000000001")),
        ("pi", Ok("3.141592653589793")),
        ("1 / 0", Err("The expression 1 / 0 has no finite value.")),
        ("2 +", Err("Invalid expression: 2 +")),
        ("2 2", Err("Invalid expression: 2 2")),
        ("__import__('os')", Err("Invalid expression: __import__('os')")),
        ("", Err("Invalid expression: ")),
    ] {
        let got = arithmetic::evaluate(expression);
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{expression}");
    }
    assert!(arithmetic::evaluate(&"(".repeat(9000)).is_err());
    assert!(arithmetic::evaluate(&"9**".repeat(3000)).is_err());
}

#[tokio::test]
async fn through_the_node() {
    let data = json!({"provider_id": "time", "provider_type": "builtin", "tool_name": "timestamp_to_localtime",
        "tool_configurations": {"timezone": {"type": "constant", "value": "UTC"}},
        "tool_parameters": {"timestamp": {"type": "constant", "value": 0}}});
    let mut ports = crate::testing::ports();
    ports.tools = std::sync::Arc::new(BuiltinTools);
    let (result, _) = crate::testing::run_with(ports, "tool", data.clone(), ox_engine::Pool::new()).await;
    assert_eq!(result.unwrap().outputs["text"], ox_types::Value::from("1970-01-01 00:00:00"));
    for (provider, kind, found) in [
        ("time", "builtin", true),
        ("langgenius/time/time", "builtin", true),
        ("maths", "builtin", false),
        ("time", "api", false),
        ("google", "builtin", false),
    ] {
        let name = ToolName {
            provider_id: provider.into(),
            provider_type: kind.into(),
            tool: "current_time".into(),
            ..ToolName::default()
        };
        assert_eq!(find(&name).is_some(), found, "{provider} {kind}");
    }
}

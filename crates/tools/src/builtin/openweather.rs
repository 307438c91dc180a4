//! `openweather`: the weather of a place now.

use url::Url;

use super::show;
use crate::{
    Call, Field, Parameter, Provider, Tool,
    spec::{Run, Said},
};

const BASE: &str = "https://api.openweathermap.org/data/2.5/weather";

pub const PROVIDER: Provider = Provider {
    name: "openweather",
    label: ("OpenWeather", "OpenWeather"),
    description: ("The weather of a place now.", "查询某地当前的天气。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0284c7"/>"##,
        r##"<path d="M8 17h8a3 3 0 0 0 0-6a5 5 0 0 0-9-1a3.500 3.500 0 0 0 1 7z" stroke="#fff" stroke-width="1.800" fill="none" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["weather"],
    form: &[
        Field::key(
            "api_key",
            ("OpenWeather API key", "OpenWeather API 密钥"),
            "https://home.openweathermap.org/api_keys",
        ),
        Field::address("base_url", ("OpenWeather base URL", "OpenWeather API 地址"), BASE).or(BASE),
    ],
    trial: Some(("weather", "city", "London")),
    tools: &[Tool {
        name: "weather",
        label: ("Weather", "天气查询"),
        description: ("Tells the weather of a city now.", "查询城市当前的天气。"),
        for_model: "Tells the current weather of a city: temperature, description, humidity, pressure, wind and clouds.",
        parameters: &[
            Parameter::text("city", ("City", "城市"), "Name of the city in English, such as London or Paris,FR")
                .needed(),
            Parameter::select(
                "units",
                ("Units", "单位"),
                "metric",
                &[
                    ("metric", ("Metric (°C, m/s)", "公制（°C，米/秒）")),
                    ("imperial", ("Imperial (°F, mph)", "英制（°F，英里/时）")),
                    ("standard", ("Scientific (K, m/s)", "科学单位（K，米/秒）")),
                ],
            ),
            Parameter::select(
                "lang",
                ("Language", "语言"),
                "en",
                &[
                    ("en", ("English", "英语")),
                    ("zh_cn", ("Chinese", "中文")),
                    ("de", ("German", "德语")),
                    ("es", ("Spanish", "西班牙语")),
                    ("fr", ("French", "法语")),
                    ("ja", ("Japanese", "日语")),
                    ("pt_br", ("Portuguese", "葡萄牙语")),
                ],
            ),
        ],
        run: Run::Calls(|call| Box::pin(weather(call))),
    }],
};

async fn weather(call: &Call) -> Said {
    let arguments = &call.arguments;
    let base = call.credential("base_url").unwrap_or(BASE);
    let (units, language) = (
        arguments.get("units").unwrap_or_else(|| "metric".into()),
        // Compat: one vendor's files say `en_us`.
        arguments.get("lang").map_or_else(|| "en".into(), |name| if name == "en_us" { "en".into() } else { name }),
    );
    let city = arguments.required("city")?;
    let parameters = [
        ("q", city.as_str()),
        ("units", units.as_str()),
        ("lang", language.as_str()),
        ("appid", call.credential("api_key")?),
    ];
    let url =
        Url::parse_with_params(base, parameters).map_err(|error| format!("base_url is not an address: {error}"))?;
    show(call.fetch_json("OpenWeather", Call::get(url)).await?)
}

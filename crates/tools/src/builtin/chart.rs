//! `chart`: numbers as pictures, drawn as SVG and turned into PNG.

use std::fmt::Write as _;

use bytes::Bytes;
use ox_nodes::CallMessage;

use super::raster;
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

/// Most values of a chart.
const MOST: usize = 500;
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 480.0;
/// Around the plot: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (64.0, 48.0, 24.0, 64.0);
const COLORS: [&str; 10] =
    ["#4f46e5", "#0ea5e9", "#10b981", "#f59e0b", "#ef4444", "#8b5cf6", "#14b8a6", "#ec4899", "#84cc16", "#64748b"];
const TITLE: Parameter = Parameter::text("title", ("Title", "标题"), "Title of the chart");
const FORMAT: Parameter =
    Parameter::select("format", ("Format", "格式"), "png", &[("png", ("PNG", "PNG")), ("svg", ("SVG", "SVG"))]);

pub const PROVIDER: Provider = Provider {
    name: "chart",
    label: ("Chart Generator", "图表生成"),
    description: ("Draws bar, line and pie charts.", "生成柱状图、折线图与饼图。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0284c7"/>"##,
        r##"<path d="M7 17v-5M12 17V7M17 17v-8" stroke="#fff" stroke-width="2.500" stroke-linecap="round"/></svg>"##
    ),
    labels: &["design", "productivity", "utilities"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "bar_chart",
            label: ("Bar Chart", "柱状图"),
            description: ("A bar chart of numbers.", "柱状图"),
            for_model: "Draws a bar chart.",
            parameters: &[
                Parameter::text("data", ("Data", "数据"), "Numbers separated by semicolons or commas, like 1;2;3")
                    .needed(),
                Parameter::text("x_axis", ("X axis", "X 轴"), "Labels of the bars, like a;b;c, as many as numbers"),
                TITLE,
                FORMAT,
            ],
            run: Run::Heavy(bars),
        },
        Tool {
            name: "line_chart",
            label: ("Linear Chart", "线性图表"),
            description: ("A line chart of numbers.", "线性图表"),
            for_model: "Draws a line chart.",
            parameters: &[
                Parameter::text("data", ("Data", "数据"), "Numbers separated by semicolons or commas, like 1;2;3")
                    .needed(),
                Parameter::text("x_axis", ("X axis", "X 轴"), "Labels of the points, like a;b;c, as many as numbers"),
                TITLE,
                FORMAT,
            ],
            run: Run::Heavy(line),
        },
        Tool {
            name: "pie_chart",
            label: ("Pie Chart", "饼图"),
            description: ("A pie chart of numbers.", "饼图"),
            for_model: "Draws a pie chart.",
            parameters: &[
                Parameter::text("data", ("Data", "数据"), "Numbers separated by semicolons or commas, like 1;2;3")
                    .needed(),
                Parameter::text(
                    "categories",
                    ("Categories", "分类"),
                    "Names of the parts, like a;b;c, as many as numbers",
                )
                .needed(),
                TITLE,
                FORMAT,
            ],
            run: Run::Heavy(pie),
        },
    ],
};

/// The numbers, and a label for each.
fn read(arguments: &Arguments, labels: &str) -> Result<(Vec<f64>, Vec<String>), String> {
    arguments.required("data")?;
    let number = |text: &String| {
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && number.abs() < 1e15);
        number.ok_or_else(|| format!("'{text}' in the data is not a number."))
    };
    let numbers: Vec<f64> = arguments.list("data").iter().map(number).collect::<Result<_, _>>()?;
    if numbers.is_empty() || numbers.len() > MOST {
        return Err(format!("A chart has 1 to {MOST} numbers, not {}.", numbers.len()));
    }
    let mut names = arguments.list(labels);
    if !names.is_empty() && names.len() != numbers.len() {
        return Err(format!("There are {} numbers but {} names ({labels}).", numbers.len(), names.len()));
    }
    if names.is_empty() {
        names = (1..=numbers.len()).map(|number| number.to_string()).collect();
    }
    Ok((numbers, names))
}

fn picture(body: &str, arguments: &Arguments, name: &str) -> Said {
    let title = arguments.get("title").unwrap_or_default();
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="13"><rect width="100%" height="100%" fill="#ffffff"/>"##
    );
    if !title.is_empty() {
        _ = write!(
            svg,
            r##"<text x="{}" y="28" text-anchor="middle" font-size="18" fill="#0f172a">{}</text>"##,
            WIDTH / 2.0,
            escaped(&shortened(&title, 80))
        );
    }
    svg.push_str(body);
    svg.push_str("</svg>");
    if arguments.get("format").as_deref() == Some("svg") {
        return Ok(vec![lines(svg, name)]);
    }
    match raster::png(&svg) {
        Ok(dots) => {
            let (bytes, mime) = (Bytes::from(dots), "image/png".to_owned());
            Ok(vec![CallMessage::Blob { bytes, mime, filename: Some(format!("{name}.png")) }])
        }
        // A browser has more fonts than a server.
        Err(why) => Ok(vec![CallMessage::Text(format!("Drawn as SVG: {why}.")), lines(svg, name)]),
    }
}

fn lines(svg: String, name: &str) -> CallMessage {
    let mime = "image/svg+xml".to_owned();
    CallMessage::Blob { bytes: Bytes::from(svg), mime, filename: Some(format!("{name}.svg")) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn shortened(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// A number as people write it.
fn plain(number: f64) -> String {
    let text = format!("{number:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The plot of numbers over places: its scale and its frame.
struct Plot {
    least: f64,
    most: f64,
    count: usize,
}

impl Plot {
    /// From and to round numbers, nought among them.
    fn of(numbers: &[f64]) -> (Self, f64) {
        let most = numbers.iter().copied().fold(0.0, f64::max);
        let least = numbers.iter().copied().fold(0.0, f64::min);
        let span = if most > least { most - least } else { 1.0 };
        let rough = span / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let plot = Self {
            least: (least / step).floor() * step,
            most: if most > least { (most / step).ceil() * step } else { step },
            count: numbers.len(),
        };
        (plot, step)
    }

    fn y(&self, number: f64) -> f64 {
        let (_, top, _, bottom) = MARGIN;
        HEIGHT - bottom - (number - self.least) / (self.most - self.least) * (HEIGHT - top - bottom)
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
    fn wide(&self) -> f64 {
        (WIDTH - MARGIN.0 - MARGIN.2) / self.count as f64
    }

    /// The middle of a place.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
    fn x(&self, at: usize) -> f64 {
        MARGIN.0 + (at as f64 + 0.5) * self.wide()
    }

    fn frame(&self, step: f64, names: &[String]) -> String {
        let mut out = String::new();
        let mut number = self.least;
        while number <= self.most + step / 2.0 {
            let y = self.y(number);
            _ = write!(
                out,
                r##"<path d="M{:.1} {y:.1}H{:.1}" stroke="#e2e8f0"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="#475569">{}</text>"##,
                MARGIN.0,
                WIDTH - MARGIN.2,
                MARGIN.0 - 8.0,
                y + 4.0,
                plain(number)
            );
            number += step;
        }
        // As many names as can be read.
        let every = names.len().div_ceil(24).max(1);
        for (at, name) in names.iter().enumerate().step_by(every) {
            _ = write!(
                out,
                r##"<text x="{:.1}" y="{:.1}" text-anchor="middle" fill="#475569">{}</text>"##,
                self.x(at),
                HEIGHT - MARGIN.3 + 20.0,
                escaped(&shortened(name, 12))
            );
        }
        out
    }
}

fn bars(arguments: &Arguments) -> Said {
    let (numbers, names) = read(arguments, "x_axis")?;
    let (plot, step) = Plot::of(&numbers);
    let mut body = plot.frame(step, &names);
    let wide = plot.wide() * 0.7;
    for (at, number) in numbers.iter().enumerate() {
        let (y, zero) = (plot.y(*number), plot.y(0.0));
        _ = write!(
            body,
            r##"<rect x="{:.1}" y="{:.1}" width="{wide:.1}" height="{:.1}" rx="2" fill="{}"><title>{}: {}</title></rect>"##,
            plot.x(at) - wide / 2.0,
            y.min(zero),
            (zero - y).abs().max(1.0),
            COLORS[0],
            escaped(names.get(at).map_or("", String::as_str)),
            plain(*number)
        );
    }
    picture(&body, arguments, "bar_chart")
}

fn line(arguments: &Arguments) -> Said {
    let (numbers, names) = read(arguments, "x_axis")?;
    let (plot, step) = Plot::of(&numbers);
    let mut body = plot.frame(step, &names);
    let points: Vec<(f64, f64)> =
        numbers.iter().enumerate().map(|(at, number)| (plot.x(at), plot.y(*number))).collect();
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    _ = write!(
        body,
        r##"<path d="M{}" fill="none" stroke="{}" stroke-width="2.500" stroke-linejoin="round"/>"##,
        path.join("L"),
        COLORS[0]
    );
    for ((x, y), (name, number)) in points.iter().zip(names.iter().zip(&numbers)) {
        _ = write!(
            body,
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="3.500" fill="{}"><title>{}: {}</title></circle>"##,
            COLORS[0],
            escaped(name),
            plain(*number)
        );
    }
    picture(&body, arguments, "line_chart")
}

fn pie(arguments: &Arguments) -> Said {
    arguments.required("categories")?;
    let (numbers, names) = read(arguments, "categories")?;
    let sum: f64 = numbers.iter().sum();
    if numbers.iter().any(|number| *number < 0.0) || sum <= 0.0 {
        return Err("The numbers of a pie chart are not negative, and one is more than 0.".into());
    }
    let (x, y, radius) = (260.0, 262.0, 180.0);
    let mut body = String::new();
    let mut turned = -std::f64::consts::FRAC_PI_2;
    for (at, number) in numbers.iter().enumerate() {
        let share = number / sum;
        let color = COLORS.get(at % COLORS.len()).copied().unwrap_or(COLORS[0]);
        let next = turned + share * std::f64::consts::TAU;
        let shape = if share > 0.999_999 {
            format!(r##"<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"/>"##)
        } else {
            let large = u8::from(share > 0.5);
            let point = |angle: f64| format!("{:.2} {:.2}", x + radius * angle.cos(), y + radius * angle.sin());
            format!(
                r##"<path d="M{x} {y}L{}A{radius} {radius} 0 {large} 1 {}Z" fill="{color}" stroke="#fff"/>"##,
                point(turned),
                point(next)
            )
        };
        body.push_str(&shape);
        turned = next;
        if at < 16 {
            #[expect(clippy::cast_precision_loss, reason = "16 at most")]
            let row = 80.0 + at as f64 * 24.0;
            let name = names.get(at).map_or("", String::as_str);
            _ = write!(
                body,
                r##"<rect x="500" y="{:.1}" width="14" height="14" rx="3" fill="{color}"/><text x="522" y="{row:.1}" fill="#0f172a">{} ({:.1}%)</text>"##,
                row - 12.0,
                escaped(&shortened(name, 24)),
                share * 100.0
            );
        }
    }
    picture(&body, arguments, "pie_chart")
}

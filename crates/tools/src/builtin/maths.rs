//! `maths`: a calculator.

use super::{arithmetic, say};
use crate::{Parameter, Provider, Tool, spec::Run};

pub const PROVIDER: Provider = Provider {
    name: "maths",
    label: ("Calculator", "计算器"),
    description: ("Computes expressions exactly.", "精确计算数学表达式。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0f766e"/>"##,
        r##"<path d="M6 8h5M8.5 5.500v5M13.500 8H18M6.500 14.500l4 4m0-4l-4 4M13.500 15h4.500m-4.500 3H18" stroke="#fff" stroke-width="1.800" stroke-linecap="round" fill="none"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "eval_expression",
        label: ("Evaluate expression", "数学表达式计算"),
        description: ("The value of an expression: + - * / // % **, brackets and functions.", "计算表达式的值。"),
        for_model: "Computes the value of a math expression, e.g. (1 + 2) * sqrt(16) / 3.",
        parameters: &[Parameter::text(
            "expression",
            ("Expression", "数学表达式"),
            "Expression in Python's notation: + - * / // % **, brackets, pi, e, sqrt, sin, cos, tan, exp, log, log10, abs, floor, ceil",
        )
        .needed()],
        run: Run::Pure(|arguments| say(arithmetic::evaluate(&arguments.required("expression")?)?)),
    }],
};

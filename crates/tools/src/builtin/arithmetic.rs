//! Expressions of numbers, as Python writes and computes them.

use ox_types::python_float;

/// Longest expression, and deepest nesting of its brackets and signs.
const MAX_LENGTH: usize = 10_000;
const MAX_DEPTH: usize = 100;

/// The value of an expression: `+ - * / // % **`, brackets, `pi`, `e` and functions of one number.
pub fn evaluate(text: &str) -> Result<String, String> {
    let wrong = || format!("Invalid expression: {text}");
    if text.len() > MAX_LENGTH {
        return Err(format!("The expression is longer than {MAX_LENGTH} characters."));
    }
    let mut reader = Reader { rest: text.trim(), depth: 0 };
    let value = reader.sum().ok_or_else(wrong)?;
    if !reader.rest.is_empty() {
        return Err(wrong());
    }
    Ok(match value {
        Number::Whole(number) => number.to_string(),
        Number::Real(number) if number.is_finite() => python_float(number),
        Number::Real(_) => return Err(format!("The expression {text} has no finite value.")),
    })
}

#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "as Python turns an integer into a float")]
    fn real(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }

    /// Exact where both are whole and the result fits.
    fn with(self, other: Self, exact: fn(i128, i128) -> Option<i128>, real: fn(f64, f64) -> f64) -> Self {
        if let (Self::Whole(left), Self::Whole(right)) = (self, other)
            && let Some(exact) = exact(left, right)
        {
            return Self::Whole(exact);
        }
        Self::Real(real(self.real(), other.real()))
    }
}

fn floor(left: i128, right: i128) -> Option<i128> {
    let quotient = left.checked_div(right)?;
    let is_below = left.checked_rem(right)? != 0 && (left < 0) != (right < 0);
    quotient.checked_sub(i128::from(is_below))
}

fn remainder(left: i128, right: i128) -> Option<i128> {
    left.checked_sub(floor(left, right)?.checked_mul(right)?)
}

fn power(base: i128, exponent: i128) -> Option<i128> {
    base.checked_pow(u32::try_from(exponent).ok()?)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, mark: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(mark) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn sum(&mut self) -> Option<Number> {
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value = value.with(self.product()?, i128::checked_add, |left, right| left + right);
            } else if self.take("-") {
                value = value.with(self.product()?, i128::checked_sub, |left, right| left - right);
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<Number> {
        let mut value = self.signed()?;
        loop {
            if self.take("//") {
                value = value.with(self.signed()?, floor, |left, right| (left / right).floor());
            } else if self.take("/") {
                value = Number::Real(value.real() / self.signed()?.real());
            } else if self.take("%") {
                value = value.with(self.signed()?, remainder, |left, right| left - right * (left / right).floor());
            } else if self.take("*") {
                value = value.with(self.signed()?, i128::checked_mul, |left, right| left * right);
            } else {
                return Some(value);
            }
        }
    }

    fn signed(&mut self) -> Option<Number> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = if self.take("-") {
            Number::Whole(0).with(self.signed()?, i128::checked_sub, |left, right| left - right)
        } else if self.take("+") {
            self.signed()?
        } else {
            self.raised()?
        };
        self.depth -= 1;
        Some(value)
    }

    /// Binds to the right, and closer than a sign before it.
    fn raised(&mut self) -> Option<Number> {
        let base = self.atom()?;
        if !self.take("**") {
            return Some(base);
        }
        Some(base.with(self.signed()?, power, f64::powf))
    }

    fn atom(&mut self) -> Option<Number> {
        if self.take("(") {
            let value = self.sum()?;
            return self.take(")").then_some(value);
        }
        if self.rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return self.named();
        }
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = digits(0);
        let mut is_whole = end > 0;
        if bytes.get(end) == Some(&b'.') {
            is_whole = false;
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let length = digits(end + 1 + sign);
            if length > 0 {
                is_whole = false;
                end += 1 + sign + length;
            }
        }
        let text = self.rest.get(..end)?;
        let value = match text.parse() {
            Ok(number) if is_whole => Number::Whole(number),
            _ => Number::Real(text.parse().ok()?),
        };
        self.rest = self.rest.get(end..)?.trim_start();
        Some(value)
    }

    fn named(&mut self) -> Option<Number> {
        let end = self.rest.find(|next: char| !next.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let name = self.rest.get(..end)?;
        self.rest = self.rest.get(end..)?.trim_start();
        let function: fn(f64) -> f64 = match name {
            "pi" => return Some(Number::Real(std::f64::consts::PI)),
            "e" => return Some(Number::Real(std::f64::consts::E)),
            "sqrt" => f64::sqrt,
            "sin" => f64::sin,
            "cos" => f64::cos,
            "tan" => f64::tan,
            "exp" => f64::exp,
            "log" => f64::ln,
            "log10" => f64::log10,
            "abs" => f64::abs,
            "floor" => f64::floor,
            "ceil" => f64::ceil,
            _ => return None,
        };
        let value = self.take("(").then(|| self.sum()).flatten()?;
        if !self.take(")") {
            return None;
        }
        Some(match (name, value) {
            ("abs", Number::Whole(number)) => Number::Whole(number.checked_abs()?),
            _ => Number::Real(function(value.real())),
        })
    }
}

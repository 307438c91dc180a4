//! Formats (`'%9d' % x`, `'{:>9}'.format(x)`) name their widths in the text itself: too large ones are refused before
//! anything is made that wide.

use minijinja::{
    Error, ErrorKind, State,
    value::{Rest, Value, ValueOrKwargs},
};

use super::filters::MAX_WIDTH;

/// `s|format(…)`, and so `s % …`.
pub fn format(state: &mut State<'_, '_>, text: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let specs = text.as_str().map(printf_specs).unwrap_or_default();
    check(&specs, asks_values(&specs), args.iter().map(|arg| &**arg))?;
    minijinja::filters::format(state, text, args)
}

/// Whether `s.format(…)` asks for nothing too wide.
pub fn check_braces(text: &str, args: &[Value]) -> Result<(), Error> {
    let (specs, asks_values) = brace_specs(text);
    check(&specs, asks_values, args.iter())
}

/// What stands between each `%` and the letter of its conversion.
fn printf_specs(text: &str) -> Vec<&str> {
    let end = |piece: &str| piece.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(piece.len());
    text.split('%').skip(1).map(unnamed).filter_map(|piece| piece.get(..end(piece))).collect()
}

/// Without the name in brackets, which is no width.
fn unnamed(piece: &str) -> &str {
    piece.strip_prefix('(').map_or(piece, |name| name.split_once(')').map_or("", |(_, rest)| rest))
}

/// Whether widths are taken from the values.
fn asks_values(specs: &[&str]) -> bool {
    specs.iter().any(|spec| spec.contains('*'))
}

/// What stands behind the colon of each field in braces; and whether a field stands there too, for a width of the values.
fn brace_specs(text: &str) -> (Vec<&str>, bool) {
    let mut asks_values = false;
    let mut specs = Vec::new();
    for piece in text.split('{').skip(1) {
        let field = piece.split_once('}').map(|(field, _)| field);
        if let Some((_, spec)) = field.unwrap_or(piece).split_once(':') {
            asks_values |= field.is_none();
            specs.push(spec);
        }
    }
    (specs, asks_values)
}

fn check<'a>(specs: &[&str], asks_values: bool, mut args: impl Iterator<Item = &'a Value>) -> Result<(), Error> {
    let is_wide = |number: &str| !number.is_empty() && number.parse::<usize>().map_or(true, |width| width > MAX_WIDTH);
    let mut numbers = specs.iter().flat_map(|spec| spec.split(|c: char| !c.is_ascii_digit()));
    let is_wide_value = |value: &Value| {
        value.is_integer() && i64::try_from(value.clone()).map_or(true, |width| width.unsigned_abs() > MAX_WIDTH as u64)
    };
    if numbers.any(is_wide) || (asks_values && args.any(is_wide_value)) {
        let why = format!("a format wider than {MAX_WIDTH} is not allowed");
        return Err(Error::new(ErrorKind::InvalidOperation, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_found_where_formats_have_them() {
        let wide = "9223372036854775808";
        let values = [Value::from(3), Value::from(200_000)];
        for (text, printf, braces) in [
            ("%5d of 200000 %s", true, true),
            ("%-9223372036854775808d", false, true),
            ("%.200000f", false, true),
            ("%(n200000)s", true, true),
            ("%(n)200000s", false, true),
            ("%*d", false, true),
            ("100% of 200000 %d", true, true),
            ("{:>10} {200000}", true, true),
            ("{:>200000}", true, false),
            ("{0:x^9223372036854775808}", true, false),
            ("{:{}}", true, false),
            ("at 12:30 {}", true, true),
        ] {
            let specs = printf_specs(text);
            assert_eq!(check(&specs, asks_values(&specs), values.iter()).is_ok(), printf, "{text}");
            assert_eq!(check_braces(text, &values).is_ok(), braces, "{text}");
        }
        assert!(check_braces(&format!("{{:{wide}}}"), &[]).is_err());
        assert!(check_braces("{:{}}", &[Value::from("x"), Value::from(20)]).is_ok());
    }
}

//! Keyword search in lists: whether a text contains a keyword, in any case of any script.
//!
//! Both databases get one regular expression in which every letter stands with its other cases (`[Üü][Bb]`), so none of
//! them needs to know what a letter is: SQLite's `lower` knows ASCII only, and PostgreSQL's what the locale of the
//! database knows. Unicode's simple folding decides (`ς` is found by `Σ`, `ß` is no `ss`, `İ` is itself alone).

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, Value,
    sea_query::{BinOper, Expr, ExprTrait},
};

use crate::Source;

/// Letters of a keyword that are looked for: what is behind them would cost PostgreSQL memory for each row.
const LONGEST: usize = 200;
/// What means something outside brackets in both dialects.
const SPECIAL: &str = r"\.+*?()|[]{}^$";

/// What is looked for.
pub(super) struct Keyword {
    pattern: String,
    operator: &'static str,
}

impl Keyword {
    /// Without spaces around it; nothing when nothing is left.
    pub fn new(source: &dyn Source, keyword: Option<&str>) -> Option<Self> {
        let pattern = pattern(keyword?.trim());
        let operator = if source.executor().get_database_backend() == DbBackend::Postgres { "~" } else { "REGEXP" };
        (!pattern.is_empty()).then_some(Self { pattern, operator })
    }

    /// Whether one of these columns contains it.
    pub fn in_any<C: ColumnTrait>(&self, columns: impl IntoIterator<Item = C>) -> Condition {
        columns.into_iter().fold(Condition::any(), |any, column| {
            let text = Expr::col(column.as_column_ref());
            any.add(text.binary(BinOper::Custom(self.operator), Expr::val(self.pattern.as_str())))
        })
    }

    /// Whether a column contains it, as SQL whose `?` is [`Keyword::value`].
    pub fn sql(&self, column: &str) -> String {
        format!("{column} {} ?", self.operator)
    }

    /// What stands for the `?` of [`Keyword::sql`].
    pub fn value(&self) -> Value {
        self.pattern.as_str().into()
    }
}

/// The part of regular expressions that SQLite's function (the crate `regex`) and PostgreSQL read alike.
fn pattern(keyword: &str) -> String {
    let mut pattern = String::with_capacity(keyword.len());
    // No stored text has a zero, and PostgreSQL takes none.
    for letter in keyword.chars().filter(|letter| *letter != '\0').take(LONGEST) {
        let mut cases = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
        cases.case_fold_simple();
        let cases: String = cases.iter().flat_map(|range| range.start()..=range.end()).collect();
        if cases.chars().nth(1).is_some() {
            pattern.extend(["[", cases.as_str(), "]"]);
        } else {
            if SPECIAL.contains(letter) {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_stands_with_its_cases() {
        for (keyword, expected) in [
            ("", ""),
            ("a1", "[Aa]1"),
            ("ÜB", "[Üü][Bb]"),
            ("ё", "[Ёё]"),
            ("ς", "[Σςσ]"),
            ("s", "[Ssſ]"),
            ("İ", "İ"),
            ("知识 😀", "知识 😀"),
            ("100%_", "100%_"),
            (r"\.+*?()|[]{}^$", r"\\\.\+\*\?\(\)\|\[\]\{\}\^\$"),
            ("<-&~#'\"/", "<-&~#'\"/"),
            ("\u{0}1\u{0}", "1"),
        ] {
            assert_eq!(pattern(keyword), expected, "{keyword:?}");
        }
        assert_eq!(pattern(&"1".repeat(5000)).len(), LONGEST);
    }
}

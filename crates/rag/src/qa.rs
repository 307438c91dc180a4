//! Reading the questions and answers that a model has written.

/// The pairs of a text like `Q1: … A1: …`. What has no question or no answer is left out.
#[must_use]
pub fn qa_pairs(text: &str) -> Vec<(String, String)> {
    let marks = marks(text);
    let mut pairs = Vec::new();
    let mut question: Option<&str> = None;
    for (index, mark) in marks.iter().enumerate() {
        let end = marks.get(index + 1).map_or(text.len(), |next| next.from);
        let said = tidy(text.get(mark.to..end).unwrap_or_default());
        if mark.is_question {
            question = Some(said);
        } else if let Some(asked) = question.take().filter(|asked| !asked.is_empty() && !said.is_empty()) {
            pairs.push((collapsed(asked), collapsed(said)));
        }
    }
    pairs
}

struct Mark {
    is_question: bool,
    from: usize,
    to: usize,
}

/// Where `Q1:` and `A1:` stand.
fn marks(text: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut before = None;
    let mut skip = 0;
    for (from, character) in text.char_indices() {
        let follows_word = before.replace(character).is_some_and(char::is_alphanumeric);
        if from < skip || follows_word || !matches!(character, 'Q' | 'A') {
            continue;
        }
        let after = text.get(from + 1..).unwrap_or_default();
        let rest = after.trim_start_matches(|next: char| next.is_ascii_digit());
        let colon = rest.chars().next().filter(|next| matches!(next, ':' | '：'));
        if let Some(colon) = colon.filter(|_| rest.len() < after.len()) {
            let to = text.len() - rest.len() + colon.len_utf8();
            let is_question = character == 'Q';
            // An answer may speak of another answer: only the first after a question counts.
            let is_new = is_question || marks.last().is_some_and(|last| last.is_question);
            if is_new {
                marks.push(Mark { is_question, from, to });
            }
            skip = to;
        }
    }
    marks
}

/// Models like to print the marks in bold.
fn tidy(text: &str) -> &str {
    text.trim().trim_matches('*').trim()
}

/// White space at the beginnings of lines and empty lines go.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        let line = if out.is_empty() { line } else { line.trim_start() };
        if line.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::qa_pairs;

    #[test]
    fn what_models_write() {
        for (text, expected) in [
            ("", &[][..]),
            ("No pairs here. Q: none A: none", &[]),
            (
                "Q1: What?\nA1: That.\nQ2: Who?\nA2: She.\n   She did.\n\n  Yes.\n",
                &[("What?", "That."), ("Who?", "She.\nShe did.\nYes.")],
            ),
            ("Q1: one line A1: answer", &[("one line", "answer")]),
            ("**Q1:** bold?\n**A1:** yes", &[("bold?", "yes")]),
            ("Q1：全角？\nA1：是。", &[("全角？", "是。")]),
            ("Q1: lost\nQ2: kept\nA2: yes\nQ3: cut off", &[("kept", "yes")]),
            ("Q1:\nA1: nothing was asked", &[]),
            ("Q1: see A1: as in A2: it says", &[("see", "as in A2: it says")]),
            ("FAQ1: no\nQ1: yes\nA1: ok", &[("yes", "ok")]),
        ] {
            let pairs = qa_pairs(text);
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(asked, said)| (asked.as_str(), said.as_str())).collect();
            assert_eq!(pairs, expected, "{text}");
        }
    }
}

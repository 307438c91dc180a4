//! What a model said, taken apart: strict enough that nothing half-written reaches an editor.
//!
//! Errors are sentences that the model can be given back.

use ox_text::schema::Schema;
use ox_types::Json;

use super::Language;

/// Levels of a schema, as the editor of schemas has them.
const MAX_DEPTH: usize = 10;
/// Variables that are told of a prompt.
const MAX_VARIABLES: usize = 20;
/// Letters of a variable's name.
const MAX_NAME: usize = 30;

/// Marks of an instruction that are filled in: each may be as long as what is improved.
const MAX_MARKS: usize = 10;

type Read<T> = Result<T, Vec<String>>;

/// A prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    pub text: String,
    /// Names in double braces, each once, as they come.
    pub variables: Vec<String>,
    pub opening: String,
}

/// A text that was improved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub modified: String,
    /// What is different, in a sentence.
    pub message: String,
}

fn wrong<T>(text: impl Into<String>) -> Read<T> {
    Err(vec![text.into()])
}

/// The answer without what a model thought aloud.
fn said(answer: &str) -> &str {
    answer.rsplit_once("</think>").map_or(answer, |(_, said)| said).trim()
}

/// What stands between the first `<name>` and the last `</name>`; the text may hold such tags itself.
fn tagged<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.rsplit_once(&format!("</{name}>"))?;
    Some(inner.trim())
}

/// A prompt with or without variables and an opening.
pub fn prompt(answer: &str, with_variables: bool) -> Read<Prompt> {
    let said = said(answer);
    let Some(text) = tagged(said, "prompt") else {
        return wrong("The answer holds no prompt between <prompt> and </prompt>.");
    };
    if text.is_empty() {
        return wrong("The prompt is empty.");
    }
    if !with_variables {
        return Ok(Prompt { text: text.to_owned(), ..Prompt::default() });
    }
    let behind = said.rsplit_once("</prompt>").map_or("", |(_, behind)| behind);
    let opening = tagged(behind, "opening").unwrap_or_default().to_owned();
    Ok(Prompt { text: text.to_owned(), variables: variables(text), opening })
}

/// The names in `{{name}}`, each once.
fn variables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else { continue };
        let name = name.trim();
        if is_name(name) && found.len() < MAX_VARIABLES && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Code with a function `main`.
pub fn code(answer: &str, language: Language) -> Read<String> {
    let code = fenced(said(answer))?.trim_matches('\n').trim_end();
    if !has_main(code, language) {
        return wrong(format!("The code defines no function main in {}.", language.as_str()));
    }
    Ok(format!("{code}\n"))
}

/// The first code block, or the whole text where there is none.
fn fenced(text: &str) -> Read<&str> {
    let Some((_, rest)) = text.split_once("```") else { return Ok(text) };
    // The rest of the line names the language.
    let Some((_, rest)) = rest.split_once('\n') else { return wrong("The code block is empty.") };
    if rest.starts_with("```") {
        return wrong("The code block is empty.");
    }
    // A fence inside the code stands within a line.
    match rest.split_once("\n```") {
        Some((inner, _)) => Ok(inner),
        None => wrong("The code block has no end."),
    }
}

fn has_main(code: &str, language: Language) -> bool {
    let begins: &[&str] = match language {
        Language::Python => &["def main(", "async def main("],
        Language::JavaScript => &[
            "function main(",
            "async function main(",
            "const main =",
            "let main =",
            "var main =",
            "export default function main(",
        ],
    };
    code.lines().any(|line| begins.iter().any(|begin| line.starts_with(begin)))
}

/// A JSON schema of an object, laid out to be read.
pub fn schema(answer: &str) -> Read<String> {
    let said = said(answer);
    let object = said.find('{').zip(said.rfind('}')).and_then(|(from, to)| said.get(from..=to));
    let Some(object) = object else { return wrong("The answer holds no JSON object.") };
    let json: Json = match serde_json::from_str(object) {
        Ok(json) => json,
        Err(error) => return wrong(format!("The answer is not valid JSON: {error}.")),
    };
    if json["type"] != "object" || !json["properties"].is_object() {
        return wrong("The root of the schema must have the type object, and properties.");
    }
    if depth(&json) > MAX_DEPTH {
        return wrong(format!("The schema has more than {MAX_DEPTH} levels."));
    }
    if let Err(error) = Schema::new(&json) {
        return wrong(format!("The schema cannot be used: {error}."));
    }
    serde_json::to_string_pretty(&json).map_err(|error| vec![error.to_string()])
}

/// Objects within objects. The parser of JSON bounds how deep this goes.
fn depth(schema: &Json) -> usize {
    let inner = schema["properties"].as_object().into_iter().flat_map(|fields| fields.values()).map(depth);
    let items = schema.get("items").into_iter().map(depth);
    let deepest = inner.chain(items).max().unwrap_or_default();
    deepest + usize::from(schema["type"] == "object")
}

/// A text that was improved; of code when a language is named.
pub fn change(answer: &str, language: Option<Language>) -> Read<Change> {
    let said = said(answer);
    let Some(modified) = tagged(said, "modified") else {
        return wrong("The answer holds no text between <modified> and </modified>.");
    };
    if modified.is_empty() {
        return wrong("The changed text is empty.");
    }
    let modified = match language {
        Some(language) => code(modified, language)?,
        None => modified.to_owned(),
    };
    // The sentence comes first; the text may hold tags of the same name.
    let before = said.split_once("<modified>").map_or("", |(before, _)| before);
    Ok(Change { modified, message: tagged(before, "message").unwrap_or_default().to_owned() })
}

/// Puts texts where `{{#…#}}` stands; what comes in is not looked through again.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    for _ in 0..MAX_MARKS {
        let Some(from) = rest.find("{{#") else { break };
        let Some(length) = rest.get(from..).and_then(|tail| tail.find("#}}")) else { break };
        let to = from + length + "#}}".len();
        let (Some(before), Some(mark), Some(behind)) = (rest.get(..from), rest.get(from..to), rest.get(to..)) else {
            break;
        };
        out.push_str(before);
        match value(mark) {
            Some(found) => out.push_str(&found),
            None => out.push_str(mark),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prompt_stands_between_its_tags() {
        let full = "<think><prompt>no</prompt></think>Sure:\n<prompt>\nHelp {{name}} with {{ topic }} and {{name}}, not \
                    {{#a.b#}} or {{2x}}.\n</prompt>\n<opening>Hello!</opening>";
        let read = prompt(full, true).unwrap();
        assert_eq!(read.text, "Help {{name}} with {{ topic }} and {{name}}, not {{#a.b#}} or {{2x}}.");
        assert_eq!((read.variables, read.opening.as_str()), (vec!["name".to_owned(), "topic".to_owned()], "Hello!"));
        let plain = prompt(full, false).unwrap();
        assert_eq!((plain.variables.len(), plain.opening.as_str()), (0, ""));
        for (answer, expected) in [
            ("You are a tutor.", "no prompt between"),
            ("<prompt>You are a tut", "no prompt between"),
            ("<prompt> </prompt>", "is empty"),
            ("", "no prompt between"),
        ] {
            let why = prompt(answer, true).unwrap_err();
            assert!(why[0].contains(expected), "{answer}: {why:?}");
        }
    }

    #[test]
    fn code_has_a_main() {
        let python = "def main(a: str) -> dict:\n    return {\"b\": a}";
        let javascript = "function main({ a }) {\n  return { b: `x` };\n}";
        for (answer, language, expected) in [
            (format!("```python\n{python}\n```\nDone."), Language::Python, Ok(format!("{python}\n"))),
            (format!("Here:\n```js\n{javascript}\n```"), Language::JavaScript, Ok(format!("{javascript}\n"))),
            (python.to_owned(), Language::Python, Ok(format!("{python}\n"))),
            (format!("import re\n\n{python}"), Language::Python, Ok(format!("import re\n\n{python}\n"))),
            (python.to_owned(), Language::JavaScript, Err("no function main in javascript")),
            ("I cannot do that.".to_owned(), Language::Python, Err("no function main in python3")),
            (format!("```python\n{python}"), Language::Python, Err("has no end")),
            ("```".to_owned(), Language::Python, Err("is empty")),
            ("```python\n```".to_owned(), Language::Python, Err("is empty")),
        ] {
            match (code(&answer, language), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected),
                (Err(why), Err(expected)) => assert!(why[0].contains(expected), "{answer}: {why:?}"),
                (read, expected) => panic!("{answer}: {read:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_schema_is_one_of_an_object() {
        let good = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
        let read = schema(&format!("```json\n{good}\n```")).unwrap();
        assert_eq!(serde_json::from_str::<Json>(&read).unwrap(), good);
        assert!(read.contains("\n  \"type\""), "{read}");
        let deep =
            (0..11).fold(json!({"type": "string"}), |inner, _| json!({"type": "object", "properties": {"a": inner}}));
        let unknown = json!({"type": "object", "properties": {"a": {"type": "nothing"}}});
        for (answer, expected) in [
            ("no".to_owned(), "holds no JSON object"),
            ("{\"type\": }".to_owned(), "not valid JSON"),
            (json!({"type": "array", "items": {}}).to_string(), "must have the type object"),
            (json!({"type": "object"}).to_string(), "must have the type object"),
            (deep.to_string(), "more than 10 levels"),
            (unknown.to_string(), "cannot be used"),
        ] {
            let why = schema(&answer).unwrap_err();
            assert!(why[0].contains(expected), "{answer}: {why:?}");
        }
    }

    #[test]
    fn a_change_is_told_and_whole() {
        let read = change("<message>Shorter.</message>\n<modified>Use <message> tags.</modified>", None).unwrap();
        assert_eq!((read.modified.as_str(), read.message.as_str()), ("Use <message> tags.", "Shorter."));
        let read = change("<modified>```python\ndef main():\n    return {}\n```</modified>", Some(Language::Python));
        assert_eq!(read.unwrap().modified, "def main():\n    return {}\n");
        for (answer, language, expected) in [
            ("<message>x</message>", None, "no text between"),
            ("<modified></modified>", None, "is empty"),
            ("<modified>x = 1</modified>", Some(Language::Python), "no function main"),
        ] {
            let why = change(answer, language).unwrap_err();
            assert!(why[0].contains(expected), "{answer}: {why:?}");
        }
    }

    #[test]
    fn marks_are_filled_once() {
        let value = |mark: &str| (mark == "{{#current#}}").then(|| "{{#current#}}!".to_owned());
        for (text, expected) in [
            ("a {{#current#}} b", "a {{#current#}}! b"),
            ("{{#n.x#}} {{#current", "{{#n.x#}} {{#current"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(fill(text, value), expected);
        }
        assert_eq!(
            fill(&"{{#x#}}".repeat(12), |_| Some("y".to_owned())),
            format!("{}{}", "y".repeat(10), "{{#x#}}".repeat(2))
        );
    }
}

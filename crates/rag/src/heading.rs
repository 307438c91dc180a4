//! Under which headings a place in a text stands.

/// Deepest heading, and most characters of a title that are kept.
const MAX_LEVEL: usize = 6;
const MAX_TITLE: usize = 200;
const BETWEEN: &str = " > ";

/// A heading in a text: where its line begins, how deep it is, what it says.
struct Mark {
    at: usize,
    level: usize,
    title: String,
}

/// The headings that are open while a text is read from its beginning to its end.
#[derive(Default)]
pub struct Headings {
    /// What the reader of the file said, before the text's own headings.
    given: Option<String>,
    open: Vec<(usize, String)>,
}

impl Headings {
    /// A part of a document begins whose headings its reader knows.
    pub fn given(&mut self, path: Option<&str>) {
        self.given = path.map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned);
        self.open.clear();
    }

    /// The path of open headings.
    pub fn path(&self) -> Option<String> {
        let titles = self.given.iter().map(String::as_str).chain(self.open.iter().map(|(_, title)| title.as_str()));
        let path = titles.collect::<Vec<_>>().join(BETWEEN);
        (!path.is_empty()).then_some(path)
    }

    fn enter(&mut self, mark: Mark) {
        while self.open.last().is_some_and(|(level, _)| *level >= mark.level) {
            self.open.pop();
        }
        self.open.push((mark.level, mark.title));
    }

    /// The headings of a text that comes next.
    pub fn follow(&mut self, text: &str) -> Follow<'_> {
        Follow { headings: self, marks: marks(text).into_iter().peekable() }
    }
}

/// A walk through a text.
pub struct Follow<'h> {
    headings: &'h mut Headings,
    marks: std::iter::Peekable<std::vec::IntoIter<Mark>>,
}

impl Follow<'_> {
    /// The path at a place that is not before the last one asked for.
    pub fn at(&mut self, place: usize) -> Option<String> {
        while let Some(mark) = self.marks.next_if(|mark| mark.at <= place) {
            self.headings.enter(mark);
        }
        self.headings.path()
    }
}

impl Drop for Follow<'_> {
    fn drop(&mut self) {
        for mark in self.marks.by_ref() {
            self.headings.enter(mark);
        }
    }
}

/// The Markdown headings of a text that do not stand in code.
fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    if !text.contains('#') {
        return marks;
    }
    let (mut at, mut fence) = (0, None);
    for line in text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let bare = line.trim();
        match fence {
            Some(open) if bare.starts_with(open) => fence = None,
            Some(_) => {}
            None => match ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark)) {
                Some(open) => fence = Some(open),
                None => marks.extend(title(line).map(|(level, title)| Mark { at: begin, level, title })),
            },
        }
    }
    marks
}

fn title(line: &str) -> Option<(usize, String)> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    if !(1..=MAX_LEVEL).contains(&level) || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let title: String = rest.trim().trim_end_matches('#').trim_end().chars().take(MAX_TITLE).collect();
    (!title.is_empty()).then_some((level, title))
}

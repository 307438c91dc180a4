//! Tables: lines whose segments stand under each other.

use super::{Ruling, Segment, median};

/// Widest gap between rows, and between the lines of one cell, in sizes of the letters.
const ROW_GAP: f64 = 3.5;
const CELL_GAP: f64 = 1.4;
/// Lines without a second segment that may stand in a row between the lines of a table.
const MAX_SINGLE: usize = 3;
/// Lines that a table has at least, without and with lines drawn.
const LEAST_ROWS: usize = 3;
const LEAST_RULED: usize = 2;
/// The part of its cells that a table fills at least, and the letters that they usually have at most.
const LEAST_FILLED: f64 = 0.5;
const MOST_LETTERS: f64 = 60.0;

/// A table: its first row is its header.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub rows: Vec<Vec<String>>,
    /// Where the columns begin and end.
    pub columns: Vec<(f64, f64)>,
}

impl Table {
    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            write_row(row.iter().map(|cell| cell.replace('|', "\\|")), &mut out);
            if at == 0 {
                write_row(row.iter().map(|_| "---".to_owned()), &mut out);
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// Takes over the header of the table on the page before, when this one is the rest of it.
    pub fn continues(&mut self, before: &Self) {
        let same = self.columns.len() == before.columns.len()
            && self.columns.iter().zip(&before.columns).all(|(a, b)| a.0 < b.1 && b.0 < a.1);
        if let Some(header) = before.rows.first().filter(|header| same && self.rows.first() != Some(header)) {
            self.rows.insert(0, header.clone());
        }
    }
}

fn write_row(cells: impl Iterator<Item = String>, out: &mut String) {
    out.push('|');
    for cell in cells {
        out.push_str(&format!(" {cell} |"));
    }
    out.push('\n');
}

/// A part of a column.
pub enum Part {
    Line(Vec<Segment>),
    Table(Table),
}

/// Tells tables from the other lines.
pub fn find(lines: &[Vec<Segment>], rulings: &[Ruling]) -> Vec<Part> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let end = if line.len() > 1 { group_end(lines, at) } else { at };
        let group = lines.get(at..=end).unwrap_or_default();
        match build(group, rulings) {
            Some(table) => out.push(Part::Table(table)),
            None => out.extend(group.iter().cloned().map(Part::Line)),
        }
        at = end + 1;
    }
    out
}

fn place(line: &[Segment]) -> (f64, f64) {
    line.first().map_or((0.0, 0.0), |first| (first.y, first.size))
}

/// The last line of what may be a table that begins at a line.
fn group_end(lines: &[Vec<Segment>], begin: usize) -> usize {
    let (mut end, mut single) = (begin, 0);
    let mut above = lines.get(begin).map_or((0.0, 0.0), |line| place(line));
    for (at, line) in lines.iter().enumerate().skip(begin + 1) {
        let (y, size) = place(line);
        if y - above.0 > ROW_GAP * size.max(above.1) {
            break;
        }
        if line.len() > 1 {
            (end, single) = (at, 0);
        } else {
            single += 1;
            let columns = columns(lines.get(begin..=end).unwrap_or_default());
            let Some(segment) = line.first() else { break };
            let under: Vec<usize> = overlapping(&columns, segment).collect();
            if under.len() != 1 || single > MAX_SINGLE {
                break;
            }
            // The rest of a cell of the last row, but not what stands under the first column: that may be any text.
            if y - above.0 <= CELL_GAP * size && under.first().is_some_and(|column| *column > 0) && end + single == at {
                end = at;
                single = 0;
            }
        }
        above = (y, size);
    }
    end
}

fn overlapping<'c>(columns: &'c [(f64, f64)], segment: &'c Segment) -> impl Iterator<Item = usize> + 'c {
    let slack = 0.2 * segment.size;
    columns
        .iter()
        .enumerate()
        .filter(move |(_, column)| segment.x0 < column.1 - slack && column.0 + slack < segment.x1)
        .map(|(at, _)| at)
}

/// Where columns begin and end: the line with most segments says so, the others widen them.
fn columns(lines: &[Vec<Segment>]) -> Vec<(f64, f64)> {
    let mut order: Vec<&Vec<Segment>> = lines.iter().collect();
    order.sort_by_key(|line| std::cmp::Reverse(line.len()));
    let mut columns: Vec<(f64, f64)> = Vec::new();
    for segment in order.iter().flat_map(|line| line.iter()) {
        let under: Vec<usize> = overlapping(&columns, segment).collect();
        match under.as_slice() {
            [] => {
                let at = columns.partition_point(|column| column.0 < segment.x0);
                columns.insert(at, (segment.x0, segment.x1));
            }
            [one] => {
                let left =
                    one.checked_sub(1).and_then(|left| columns.get(left)).map_or(f64::NEG_INFINITY, |left| left.1);
                let right = columns.get(one + 1).map_or(f64::INFINITY, |right| right.0);
                if let Some(column) = columns.get_mut(*one) {
                    *column = (column.0.min(segment.x0.max(left)), column.1.max(segment.x1.min(right)));
                }
            }
            // A cell over several columns widens none.
            _ => {}
        }
    }
    merge_lonely(lines, columns)
}

/// Neighbours that no line has both of are one column whose cells begin or end at different places.
fn merge_lonely(lines: &[Vec<Segment>], columns: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for column in columns {
        if let Some(last) = out.last_mut() {
            let pair = [*last, column];
            let both = |line: &Vec<Segment>| {
                (0..2).all(|side| line.iter().any(|segment| overlapping(&pair, segment).any(|at| at == side)))
            };
            if !lines.iter().any(both) {
                last.1 = column.1;
                continue;
            }
        }
        out.push(column);
    }
    out
}

fn build(lines: &[Vec<Segment>], rulings: &[Ruling]) -> Option<Table> {
    let many = lines.iter().filter(|line| line.len() > 1).count();
    if many < LEAST_RULED {
        return None;
    }
    let columns = columns(lines);
    let (first, last) = (columns.first()?, columns.last()?);
    let inside: Vec<&Ruling> = rulings
        .iter()
        .filter(|ruling| ruling.x1.min(last.1) - ruling.x0.max(first.0) > 0.5 * (last.1 - first.0))
        .collect();
    let is_between = |above: f64, below: f64| inside.iter().any(|ruling| above < ruling.y && ruling.y < below);
    let pairs = || lines.windows(2).filter_map(|pair| Some((place(pair.first()?).0, place(pair.get(1)?).0)));
    let ruled = pairs().filter(|(above, below)| is_between(*above, *below)).count();
    if columns.len() < 2 || many < if ruled > 0 { LEAST_RULED } else { LEAST_ROWS } {
        return None;
    }
    let is_ruled = ruled > 1 && ruled * 3 >= lines.len() - 1;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut above = f64::NEG_INFINITY;
    for line in lines {
        let (y, size) = place(line);
        let cells = cells(line, &columns);
        let is_rest = rows.last().is_some_and(|row| {
            if is_ruled {
                return !is_between(above, y);
            }
            let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
            let fits = cells.iter().zip(row).all(|(cell, above)| cell.is_empty() || !above.is_empty());
            let is_partial = cells.first().is_some_and(String::is_empty) && filled < columns.len();
            y - above <= CELL_GAP * size && fits && is_partial && !is_between(above, y)
        });
        match rows.last_mut().filter(|_| is_rest) {
            Some(row) => row.iter_mut().zip(cells).filter(|(_, cell)| !cell.is_empty()).for_each(|(whole, cell)| {
                if !whole.is_empty() {
                    whole.push(' ');
                }
                whole.push_str(&cell);
            }),
            None => rows.push(cells),
        }
        above = y;
    }
    is_table(&rows).then_some(Table { rows, columns })
}

/// The texts of a line by column; what belongs to none stands in the nearest.
fn cells(line: &[Segment], columns: &[(f64, f64)]) -> Vec<String> {
    let mut cells = vec![String::new(); columns.len()];
    for segment in line {
        let middle = f64::midpoint(segment.x0, segment.x1);
        let distance = |column: &(f64, f64)| (column.0 - middle).max(middle - column.1).max(0.0);
        let nearest = || {
            let near = columns.iter().enumerate().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
            near.map(|(at, _)| at)
        };
        let at = overlapping(columns, segment).next().or_else(nearest);
        if let Some(cell) = at.and_then(|at| cells.get_mut(at)) {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(&segment.text);
        }
    }
    cells
}

/// Whether rows are a table, not a list, a formula or a text with wide gaps.
fn is_table(rows: &[Vec<String>]) -> bool {
    let width = rows.first().map_or(0, Vec::len);
    let texts = || rows.iter().flatten().filter(|cell| !cell.is_empty());
    let filled = texts().count() as f64 / (rows.len() * width).max(1) as f64;
    let letters = median(texts().map(|cell| cell.chars().count() as f64));
    let marks = rows.iter().filter_map(|row| row.first()).filter(|cell| super::paragraphs::is_item(cell)).count();
    let is_list = width == 2 && marks * 5 >= rows.len() * 4;
    rows.len() > 1 && filled >= LEAST_FILLED && letters <= MOST_LETTERS && !is_list
}

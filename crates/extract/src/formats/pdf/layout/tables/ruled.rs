//! Tables whose rows are set apart by drawn lines.

use super::{Ruling, Segment, Table, cells, columns, is_table};

/// How far lines of one height, and ends of lines of one table, may differ.
const SAME_HEIGHT: f64 = 2.0;
const SAME_END: f64 = 6.0;
/// Lines that a table has at least, and its highest row.
const LEAST_LEVELS: usize = 3;
const HIGHEST_ROW: f64 = 250.0;
/// How far a header may stand above the first line, in sizes of its letters.
const HEADER: f64 = 1.8;

/// Drawn lines of one width under each other.
#[derive(Debug, PartialEq)]
pub struct Grid {
    x0: f64,
    x1: f64,
    /// From top to bottom.
    levels: Vec<f64>,
}

/// The grids of a page.
pub fn grids(rulings: &[Ruling]) -> Vec<Grid> {
    let mut rulings = rulings.to_vec();
    rulings.sort_by(|a, b| a.y.total_cmp(&b.y));
    // Lines are often drawn cell by cell.
    let mut levels: Vec<Ruling> = Vec::new();
    for ruling in rulings {
        match levels.last_mut() {
            Some(level) if ruling.y - level.y <= SAME_HEIGHT => {
                (level.x0, level.x1) = (level.x0.min(ruling.x0), level.x1.max(ruling.x1));
            }
            _ => levels.push(ruling),
        }
    }
    let mut out: Vec<Grid> = Vec::new();
    for level in levels {
        match out.last_mut() {
            Some(grid)
                if (level.x0 - grid.x0).abs() <= SAME_END
                    && (level.x1 - grid.x1).abs() <= SAME_END
                    && grid.levels.last().is_some_and(|last| level.y - last <= HIGHEST_ROW) =>
            {
                grid.levels.push(level.y);
            }
            _ => out.push(Grid { x0: level.x0, x1: level.x1, levels: vec![level.y] }),
        }
    }
    out.retain(|grid| grid.levels.len() >= LEAST_LEVELS);
    out
}

impl Grid {
    /// Whether a line stands between the first and the last of its lines.
    pub fn holds(&self, line: &[Segment]) -> bool {
        let (Some(first), Some(last)) = (self.levels.first(), self.levels.last()) else { return false };
        // The header may stand above the first of them.
        let above = if line.len() > 1 { HEADER * line.first().map_or(0.0, |one| one.size) } else { 0.0 };
        let is_inside = |segment: &Segment| {
            *first - above < segment.y
                && segment.y < *last
                && self.x0 - SAME_END < segment.x0
                && segment.x1 < self.x1 + SAME_END
        };
        !line.is_empty() && line.iter().all(is_inside)
    }

    /// The table of the lines between: all that stands between two drawn lines is one row.
    pub fn table(&self, lines: &[Vec<Segment>]) -> Option<Table> {
        let mut rows: Vec<(usize, Vec<Segment>)> = Vec::new();
        for segment in lines.iter().flatten() {
            let place = self.levels.partition_point(|level| *level < segment.y);
            match rows.last_mut() {
                Some((row, segments)) if *row == place => segments.push(segment.clone()),
                _ => rows.push((place, vec![segment.clone()])),
            }
        }
        let rows: Vec<Vec<Segment>> = rows.into_iter().map(|(_, segments)| segments).collect();
        let columns = columns(&rows);
        let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row, &columns)).collect();
        (columns.len() > 1 && is_table(&rows)).then_some(Table { rows, columns })
    }
}

//! Columns for people: aligned, fitted into the width there is, coloured where that is wanted.

mod text;
mod units;

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

pub(crate) use self::text::{cut, cut_middle, plain};
pub(crate) use self::units::{count, dollars, latency, span};

use crate::out::Screen;

/// Between two columns.
const GAP: &str = "  ";
/// No column is cut below this, whatever the terminal.
const LEAST: usize = 3;

/// On which side a column's text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    align: Align,
    /// May be cut down to this many cells before other columns are.
    soft: Option<usize>,
    /// Is cut in its middle instead of at its end.
    name: bool,
    /// Left out where columns at their least do not fit, the lowest first.
    rank: Option<u8>,
}

impl Column {
    /// Text, kept whole as long as other columns can be cut.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Left,
            soft: None,
            name: false,
            rank: None,
        }
    }

    /// Text that is cut first, down to `least` cells.
    pub(crate) const fn soft(title: &'static str, least: usize) -> Self {
        Self {
            soft: Some(least),
            ..Self::text(title)
        }
    }

    /// A name that is cut first, in its middle, down to `least` cells.
    pub(crate) const fn name(title: &'static str, least: usize) -> Self {
        Self {
            name: true,
            ..Self::soft(title, least)
        }
    }

    /// A number.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self {
            align: Align::Right,
            ..Self::text(title)
        }
    }

    /// The same, left out where room is short: before those of a higher rank, and before those of none.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self {
            rank: Some(rank),
            ..self
        }
    }

    fn cut<'a>(&self, text: &'a str, width: usize) -> Cow<'a, str> {
        if self.name {
            cut_middle(text, width)
        } else {
            cut(text, width)
        }
    }
}

/// What a text means, said by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tint {
    Plain,
    Bold,
    Faint,
    Good,
    Doubtful,
    Bad,
}

impl Tint {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Doubtful => "33",
            Self::Bad => "31",
        }
    }

    /// The text in this colour, if colours are wanted. The text is cleaned of control characters.
    pub(crate) fn paint(self, text: &str, colours: bool) -> String {
        let text = plain(text);
        if colours && self != Self::Plain {
            format!("\u{1b}[{}m{text}\u{1b}[0m", self.code())
        } else {
            text.into_owned()
        }
    }
}

/// One field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tint: Tint,
}

impl Cell {
    pub(crate) fn tinted(text: impl Into<String>, tint: Tint) -> Self {
        Self {
            text: plain(&text.into()).into_owned(),
            tint,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::tinted(text, Tint::Plain)
    }
}

/// A table with a head.
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new(columns: [Column; N]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// All lines, each with its line end.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widths = fitted(&self.columns, self.natural(), screen.width);
        let head = self
            .columns
            .map(|column| Cell::tinted(column.title, Tint::Bold));
        let mut out = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            self.line(row, &widths, screen.colours, &mut out);
        }
        out
    }

    /// How wide each column would be if there were room for all.
    fn natural(&self) -> [usize; N] {
        let mut widths = self.columns.map(|column| column.title.width());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        widths
    }

    fn line(&self, row: &[Cell; N], widths: &[Option<usize>; N], colours: bool, out: &mut String) {
        let shown = || {
            let fields = self.columns.iter().zip(row).zip(widths);
            fields.filter_map(|((column, cell), width)| Some((column, cell, (*width)?)))
        };
        // Fill behind the last text of a line would only wrap it.
        let full = shown().collect::<Vec<_>>();
        let last = full.iter().rposition(|(_, cell, _)| !cell.text.is_empty());
        for (at, (column, cell, width)) in full.into_iter().enumerate() {
            if last.is_none_or(|last| at > last) {
                break;
            }
            let text = column.cut(&cell.text, width);
            let fill = " ".repeat(width.saturating_sub(text.width()));
            let text = cell.tint.paint(&text, colours);
            if at > 0 {
                out.push_str(GAP);
            }
            match column.align {
                Align::Left if last == Some(at) => out.push_str(&text),
                Align::Left => {
                    out.push_str(&text);
                    out.push_str(&fill);
                }
                Align::Right => {
                    out.push_str(&fill);
                    out.push_str(&text);
                }
            }
        }
        out.push('\n');
    }
}

/// The columns' widths within `limit`; none for those that are left out.
fn fitted<const N: usize>(
    columns: &[Column; N],
    natural: [usize; N],
    limit: Option<usize>,
) -> [Option<usize>; N] {
    let mut widths = natural.map(Some);
    let Some(limit) = limit else { return widths };
    let soft = columns.map(|column| column.soft.map(|least| least.max(LEAST)));
    loop {
        let least = widths.iter().zip(&soft).map(|(width, soft)| match soft {
            Some(soft) => width.map(|width| width.min(*soft)),
            None => *width,
        });
        if taken(least) <= limit {
            break;
        }
        let ranked = columns.iter().zip(widths.iter_mut());
        let least_wanted = ranked
            .filter(|(column, width)| column.rank.is_some() && width.is_some())
            .min_by_key(|(column, _)| column.rank);
        match least_wanted {
            Some((_, width)) => *width = None,
            None => break,
        }
    }
    shrink(&mut widths, limit, &soft);
    shrink(&mut widths, limit, &[Some(LEAST); N]);
    widths
}

/// The cells of a line with these columns.
fn taken(widths: impl Iterator<Item = Option<usize>>) -> usize {
    let (columns, cells) = widths
        .flatten()
        .fold((0_usize, 0), |(n, sum), width| (n + 1, sum + width));
    cells + GAP.len() * columns.saturating_sub(1)
}

/// Takes cells from the widest column that may give some, until all fit or none may.
fn shrink(widths: &mut [Option<usize>], limit: usize, least: &[Option<usize>]) {
    let mut total = taken(widths.iter().copied());
    while total > limit {
        let widest = widths
            .iter_mut()
            .zip(least)
            .filter_map(|(width, least)| Some((width.as_mut()?, (*least)?)))
            .filter(|(width, least)| **width > *least)
            .max_by_key(|(width, _)| **width);
        let Some((width, _)) = widest else { return };
        *width -= 1;
        total -= 1;
    }
}

#[cfg(test)]
mod tests;

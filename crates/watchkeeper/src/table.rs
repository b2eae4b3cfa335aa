//! Columns for people: aligned, cut to the width there is, coloured where that is wanted.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use watchkeeper_core::money::Usd;

use crate::out::Screen;

/// Between two columns.
const GAP: &str = "  ";
/// Stands where text was cut.
const CUT: char = '…';
/// No column is cut below this, whatever the terminal.
const LEAST: usize = 3;

/// On which side a column's text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
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
}

impl Column {
    /// Text, kept whole as long as other columns can be cut.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Left,
            soft: None,
        }
    }

    /// Text that is cut first, down to `least` cells.
    pub(crate) const fn soft(title: &'static str, least: usize) -> Self {
        Self {
            title,
            align: Align::Left,
            soft: Some(least),
        }
    }

    /// A number.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Right,
            soft: None,
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
        let widths = self.widths(screen.width);
        let head = self
            .columns
            .map(|column| Cell::tinted(column.title, Tint::Bold));
        let mut out = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            self.line(row, &widths, screen.colours, &mut out);
        }
        out
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| c.title.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if let Some(limit) = limit {
            let room = limit.saturating_sub(GAP.len() * N.saturating_sub(1));
            let soft = self.columns.map(|c| c.soft.map(|least| least.max(LEAST)));
            shrink(&mut widths, room, &soft);
            shrink(&mut widths, room, &[Some(LEAST); N]);
        }
        widths
    }

    fn line(&self, row: &[Cell; N], widths: &[usize], colours: bool, out: &mut String) {
        // Fill behind the last text of a line would only wrap it.
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        let fields = self.columns.iter().zip(row).zip(widths).enumerate();
        for (at, ((column, cell), width)) in fields {
            if last.is_none_or(|last| at > last) {
                break;
            }
            let text = cut(&cell.text, *width);
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

/// Takes cells from the widest column that may give some, until all fit or none may.
fn shrink(widths: &mut [usize], room: usize, least: &[Option<usize>]) {
    let mut total: usize = widths.iter().sum();
    while total > room {
        let widest = widths
            .iter_mut()
            .zip(least)
            .filter(|(width, least)| least.is_some_and(|least| **width > least))
            .max_by_key(|(width, _)| **width);
        let Some((width, _)) = widest else { return };
        *width -= 1;
        total -= 1;
    }
}

/// The text, or as much of it as fits into `width` cells with a mark where it was cut.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let cells = c.width().unwrap_or(0);
        // One cell is the mark's.
        if used + cells >= width {
            break;
        }
        used += cells;
        out.push(c);
    }
    if width > 0 {
        out.push(CUT);
    }
    Cow::Owned(out)
}

/// The text without what could move the cursor, change colours or turn the reading direction: names and errors come
/// from elsewhere.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(harmful, " "))
}

/// A span in the largest unit that says enough.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0);
    if whole < 9.95 {
        format!("{whole:.1} s")
    } else if whole < 120.0 {
        format!("{whole:.0} s")
    } else if whole < 7_200.0 {
        format!("{:.0} min", whole / 60.0)
    } else if whole < 48.0 * 3_600.0 {
        format!("{:.0} h", whole / 3_600.0)
    } else {
        format!("{:.0} d", whole / 86_400.0)
    }
}

/// A probe's duration.
pub(crate) fn latency(millis: u64) -> String {
    if millis < 1_000 {
        format!("{millis} ms")
    } else {
        // Beyond 2^32 ms nothing is a latency any more.
        span(f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1e3)
    }
}

/// An amount of money: cents where it is some, else two digits that say something.
pub(crate) fn dollars(amount: Usd) -> String {
    let amount = amount.as_dollars();
    if amount == 0.0 {
        return "$0".to_owned();
    }
    if amount < 1e-8 {
        return "<$0.00000001".to_owned();
    }
    let mut decimals = 2;
    let mut least = 0.1;
    while amount < least && decimals < 9 {
        decimals += 1;
        least /= 10.0;
    }
    let mut text = format!("${amount:.decimals$}");
    while decimals > 2 && text.ends_with('0') {
        text.pop();
        decimals -= 1;
    }
    text
}

/// `1 check`, `2 checks`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: Option<usize>, colours: bool) -> Screen {
        Screen {
            width,
            height: None,
            colours,
            terminal: colours,
        }
    }

    fn table() -> Table<3> {
        let mut table = Table::new([
            Column::text("NAME"),
            Column::number("LATENCY"),
            Column::soft("ERROR", 8),
        ]);
        table.row(["gpt-4".into(), "12 ms".into(), "".into()]);
        table.row([
            "größe-模型".into(),
            "1.5 s".into(),
            "no answer within the time limit".into(),
        ]);
        table
    }

    #[test]
    fn columns_line_up_by_what_a_terminal_shows_and_lines_have_no_tail() {
        let want = "NAME        LATENCY  ERROR\n\
                    gpt-4         12 ms\n\
                    größe-模型    1.5 s  no answer within the time limit\n";
        assert_eq!(table().render(&screen(None, false)), want);
        assert_eq!(table().render(&screen(Some(80), false)), want);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let want = "NAME        LATENCY  ERROR\n\
                    gpt-4         12 ms\n\
                    größe-模型    1.5 s  no answ…\n";
        assert_eq!(table().render(&screen(Some(29), false)), want);
        for width in 13..60 {
            let text = table().render(&screen(Some(width), false));
            for line in text.lines() {
                assert!(line.width() <= width, "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn colours_wrap_the_text_and_do_not_move_the_columns() {
        let mut table = Table::new([Column::text("A"), Column::text("B")]);
        table.row([Cell::tinted("up", Tint::Good), "x".into()]);
        assert_eq!(
            table.render(&screen(None, true)),
            "\u{1b}[1mA\u{1b}[0m   \u{1b}[1mB\u{1b}[0m\n\u{1b}[32mup\u{1b}[0m  x\n"
        );
        assert_eq!(table.render(&screen(None, false)), "A   B\nup  x\n");
    }

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        let mut table = Table::new([Column::text("ERROR")]);
        table.row(["\u{1b}[2Jgone\r\nnext\u{202e}line\u{9b}".into()]);
        assert_eq!(
            table.render(&screen(None, false)),
            "ERROR\n [2Jgone  next line \n"
        );
        assert_eq!(Tint::Bad.paint("a\u{7}b", false), "a b");
    }

    #[test]
    fn a_cut_never_splits_a_wide_character() {
        assert_eq!(cut("模型", 4), "模型");
        assert_eq!(cut("模型", 3), "模…");
        assert_eq!(cut("模型", 2), "…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn amounts_have_as_many_digits_as_say_something() {
        let picos = [
            0,
            1,
            20_000,
            1_960_000,
            400_000_000,
            412_345_678,
            50_000_000_000,
            420_000_000_000,
            1_234_567_000_000,
        ];
        let said = picos.map(|picos| dollars(Usd::from_picos(picos)));
        assert_eq!(
            said,
            [
                "$0",
                "<$0.00000001",
                "$0.00000002",
                "$0.000002",
                "$0.0004",
                "$0.00041",
                "$0.05",
                "$0.42",
                "$1.23"
            ]
        );
    }

    #[test]
    fn spans_are_said_in_the_unit_that_fits() {
        let said = [0.04, 9.9, 42.0, 150.0, 10_800.0, 400_000.0].map(span);
        assert_eq!(said, ["0.0 s", "9.9 s", "42 s", "2 min", "3 h", "5 d"]);
        assert_eq!(
            [999, 1_000, 61_000].map(latency),
            ["999 ms", "1.0 s", "61 s"]
        );
    }
}

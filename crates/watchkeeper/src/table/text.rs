//! Text for a terminal: cut by what it shows, and harmless.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands where text was cut.
const CUT: char = '…';

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

/// The text, or its beginning and its end with a mark between them: what tells names of pods and models apart stands as
/// often at their end.
pub(crate) fn cut_middle(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    // One cell is the mark's, and the end gets what is over.
    let room = width.saturating_sub(1);
    let first = fitting(text.chars(), room / 2);
    let last = fitting(text.chars().rev(), room - room / 2);
    let mut out: String = text.chars().take(first).collect();
    if width > 0 {
        out.push(CUT);
    }
    out.extend(text.chars().skip(text.chars().count() - last));
    Cow::Owned(out)
}

/// How many of the characters fit into so many cells.
fn fitting(chars: impl Iterator<Item = char>, cells: usize) -> usize {
    chars
        .scan(0, |used, c| {
            *used += c.width().unwrap_or(0);
            (*used <= cells).then_some(())
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_wide_character() {
        assert_eq!(cut("模型", 4), "模型");
        assert_eq!(cut("模型", 3), "模…");
        assert_eq!(cut("模型", 2), "…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_name_keeps_both_its_ends_and_no_more_than_its_cells() {
        assert_eq!(cut_middle("watchkeeper-7d9f-1a2b", 9), "watc…1a2b");
        assert_eq!(cut_middle("watchkeeper-7d9f-1a2b", 8), "wat…1a2b");
        assert_eq!(cut_middle("short", 5), "short");
        assert_eq!(cut_middle("模型模型", 6), "模…型");
        for width in 0..9 {
            assert!(cut_middle("größe-模型-模型", width).width() <= width);
        }
    }
}

//! JSON as Python's `json.dumps` writes it: a space after commas and colons, ASCII only.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        w: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for c in text.chars() {
            if matches!(c, ' '..='~') {
                w.write_all(&[u8::try_from(c).unwrap_or(b'?')])?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(w, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        w: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Quote => w.write_all(b"\\\""),
            CharEscape::ReverseSolidus => w.write_all(b"\\\\"),
            CharEscape::Solidus => w.write_all(b"/"),
            CharEscape::Backspace => w.write_all(b"\\b"),
            CharEscape::FormFeed => w.write_all(b"\\f"),
            CharEscape::LineFeed => w.write_all(b"\\n"),
            CharEscape::CarriageReturn => w.write_all(b"\\r"),
            CharEscape::Tab => w.write_all(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(w, "\\u{byte:04x}"),
        }
    }
}

/// The value's text; `None` where it cannot be said in JSON.
pub(super) fn dumps(value: &impl Serialize) -> Option<String> {
    let mut out = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut out, Python))
        .ok()?;
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // The right-hand side was printed by Python's `json.dumps`.
    #[test]
    fn text_is_what_python_prints() {
        let value = json!({"a": [1, 2.5, null, true], "é\u{1f600}": "\"\\\n\t\u{1}\u{7f}/", "o": {}, "l": []});
        assert_eq!(
            dumps(&value).unwrap(),
            "{\"a\": [1, 2.5, null, true], \"\\u00e9\\ud83d\\ude00\": \"\\\"\\\\\\n\\t\\u0001\\u007f/\", \"o\": {}, \"l\": []}"
        );
    }
}

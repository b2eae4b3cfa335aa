//! A TOML file as figment's values, with the line of each key.

use std::collections::HashMap;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use figment::value::{Dict, Tag, Value};

use crate::error::ConfigError;

/// A file that has been read.
#[derive(Clone)]
pub(crate) struct TomlFile {
    /// As shown in messages.
    pub(crate) name: String,
    /// Its values.
    pub(crate) dict: Dict,
    /// The line of each key, by dotted key; elements of a list count from 0.
    pub(crate) lines: HashMap<String, usize>,
}

/// Characters from the beginning of the line of a byte to it, counted from 1.
fn column(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or(bytes);
    let begin = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let row = String::from_utf8_lossy(before.get(begin..).unwrap_or_default());
    row.chars().count() + 1
}

/// Reads a file's text.
pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<TomlFile, ConfigError> {
    let index = LineIndex::new(bytes);
    let syntax = |at: usize, why: String| ConfigError::Syntax {
        file: name.to_owned(),
        line: index.line(at),
        column: column(bytes, at),
        why,
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| syntax(error.valid_up_to(), "the text is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        syntax(at, error.message().replace('\n', ", "))
    })?;
    let mut walk = Walk {
        index: LineIndex::new(text.as_bytes()),
        lines: HashMap::new(),
    };
    let dict = walk
        .table(table.get_ref(), "")
        .map_err(|(at, why)| syntax(at, why))?;
    Ok(TomlFile {
        name: name.to_owned(),
        dict,
        lines: walk.lines,
    })
}

/// Reads one value, as it stands behind an equals sign.
pub(crate) fn value(text: &str) -> Result<Value, String> {
    let value = DeValue::parse(text).map_err(|error| error.message().replace('\n', ", "))?;
    let mut walk = Walk {
        index: LineIndex::new(text.as_bytes()),
        lines: HashMap::new(),
    };
    walk.value(&value, "").map_err(|(_, why)| why)
}

/// Where each line ends, so that a file of many keys is not read again for each.
struct LineIndex(Vec<usize>);

impl LineIndex {
    fn new(bytes: &[u8]) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// The line of a byte, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

struct Walk {
    index: LineIndex,
    lines: HashMap<String, usize>,
}

impl Walk {
    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Result<Dict, (usize, String)> {
        let mut dict = Dict::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            let line = self.index.line(key.span().start);
            self.lines.insert(path.clone(), line);
            dict.insert(name.to_owned(), self.value(value, &path)?);
        }
        Ok(dict)
    }

    fn value(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        path: &str,
    ) -> Result<Value, (usize, String)> {
        let at = value.span().start;
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(flag) => Value::from(*flag),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Value::from)
                .map_err(|_| (at, "the number is too large".to_owned()))?,
            DeValue::Float(number) => number
                .as_str()
                .parse::<f64>()
                .map(Value::from)
                .map_err(|_| (at, "this is no number".to_owned()))?,
            DeValue::Datetime(time) => Value::from(time.to_string()),
            DeValue::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}.{index}");
                    let line = self.index.line(item.span().start);
                    self.lines.insert(path.clone(), line);
                    list.push(self.value(item, &path)?);
                }
                Value::Array(Tag::Default, list)
            }
            DeValue::Table(table) => Value::Dict(Tag::Default, self.table(table, path)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_key_has_its_line() {
        let file = parse(
            "f",
            b"a = 1\n[t]\nb = [\n 1,\n 2]\n[[c]]\nd = 1\n[[c]]\nd = 2\n",
        )
        .unwrap();
        for (key, line) in [
            ("a", 1),
            ("t", 2),
            ("t.b", 3),
            ("t.b.1", 5),
            ("c.1", 8),
            ("c.1.d", 9),
        ] {
            assert_eq!(file.lines.get(key), Some(&line), "{key}: {:?}", file.lines);
        }
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_line() {
        for (text, line) in [
            (&b"a = 1\nb = = 2\n"[..], 2),
            (b"a = 1\n[t\n", 2),
            (b"a = 1\na = 2\n", 2),
            (b"a = 1\nb = \xff\n", 2),
            (b"a = 99999999999999999999\n", 1),
        ] {
            match parse("f", text) {
                Err(ConfigError::Syntax {
                    line: got, file, ..
                }) => {
                    assert_eq!((got, file.as_str()), (line, "f"), "{text:?}");
                }
                other => panic!("{text:?}: {:?}", other.map(|file| file.dict)),
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse("f", &bytes);
        }

        #[test]
        fn no_text_of_toml_signs_makes_it_panic(text in "[a0.=\\[\\]{}\"'#,\n +_:eT-]{0,80}") {
            let _ = parse("f", text.as_bytes());
            let _ = value(&text);
        }
    }
}

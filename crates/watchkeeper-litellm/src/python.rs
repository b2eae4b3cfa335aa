//! Values as Python prints them: LiteLLM's deployment ids are digests of such text.

use serde_json::{Map, Number, Value};

use crate::yaml::{NodeInner, Yaml};

/// `str(value)`.
pub(crate) fn str_of(node: &NodeInner) -> String {
    match &node.value {
        Yaml::Str(text) | Yaml::Time(text) => text.clone(),
        _ => repr(node),
    }
}

/// `repr(value)`.
fn repr(node: &NodeInner) -> String {
    match &node.value {
        Yaml::Null => "None".into(),
        Yaml::Bool(true) => "True".into(),
        Yaml::Bool(false) => "False".into(),
        Yaml::Int(text) => text.clone(),
        Yaml::Float(f) => float(*f),
        Yaml::Str(text) => quoted(text),
        Yaml::Time(text) => time_repr(text),
        Yaml::Seq(items) => {
            let items: Vec<String> = items.iter().map(|item| repr(item)).collect();
            format!("[{}]", items.join(", "))
        }
        Yaml::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(k, v)| format!("{}: {}", repr(k), repr(v)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// `json.dumps(value)`.
pub(crate) fn json_dumps(node: &NodeInner) -> String {
    match &node.value {
        Yaml::Null => "null".into(),
        Yaml::Bool(b) => b.to_string(),
        Yaml::Int(text) => text.clone(),
        Yaml::Float(f) if f.is_nan() => "NaN".into(),
        Yaml::Float(f) if f.is_infinite() => if *f > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        Yaml::Float(f) => float(*f),
        Yaml::Str(text) => json_string(text),
        // JSON has no dates, and LiteLLM puts the type's name in their place.
        Yaml::Time(text) if text.contains(' ') => "\"datetime.datetime\"".into(),
        Yaml::Time(_) => "\"datetime.date\"".into(),
        Yaml::Seq(items) => {
            let items: Vec<String> = items.iter().map(|item| json_dumps(item)).collect();
            format!("[{}]", items.join(", "))
        }
        Yaml::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(k, v)| {
                    let key = match &k.value {
                        Yaml::Str(text) => json_string(text),
                        _ => format!("\"{}\"", json_dumps(k)),
                    };
                    format!("{key}: {}", json_dumps(v))
                })
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// As JSON, for whoever builds the request. What JSON cannot say becomes a string.
pub(crate) fn to_json(node: &NodeInner) -> Value {
    match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => Value::Bool(*b),
        Yaml::Int(text) => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<u64>().map(Value::from))
            .unwrap_or_else(|_| Value::from(text.as_str())),
        Yaml::Float(f) => Number::from_f64(*f).map_or_else(|| Value::from(float(*f)), Value::from),
        Yaml::Str(text) | Yaml::Time(text) => Value::from(text.as_str()),
        Yaml::Seq(items) => Value::Array(items.iter().map(|item| to_json(item)).collect()),
        Yaml::Map(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                map.insert(str_of(key), to_json(value));
            }
            Value::Object(map)
        }
    }
}

/// The shortest text that reads back as the same number; an exponent below 1e-4 and from 1e16 on.
fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{f:e}");
    let (mantissa, exponent) = scientific
        .split_once('e')
        .unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return format!("{f:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if printable(c) => out.push(c),
            c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push(quote);
    out
}

/// Python's `isprintable`. Rust's own table leaves out the same categories, but is reached only by printing; a letter
/// in front keeps it from escaping combining marks.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~') || format!("a{c}").as_str().escape_debug().eq(['a', c])
}

fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// `2024-06-01` is `datetime.date(2024, 6, 1)`; times follow the same way, zones but UTC excepted.
fn time_repr(text: &str) -> String {
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts: Vec<&str> = date.split('-').collect();
    let Some(time) = time else {
        return format!("datetime.date({})", plain_numbers(&parts));
    };
    let (clock, utc) = match time.strip_suffix("+00:00") {
        Some(clock) => (clock, ", tzinfo=datetime.timezone.utc"),
        None => (time, ""),
    };
    parts.extend(clock.split([':', '.']));
    // Python leaves out trailing zero seconds and microseconds, but never the minutes.
    while parts.len() > 5 && parts.last().is_some_and(|p| p.bytes().all(|b| b == b'0')) {
        parts.pop();
    }
    format!("datetime.datetime({}{utc})", plain_numbers(&parts))
}

fn plain_numbers(parts: &[&str]) -> String {
    let numbers: Vec<&str> = parts
        .iter()
        .map(|part| match part.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        })
        .collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    fn node(text: &str) -> crate::yaml::Node {
        load(text.as_bytes()).unwrap().root
    }

    // The right-hand sides were printed by Python 3.
    #[test]
    fn str_prints_what_python_prints() {
        for (yaml, python) in [
            (
                "[a, 'it''s', \"q\\\"\", 'both '' and \"']",
                r#"['a', "it's", 'q"', 'both \' and "']"#,
            ),
            (
                "[yes, ~, 1, -0.0, 30.5, 1.0e+16, 123456789012345680.0]",
                "[True, None, 1, -0.0, 30.5, 1e+16, 1.2345678901234568e+17]",
            ),
            (
                "[1.0e-4, 1.0e-5, 1.0e+15, .inf, .nan]",
                "[0.0001, 1e-05, 1000000000000000.0, inf, nan]",
            ),
            (
                "[\"a\\nb\\t\\\\\", \"\\x01\\x7f\\xa0é\\u200b\\U0001f600\\u0301\"]",
                "['a\\nb\\t\\\\', '\\x01\\x7f\\xa0é\\u200b😀\u{301}']",
            ),
            ("[{a: 1, b: [x]}]", "[{'a': 1, 'b': ['x']}]"),
            ("[2024-06-01]", "[datetime.date(2024, 6, 1)]"),
            (
                "[2024-06-01 10:00:00]",
                "[datetime.datetime(2024, 6, 1, 10, 0)]",
            ),
            ("2024-06-01", "2024-06-01"),
            ("[]", "[]"),
        ] {
            assert_eq!(str_of(&node(yaml)), python, "{yaml}");
        }
    }

    #[test]
    fn json_dumps_prints_what_python_prints() {
        for (yaml, python) in [
            ("{x-team: a, n: 1}", r#"{"x-team": "a", "n": 1}"#),
            (
                "{a: [true, ~, 1.5], 2: b, yes: c, ~: d}",
                r#"{"a": [true, null, 1.5], "2": "b", "true": "c", "null": "d"}"#,
            ),
            (
                "{e: \"é\\U0001f600\\\"\\\\\\n\\x7f\"}",
                "{\"e\": \"\\u00e9\\ud83d\\ude00\\\"\\\\\\n\\u007f\"}",
            ),
            (
                "{d: 2024-06-01, t: 2024-06-01 10:00:00}",
                r#"{"d": "datetime.date", "t": "datetime.datetime"}"#,
            ),
            (
                "{i: .inf, n: .nan, e: {}, l: []}",
                r#"{"i": Infinity, "n": NaN, "e": {}, "l": []}"#,
            ),
        ] {
            assert_eq!(json_dumps(&node(yaml)), python, "{yaml}");
        }
    }
}

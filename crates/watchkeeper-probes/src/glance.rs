//! The cheap look at an answer: nearly all are healthy, and to know that no tree of values has to be built.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Whether `body` is surely what the API promises: a JSON object without an `error`, whose `list` begins with an object
/// that has none either. `false` means no more than that a closer look is needed. Of what is passed over only the form
/// counts: numbers out of range and lone surrogates elsewhere in an answer do not make an endpoint ill.
pub(crate) fn is_surely_healthy(body: &[u8], list: &str) -> bool {
    // what is passed over is not checked for UTF-8 otherwise
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    serde_json::from_str::<Answer>(text).is_ok_and(|answer| {
        let first = match list {
            "choices" => answer.choices,
            "data" => answer.data,
            _ => None,
        };
        answer.error.is_none() && first.is_some_and(|first| first.is_good)
    })
}

/// Fields given twice are an error, and so a case for the closer look.
#[derive(Deserialize)]
struct Answer {
    error: Option<IgnoredAny>,
    choices: Option<First>,
    data: Option<First>,
}

/// What a list begins with.
struct First {
    is_good: bool,
}

/// An item that is an object without an `error`.
struct Item {
    is_good: bool,
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = First;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First, A::Error> {
                let first = items.next_element::<Item>()?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First {
                    is_good: first.is_some_and(|item| item.is_good),
                })
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Item;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Item, A::Error> {
                let mut is_good = true;
                while let Some(name) = fields.next_key::<Name>()? {
                    if name.is_error {
                        is_good &= fields.next_value::<Option<IgnoredAny>>()?.is_none();
                    } else {
                        fields.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Item { is_good })
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A field's name, as far as it matters.
struct Name {
    is_error: bool,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name {
                    is_error: name == "error",
                })
            }
        }
        deserializer.deserialize_identifier(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beyond_doubt_is_healthy_at_a_glance() {
        for (body, want) in [
            (&br#"{"choices":[{"index":0}]}"#[..], true),
            (
                br#"{"id":"x","choices":[{"message":{"error":1}},7],"error":null}"#,
                true,
            ),
            (br#"{"choices":[{"error":null}]}"#, true),
            (br#"{"choices":[{"error":"no"}]}"#, false),
            (br#"{"choices":[{"index":0}],"error":{}}"#, false),
            (br#"{"choices":[{"index":0}],"error":false}"#, false),
            (br#"{"choices":[]}"#, false),
            (br#"{"choices":[null,{}]}"#, false),
            (br#"{"choices":{"0":{}}}"#, false),
            (br#"{"choices":[{}],"choices":[{"error":1}]}"#, false),
            (br#"{"data":[{}]}"#, false),
            (br#"[{"choices":[{}]}]"#, false),
            (br#"{"choices":[{"index":0}]"#, false),
            (br#"{"choices":[{"index":0}]} x"#, false),
            (b"{\"a\":\"\xff\",\"choices\":[{}]}", false),
            (b"", false),
        ] {
            let text = String::from_utf8_lossy(body);
            assert_eq!(is_surely_healthy(body, "choices"), want, "{text}");
        }
        assert!(is_surely_healthy(br#"{"data":[{}]}"#, "data"));
    }
}

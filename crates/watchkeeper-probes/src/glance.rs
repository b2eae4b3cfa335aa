//! The cheap look at an answer: nearly all are healthy, and to know that no tree of values has to be built.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use watchkeeper_core::money::Usage;

use crate::classify::Finding;
use crate::promise::{Fields, Kind};

/// Where OpenAI tells the tokens used.
pub(crate) const OPENAI_USAGE: (&str, &str) = ("usage.prompt_tokens", "usage.completion_tokens");

/// The finding of a `body` that is surely what was promised: a JSON object without an `error`, whose list begins with an
/// object that has none either. `None` means no more than that a closer look is needed. Of what is passed over only the
/// form counts: numbers out of range and lone surrogates elsewhere in an answer do not make an endpoint ill.
pub(crate) fn healthy(body: &[u8], fields: &Fields) -> Option<Finding> {
    let [(list, Kind::Filled)] = fields.any_of else {
        return None;
    };
    if fields.usage.is_some_and(|paths| paths != OPENAI_USAGE)
        || fields.model.is_some_and(|path| path != "model")
    {
        return None;
    }
    // what is passed over is not checked for UTF-8 otherwise
    let text = std::str::from_utf8(body).ok()?;
    let answer: Answer<'_> = serde_json::from_str(text).ok()?;
    let first = match *list {
        "choices" => answer.choices,
        "data" => answer.data,
        _ => None,
    };
    let good = answer.error.is_none() && first.is_some_and(|first| first.is_good);
    good.then(|| Finding {
        usage: answer.usage.and_then(Used::usage),
        model: answer.model.map(Cow::into_owned),
        ..Finding::healthy()
    })
}

/// Fields given twice are an error, and so a case for the closer look.
#[derive(Deserialize)]
struct Answer<'a> {
    error: Option<IgnoredAny>,
    choices: Option<First>,
    data: Option<First>,
    usage: Option<Used>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

/// OpenAI's names for the tokens used. Whatever else stands in their place is a case for the closer look.
#[derive(Deserialize)]
struct Used {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl Used {
    fn usage(self) -> Option<Usage> {
        let some = self.prompt_tokens.is_some() || self.completion_tokens.is_some();
        some.then(|| Usage {
            input: self.prompt_tokens.unwrap_or(0),
            output: self.completion_tokens.unwrap_or(0),
        })
    }
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

    const CHOICES: Fields = Fields {
        any_of: &[("choices", Kind::Filled)],
        model: None,
        usage: None,
    };

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
            assert_eq!(healthy(body, &CHOICES).is_some(), want, "{text}");
        }
        let data = Fields {
            any_of: &[("data", Kind::Filled)],
            ..CHOICES
        };
        assert!(healthy(br#"{"data":[{}]}"#, &data).is_some());
    }

    #[test]
    fn model_and_use_are_told_at_a_glance() {
        let body = br#"{"model":"m","choices":[{}],"usage":{"prompt_tokens":9,"completion_tokens":2,"x":{}}}"#;
        let finding = healthy(body, &CHOICES).unwrap();
        assert_eq!(finding.model.as_deref(), Some("m"));
        assert_eq!(
            finding.usage,
            Some(Usage {
                input: 9,
                output: 2
            })
        );
    }
}

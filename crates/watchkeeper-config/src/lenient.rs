//! Values that may be spelt in more than one way. Variables and flags are always text; a TOML file has types.
//!
//! An error completes a sentence that begins with the key, and repeats no value of a key that may be secret.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::units;

/// A string.
#[derive(Clone, Debug)]
pub(crate) struct Text(pub(crate) String);

/// A string that may have been written as a whole number, as passwords of digits are. Prints as stars.
#[derive(Clone)]
pub(crate) struct Opaque(pub(crate) String);

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// True or false, in words too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag(pub(crate) bool);

/// A whole number, zero or more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole(pub(crate) u64);

/// A number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub(crate) f64);

/// A duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

/// Strings; as one text they are parted by commas. Prints as stars.
#[derive(Clone)]
pub(crate) struct List(pub(crate) Vec<String>);

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A table of anything. Prints as stars.
#[derive(Clone)]
pub(crate) struct Table(pub(crate) Map<String, Value>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

macro_rules! lenient {
    ($name:ident, $expecting:literal, { $($visit:item)* }) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct V;
                impl<'de> Visitor<'de> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    $($visit)*
                }
                deserializer.deserialize_any(V)
            }
        }
    };
}

lenient!(Text, "a string", {
    fn visit_str<E: Error>(self, v: &str) -> Result<Text, E> {
        Ok(Text(v.to_owned()))
    }
});

lenient!(Opaque, "a string", {
    fn visit_str<E: Error>(self, v: &str) -> Result<Opaque, E> {
        Ok(Opaque(v.to_owned()))
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<Opaque, E> {
        Ok(Opaque(v.to_string()))
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<Opaque, E> {
        Ok(Opaque(v.to_string()))
    }
});

lenient!(Flag, "true or false", {
    fn visit_bool<E: Error>(self, v: bool) -> Result<Flag, E> {
        Ok(Flag(v))
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Flag, E> {
        match v.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Flag(true)),
            "false" | "no" | "off" | "0" => Ok(Flag(false)),
            _ => Err(E::custom(format!("must be true or false, not `{v}`"))),
        }
    }
});

lenient!(Whole, "a whole number", {
    fn visit_u64<E: Error>(self, v: u64) -> Result<Whole, E> {
        Ok(Whole(v))
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<Whole, E> {
        u64::try_from(v)
            .map(Whole)
            .map_err(|_| E::custom(format!("must be a whole number of 0 or more, not `{v}`")))
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Whole, E> {
        v.trim()
            .parse()
            .map(Whole)
            .map_err(|_| E::custom(format!("must be a whole number of 0 or more, not `{v}`")))
    }
});

lenient!(Share, "a number", {
    fn visit_f64<E: Error>(self, v: f64) -> Result<Share, E> {
        Ok(Share(v))
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<Share, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<Share, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Share, E> {
        v.trim()
            .parse()
            .map(Share)
            .map_err(|_| E::custom(format!("must be a number, not `{v}`")))
    }
});

lenient!(Span, "a duration such as `5m`, or seconds", {
    fn visit_f64<E: Error>(self, v: f64) -> Result<Span, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<Span, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<Span, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Span, E> {
        units::duration(v)
            .map(Span)
            .map_err(|why| E::custom(format!("is not usable: {why}")))
    }
});

lenient!(List, "a list of strings", {
    fn visit_str<E: Error>(self, v: &str) -> Result<List, E> {
        let items = v.split(',').map(str::trim).filter(|item| !item.is_empty());
        Ok(List(items.map(str::to_owned).collect()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
        let mut items = Vec::new();
        while let Some(Opaque(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(List(items))
    }
});

//! Query strings, read as FastAPI reads them: the last of a repeated name counts, unknown names are ignored, and what
//! is no UTF-8 is replaced.

use std::borrow::Cow;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::reply;

/// A request's query string.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a>(pub(crate) &'a str);

/// Values that could not be taken, in the shape of FastAPI's `detail`.
#[derive(Debug, Default)]
pub(crate) struct Invalid(Vec<Value>);

impl<'a> Query<'a> {
    /// The value of `name`.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        url::form_urlencoded::parse(self.0.as_bytes())
            .filter_map(|(key, value)| (key == name).then_some(value))
            .last()
    }

    /// The value of `name`, unless it is empty: LiteLLM takes an empty name as none.
    pub(crate) fn text(self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The whole number under `name`, or `default`; what is none, or lies out of bounds, is noted in `invalid`.
    pub(crate) fn number(
        self,
        name: &str,
        default: u64,
        bounds: (u64, u64),
        invalid: &mut Invalid,
    ) -> u64 {
        let Some(text) = self.get(name) else {
            return default;
        };
        let (least, most) = bounds;
        match text.trim().parse::<i64>() {
            Ok(number) => match u64::try_from(number) {
                Ok(number) if number < least => invalid.bound(name, &text, "greater", "ge", least),
                Err(_) => invalid.bound(name, &text, "greater", "ge", least),
                Ok(number) if number > most => invalid.bound(name, &text, "less", "le", most),
                Ok(number) => return number,
            },
            Err(_) => invalid.note(
                name,
                &text,
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
                None,
            ),
        }
        default
    }
}

/// Longest value repeated in an answer.
const MAX_REPEATED_CHARS: usize = 100;

impl Invalid {
    fn bound(&mut self, name: &str, input: &str, word: &str, key: &str, bound: u64) {
        self.note(
            name,
            input,
            &format!("{word}_than_equal"),
            &format!("Input should be {word} than or equal to {bound}"),
            Some(json!({ key: bound })),
        );
    }

    fn note(&mut self, name: &str, input: &str, kind: &str, message: &str, context: Option<Value>) {
        let input: String = input.chars().take(MAX_REPEATED_CHARS).collect();
        let mut item =
            json!({"type": kind, "loc": ["query", name], "msg": message, "input": input});
        if let (Some(context), Some(item)) = (context, item.as_object_mut()) {
            item.insert("ctx".to_owned(), context);
        }
        self.0.push(item);
    }

    /// Goes on if nothing was noted.
    pub(crate) fn check(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        reply::detail(StatusCode::UNPROCESSABLE_ENTITY, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_repeated_name_counts_and_an_empty_one_is_none() {
        let query = Query("model=a&model=b%2Fc+d&model_id=&x=%ff");
        assert_eq!(query.text("model").as_deref(), Some("b/c d"));
        assert_eq!(query.text("model_id"), None);
        assert_eq!(query.text("x").as_deref(), Some("\u{fffd}"));
        assert_eq!(query.text("nope"), None);
    }

    #[test]
    fn what_is_no_number_within_bounds_is_named() {
        for (text, kind, context) in [
            ("limit=abc", "int_parsing", None),
            ("limit=", "int_parsing", None),
            ("limit=1e3", "int_parsing", None),
            ("limit=99999999999999999999", "int_parsing", None),
            ("limit=0", "greater_than_equal", Some(json!({"ge": 1}))),
            ("limit=-1", "greater_than_equal", Some(json!({"ge": 1}))),
            ("limit=1001", "less_than_equal", Some(json!({"le": 1000}))),
        ] {
            let mut invalid = Invalid::default();
            Query(text).number("limit", 100, (1, 1000), &mut invalid);
            let item = invalid
                .0
                .first()
                .unwrap_or_else(|| panic!("{text} was taken"));
            assert_eq!(item["type"], kind, "{text}");
            assert_eq!(item.get("ctx"), context.as_ref(), "{text}");
            assert_eq!(item["loc"], json!(["query", "limit"]));
        }
        for (text, number) in [
            ("", 100),
            ("limit=1", 1),
            ("limit=+7", 7),
            ("limit=%201000", 1000),
        ] {
            let mut invalid = Invalid::default();
            assert_eq!(
                Query(text).number("limit", 100, (1, 1000), &mut invalid),
                number
            );
            assert!(invalid.check().is_ok(), "{text}");
        }
    }
}

//! The keys as a JSON Schema, for editors.

use serde_json::{Map, Value, json};

use super::rows::ROWS;
use super::{Row, Shape};

/// Any text may be a reference instead of a value.
const REFERENCE: &str = "^(env:|os\\.environ/|file:)";
/// A duration: numbers with units, or plain seconds.
const SPAN: &str = "^\\s*([0-9.]+|([0-9]+\\s*[A-Za-z]+\\s*)+)\\s*$";

/// The configuration file's JSON Schema (2020-12), as text.
#[must_use]
pub fn schema() -> String {
    let mut root = table();
    for row in ROWS {
        put(&mut root, row.path, leaf(row));
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watchkeeper.toml",
        "description": "The configuration of Watchkeeper.",
    });
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), root) {
        schema.extend(root);
    }
    one_target(&mut schema);
    format!("{schema:#}\n")
}

/// A table whose keys are known.
fn table() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

/// Puts a leaf where its path says, with the tables above it.
fn put(table: &mut Value, path: &str, leaf: Value) {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let slot = if name == "*" {
        table
            .as_object_mut()
            .map(|table| table.entry("additionalProperties").or_insert(Value::Null))
    } else {
        let properties = table.get_mut("properties").and_then(Value::as_object_mut);
        let name = name.trim_end_matches("[]");
        properties.map(|table| table.entry(name).or_insert(Value::Null))
    };
    let Some(slot) = slot else {
        return;
    };
    let Some(rest) = rest else {
        *slot = leaf;
        return;
    };
    if name.ends_with("[]") {
        if !slot.is_object() {
            *slot = json!({"type": "array", "items": self::table()});
        }
        if let Some(items) = slot.get_mut("items") {
            put(items, rest, leaf);
        }
        return;
    }
    if !slot.is_object() {
        *slot = self::table();
    }
    put(slot, rest, leaf);
}

/// A check has a name and one thing to ask.
fn one_target(schema: &mut Value) {
    let items = schema.pointer_mut("/properties/checks/items");
    if let Some(check) = items.and_then(Value::as_object_mut) {
        let one = ["model", "http", "tcp"].map(|key| json!({"required": [key]}));
        check.insert("required".into(), json!(["name"]));
        check.insert("oneOf".into(), json!(one));
    }
}

fn leaf(row: &Row) -> Value {
    let mut leaf = Map::new();
    leaf.insert("description".into(), row.help.into());
    if let Some(default) = row.default() {
        leaf.insert("default".into(), default_of(row.shape, default));
    }
    let reference = || json!({"type": "string", "pattern": REFERENCE});
    let shape = match row.shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Opaque => json!({"type": ["string", "integer"]}),
        Shape::Word(words) => json!({"anyOf": [{"enum": words}, reference()]}),
        Shape::Span => json!({"anyOf": [
            {"type": "string", "pattern": SPAN, "examples": ["5m", "1h30m", "500ms"]},
            {"type": "number", "minimum": 0, "description": "Seconds."},
            reference(),
        ]}),
        Shape::Whole(least, most) => json!({"anyOf": [
            {"type": "integer", "minimum": least, "maximum": most},
            {"type": "string", "pattern": "^\\s*[0-9]+\\s*$"},
            reference(),
        ]}),
        Shape::Share(most) => {
            let mut number = json!({"type": "number", "minimum": 0});
            if let (Some(number), Some(most)) = (number.as_object_mut(), most) {
                number.insert("maximum".into(), number_of(most));
            }
            json!({"anyOf": [number, {"type": "string", "pattern": "^\\s*[0-9.eE+-]+\\s*$"}, reference()]})
        }
        Shape::Flag => json!({"anyOf": [
            {"type": "boolean"},
            {"enum": ["true", "false", "yes", "no", "on", "off", "1", "0"]},
            reference(),
        ]}),
        Shape::Texts => json!({"anyOf": [
            {"type": "array", "items": {"type": ["string", "integer"]}},
            {"type": "string", "description": "With commas, or a reference."},
        ]}),
        Shape::Words(words) => json!({"anyOf": [
            {"type": "array", "items": {"enum": words}, "uniqueItems": true},
            {"type": "string", "description": "With commas, or a reference."},
        ]}),
        Shape::NamedTexts => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "integer"]}})
        }
        Shape::Anything => json!({"type": "object"}),
    };
    if let Value::Object(shape) = shape {
        leaf.extend(shape);
    }
    Value::Object(leaf)
}

/// A default as a file would have it.
fn default_of(shape: Shape, text: &str) -> Value {
    match shape {
        Shape::Flag => (text == "true").into(),
        Shape::Whole(..) | Shape::Share(_) => number_of(text),
        _ => text.into(),
    }
}

fn number_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

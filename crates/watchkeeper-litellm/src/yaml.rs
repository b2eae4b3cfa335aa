//! YAML 1.1 as PyYAML's safe loader reads it, since that is what LiteLLM reads its files with.
//!
//! A parser of today reads YAML 1.2, where `no` is a string. So only the events are taken from the parser, with their
//! style and place; what a plain scalar means is decided in [`scalar`], what a document is in [`load`].

mod hints;
mod load;
mod scalar;

use std::rc::Rc;

pub(crate) use hints::{MANIFEST_HINT, quoted_template};
pub use load::MAX_FILE_BYTES;
pub(crate) use load::load;

/// A value and where it stands. Shared, so that an alias costs nothing.
pub(crate) type Node = Rc<NodeInner>;

/// What stands behind a [`Node`].
#[derive(Debug)]
pub(crate) struct NodeInner {
    /// The value.
    pub(crate) value: Yaml,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Nodes below and here once aliases are written out.
    weight: u64,
    /// Levels below and here.
    depth: usize,
}

/// The values that PyYAML knows.
#[derive(Debug)]
pub(crate) enum Yaml {
    Null,
    Bool(bool),
    /// An integer of any size, in canonical decimal.
    Int(String),
    Float(f64),
    Str(String),
    /// A date or a time, as Python's `str()` prints it.
    Time(String),
    Seq(Vec<Node>),
    /// In the order in which a Python dict keeps it: first place, last value.
    Map(Vec<(Node, Node)>),
}

impl NodeInner {
    pub(crate) fn new(value: Yaml, line: usize) -> Node {
        let (weight, depth) = match &value {
            Yaml::Seq(items) => measure(items.iter()),
            Yaml::Map(pairs) => measure(pairs.iter().flat_map(|(k, v)| [k, v])),
            _ => (1, 1),
        };
        Rc::new(Self {
            value,
            line,
            weight,
            depth,
        })
    }

    /// The value of a key, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()
            .iter()
            .find(|(k, _)| k.as_str() == Some(key))
            .map(|(_, v)| v)
    }

    /// The same, but a null counts as absent.
    pub(crate) fn get_set(&self, key: &str) -> Option<&Node> {
        self.get(key).filter(|node| !node.is_null())
    }

    pub(crate) fn pairs(&self) -> &[(Node, Node)] {
        match &self.value {
            Yaml::Map(pairs) => pairs,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Yaml::Seq(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Yaml::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Yaml::Null)
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Yaml::Map(_))
    }

    /// The type, as a person would say it.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Yaml::Null => "null",
            Yaml::Bool(_) => "a boolean",
            Yaml::Int(_) | Yaml::Float(_) => "a number",
            Yaml::Str(_) => "a string",
            Yaml::Time(_) => "a date",
            Yaml::Seq(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// Python's truth of it.
    pub(crate) fn truthy(&self) -> bool {
        match &self.value {
            Yaml::Null => false,
            Yaml::Bool(b) => *b,
            Yaml::Int(text) => text != "0",
            Yaml::Float(f) => *f != 0.0,
            Yaml::Str(text) | Yaml::Time(text) => !text.is_empty(),
            Yaml::Seq(items) => !items.is_empty(),
            Yaml::Map(pairs) => !pairs.is_empty(),
        }
    }
}

fn measure<'a>(children: impl Iterator<Item = &'a Node>) -> (u64, usize) {
    let mut weight = 1_u64;
    let mut depth = 0;
    for child in children {
        weight = weight.saturating_add(child.weight);
        depth = depth.max(child.depth);
    }
    (weight, depth + 1)
}

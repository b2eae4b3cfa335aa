//! From parser events to one document, with anchors, aliases, merge keys and PyYAML's refusals.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Node, NodeInner, Yaml, hints, scalar};

/// Largest file read. LiteLLM files of large fleets have some 100 KiB.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting, aliases written out; LiteLLM itself stops looking for references at 100.
pub(crate) const MAX_DEPTH: usize = 100;
/// Most values in a document once aliases are written out. A file of the largest size has fewer without any.
pub(crate) const MAX_NODES: u64 = 1_000_000;
/// The prefix of the standard's own tags.
const STANDARD_TAG: &str = "tag:yaml.org,2002:";

/// Why a text is no usable YAML document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    /// Where.
    pub(crate) at: At,
    /// Why.
    pub(crate) why: String,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1; also 1 where no more than the line is known.
    pub(crate) column: usize,
}

impl At {
    /// The beginning of a line.
    pub(super) const fn line(line: usize) -> Self {
        Self { line, column: 1 }
    }

    /// The place of a byte.
    pub(super) fn byte(bytes: &[u8], at: usize) -> Self {
        let before = bytes.get(..at).unwrap_or_default();
        let begin = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let row = String::from_utf8_lossy(before.get(begin..).unwrap_or_default());
        Self {
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            column: row.chars().count() + 1,
        }
    }

    /// The parser counts columns from 0.
    fn marker(marker: &granit_parser::Marker) -> Self {
        Self {
            line: marker.line().max(1),
            column: marker.col() + 1,
        }
    }
}

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    /// The value at its top; never null.
    pub(crate) root: Node,
    /// Keys that stand twice in one mapping: the line of the later one, and the key.
    pub(crate) duplicates: Vec<(usize, String)>,
}

/// Reads one document.
pub(crate) fn load(bytes: &[u8]) -> Result<Document, YamlError> {
    let text = check_text(bytes)?;
    parse(text).map_err(|error| hints::explain(text, error))
}

fn parse(text: &str) -> Result<Document, YamlError> {
    let mut options = granit_parser::options! {
        block_nesting_limit: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        block_scalar_eof_without_line_feed: true,
    };
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| YamlError {
            at: At::marker(error.marker()),
            why: error.info(),
        })?;
        builder.event(event, At::marker(&span.start))?;
    }
    let root = builder
        .root
        .filter(|root| !root.is_null())
        .ok_or_else(|| YamlError {
            at: At::line(1),
            why: "the document is empty".into(),
        })?;
    Ok(Document {
        root,
        duplicates: builder.duplicates,
    })
}

fn check_text(bytes: &[u8]) -> Result<&str, YamlError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(YamlError {
            at: At::line(1),
            why: format!(
                "the file has {} bytes, more than the {MAX_FILE_BYTES} that are read",
                bytes.len()
            ),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| YamlError {
        at: At::byte(bytes, error.valid_up_to()),
        why: "the text is not UTF-8".into(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let special = |c: &(usize, char)| !matches!(c.1, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    match text.char_indices().find(special) {
        Some((at, c)) => Err(YamlError {
            at: At::byte(text.as_bytes(), at),
            why: format!("special characters are not allowed: `{}`", c.escape_debug()),
        }),
        None => Ok(text),
    }
}

#[derive(Default)]
struct Builder {
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    documents: usize,
    root: Option<Node>,
    duplicates: Vec<(usize, String)>,
}

struct Frame {
    at: At,
    anchor: usize,
    open: Open,
}

enum Open {
    Seq(Vec<Node>),
    Map {
        /// Values of `<<` keys, in file order.
        merges: Vec<Node>,
        pairs: Vec<(Node, Node)>,
        key: Option<Key>,
    },
}

enum Key {
    Merge,
    Plain(Node),
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: At) -> Result<(), YamlError> {
        let fail = |why: String| Err(YamlError { at, why });
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return fail("one document was expected, but another one begins".into());
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                // A plain scalar keeps its meaning only as the value it is: a quoted `<<` is a key like any other.
                if plain && tag.is_none() && text == "<<" && self.awaits_key() {
                    return self.put_key(Key::Merge, at);
                }
                let value = match tag_of(tag.as_deref()) {
                    Meaning::None if plain && text == "=" && self.awaits_key() => {
                        Ok(Yaml::Str(text.into_owned()))
                    }
                    Meaning::None if plain => scalar::resolve(&text),
                    Meaning::None => Ok(Yaml::Str(text.into_owned())),
                    Meaning::Resolved => scalar::resolve(&text),
                    Meaning::Standard("str") => Ok(Yaml::Str(text.into_owned())),
                    Meaning::Standard("null") => Ok(Yaml::Null),
                    Meaning::Standard("bool") => scalar::tagged_bool(&text),
                    Meaning::Standard("int") => scalar::tagged_int(&text),
                    Meaning::Standard("float") => scalar::tagged_float(&text),
                    Meaning::Standard(other) => Err(unknown_tag(&format!("!!{other}"))),
                    Meaning::Other(tag) => Err(unknown_tag(&tag)),
                };
                match value {
                    Ok(value) => self.finish(NodeInner::new(value, at.line), anchor, at),
                    Err(why) => fail(why),
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                match tag_of(tag.as_deref()) {
                    Meaning::None | Meaning::Resolved | Meaning::Standard("seq") => {}
                    Meaning::Standard(other) => return fail(unknown_tag(&format!("!!{other}"))),
                    Meaning::Other(tag) => return fail(unknown_tag(&tag)),
                }
                self.open(at, anchor, Open::Seq(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                match tag_of(tag.as_deref()) {
                    Meaning::None | Meaning::Resolved | Meaning::Standard("map") => {}
                    Meaning::Standard(other) => return fail(unknown_tag(&format!("!!{other}"))),
                    Meaning::Other(tag) => return fail(unknown_tag(&tag)),
                }
                let open = Open::Map {
                    merges: Vec::new(),
                    pairs: Vec::new(),
                    key: None,
                };
                self.open(at, anchor, open)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some(node) => self.finish(node, 0, at),
                None => fail("an alias stands inside the value that it names".into()),
            },
            _ => Ok(()),
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                open: Open::Map { key: None, .. },
                ..
            })
        )
    }

    fn put_key(&mut self, new: Key, at: At) -> Result<(), YamlError> {
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            Some(Open::Map { key, .. }) => {
                *key = Some(new);
                Ok(())
            }
            _ => Err(YamlError {
                at,
                why: "a key stands outside of a mapping".into(),
            }),
        }
    }

    fn open(&mut self, at: At, anchor: usize, open: Open) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        if self.awaits_key() {
            return Err(YamlError {
                at,
                why: "a list or mapping cannot be a key".into(),
            });
        }
        self.stack.push(Frame { at, anchor, open });
        Ok(())
    }

    fn close(&mut self, at: At) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else {
            return Err(YamlError {
                at,
                why: "a list or mapping ends that never began".into(),
            });
        };
        let value = match frame.open {
            Open::Seq(items) => Yaml::Seq(items),
            Open::Map { merges, pairs, .. } => self.mapping(merges, pairs)?,
        };
        self.finish(NodeInner::new(value, frame.at.line), frame.anchor, frame.at)
    }

    /// Merged keys come first and lose against the mapping's own; a key keeps its first place and gets its last value.
    fn mapping(&mut self, merges: Vec<Node>, own: Vec<(Node, Node)>) -> Result<Yaml, YamlError> {
        let mut seen = HashSet::new();
        for (key, _) in &own {
            let name = key_name(key);
            if !seen.insert(name.clone()) {
                self.duplicates.push((key.line, name));
            }
        }
        let mut all = Vec::new();
        for merge in merges {
            match &merge.value {
                Yaml::Map(pairs) => all.extend(pairs.iter().cloned()),
                // The first of a list wins, so it comes last.
                Yaml::Seq(items) => {
                    for item in items.iter().rev() {
                        match &item.value {
                            Yaml::Map(pairs) => all.extend(pairs.iter().cloned()),
                            _ => return Err(bad_merge(item)),
                        }
                    }
                }
                _ => return Err(bad_merge(&merge)),
            }
            if all.len() as u64 > MAX_NODES {
                return Err(too_many(At::line(merge.line)));
            }
        }
        all.extend(own);
        let mut places: HashMap<String, usize> = HashMap::with_capacity(all.len());
        let mut pairs: Vec<(Node, Node)> = Vec::with_capacity(all.len());
        for (key, value) in all {
            match places
                .get(&key_name(&key))
                .and_then(|at| pairs.get_mut(*at))
            {
                Some(pair) => pair.1 = value,
                None => {
                    places.insert(key_name(&key), pairs.len());
                    pairs.push((key, value));
                }
            }
        }
        Ok(Yaml::Map(pairs))
    }

    /// A complete value goes to where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, at: At) -> Result<(), YamlError> {
        if node.weight > MAX_NODES {
            return Err(too_many(at));
        }
        if node.depth + self.stack.len() > MAX_DEPTH {
            return Err(too_deep(at));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::Seq(items)) => items.push(node),
            Some(Open::Map { merges, pairs, key }) => match key.take() {
                None if matches!(node.value, Yaml::Seq(_) | Yaml::Map(_)) => {
                    return Err(YamlError {
                        at,
                        why: "a list or mapping cannot be a key".into(),
                    });
                }
                None => *key = Some(Key::Plain(node)),
                Some(Key::Merge) => merges.push(node),
                Some(Key::Plain(name)) => pairs.push((name, node)),
            },
        }
        Ok(())
    }
}

fn too_many(at: At) -> YamlError {
    YamlError {
        at,
        why: format!("with its aliases written out the document has over {MAX_NODES} values"),
    }
}

fn too_deep(at: At) -> YamlError {
    YamlError {
        at,
        why: format!("more than {MAX_DEPTH} levels of nesting"),
    }
}

fn bad_merge(node: &Node) -> YamlError {
    YamlError {
        at: At::line(node.line),
        why: format!(
            "`<<` wants a mapping or a list of mappings, not {}",
            node.kind()
        ),
    }
}

/// The tag is not repeated: a value that was to be in quotes may begin like one, and be a secret.
fn unknown_tag(tag: &str) -> String {
    let kind = if tag.starts_with("!!python/") {
        "`!!python/…` tag"
    } else {
        "tag"
    };
    format!(
        "could not determine a constructor for the {kind} here: a value that begins with `!` has to be in quotes"
    )
}

/// Tells keys apart as a Python dict does: the string `1` is another key than the number, which is the same as `true`.
fn key_name(key: &Node) -> String {
    match &key.value {
        Yaml::Str(text) => text.clone(),
        Yaml::Null => "(null)".into(),
        Yaml::Bool(b) => format!("({})", u8::from(*b)),
        Yaml::Int(text) | Yaml::Time(text) => format!("({text})"),
        Yaml::Float(f) => format!("({f})"),
        Yaml::Seq(_) | Yaml::Map(_) => "(collection)".into(),
    }
}

enum Meaning<'a> {
    None,
    /// `!` alone: as if it were plain.
    Resolved,
    Standard(&'a str),
    Other(String),
}

fn tag_of(tag: Option<&Tag>) -> Meaning<'_> {
    let Some(tag) = tag else {
        return Meaning::None;
    };
    if let Some(name) = tag.core_suffix() {
        return Meaning::Standard(name);
    }
    let whole = format!("{}{}", tag.handle(), tag.suffix());
    if whole == "!" {
        return Meaning::Resolved;
    }
    match whole.strip_prefix(STANDARD_TAG) {
        Some(name) => Meaning::Other(format!("!!{name}")),
        None => Meaning::Other(whole),
    }
}

#[cfg(test)]
mod tests;

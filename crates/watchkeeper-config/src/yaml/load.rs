//! From parser events to one document, with anchors, aliases, merge keys and PyYAML's refusals.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Node, NodeInner, Yaml, scalar};

/// Largest file read. LiteLLM files of large fleets have some 100 KiB.
pub(crate) const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting, aliases written out; LiteLLM itself stops looking for references at 100.
pub(crate) const MAX_DEPTH: usize = 100;
/// Most values in a document once aliases are written out. A file of the largest size has fewer without any.
pub(crate) const MAX_NODES: u64 = 1_000_000;
/// The prefix of the standard's own tags.
const STANDARD_TAG: &str = "tag:yaml.org,2002:";

/// Why a text is no usable YAML document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Why.
    pub(crate) why: String,
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
    let mut options = granit_parser::options! {
        block_nesting_limit: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        block_scalar_eof_without_line_feed: true,
    };
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| YamlError {
            line: error.marker().line().max(1),
            why: error.info(),
        })?;
        builder.event(event, span.start.line().max(1))?;
    }
    let root = builder
        .root
        .filter(|root| !root.is_null())
        .ok_or_else(|| YamlError {
            line: 1,
            why: "the document is empty".into(),
        })?;
    Ok(Document {
        root,
        duplicates: builder.duplicates,
    })
}

fn check_text(bytes: &[u8]) -> Result<&str, YamlError> {
    let line_of = |at: usize| {
        let before = bytes.get(..at).unwrap_or_default();
        before.iter().filter(|b| **b == b'\n').count() + 1
    };
    if bytes.len() > MAX_FILE_BYTES {
        return Err(YamlError {
            line: 1,
            why: format!(
                "the file has {} bytes, more than the {MAX_FILE_BYTES} that are read",
                bytes.len()
            ),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| YamlError {
        line: line_of(error.valid_up_to()),
        why: "the text is not UTF-8".into(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let special = |c: &(usize, char)| !matches!(c.1, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    match text.char_indices().find(special) {
        Some((at, c)) => Err(YamlError {
            line: line_of(at),
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
    line: usize,
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
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlError> {
        let fail = |why: String| Err(YamlError { line, why });
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
                    return self.put_key(Key::Merge, line);
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
                    Ok(value) => self.finish(NodeInner::new(value, line), anchor, line),
                    Err(why) => fail(why),
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                match tag_of(tag.as_deref()) {
                    Meaning::None | Meaning::Resolved | Meaning::Standard("seq") => {}
                    Meaning::Standard(other) => return fail(unknown_tag(&format!("!!{other}"))),
                    Meaning::Other(tag) => return fail(unknown_tag(&tag)),
                }
                self.open(line, anchor, Open::Seq(Vec::new()))
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
                self.open(line, anchor, open)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(line),
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some(node) => self.finish(node, 0, line),
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

    fn put_key(&mut self, new: Key, line: usize) -> Result<(), YamlError> {
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            Some(Open::Map { key, .. }) => {
                *key = Some(new);
                Ok(())
            }
            _ => Err(YamlError {
                line,
                why: "a key stands outside of a mapping".into(),
            }),
        }
    }

    fn open(&mut self, line: usize, anchor: usize, open: Open) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(line));
        }
        if self.awaits_key() {
            return Err(YamlError {
                line,
                why: "a list or mapping cannot be a key".into(),
            });
        }
        self.stack.push(Frame { line, anchor, open });
        Ok(())
    }

    fn close(&mut self, line: usize) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else {
            return Err(YamlError {
                line,
                why: "a list or mapping ends that never began".into(),
            });
        };
        let value = match frame.open {
            Open::Seq(items) => Yaml::Seq(items),
            Open::Map { merges, pairs, .. } => self.mapping(merges, pairs)?,
        };
        self.finish(NodeInner::new(value, frame.line), frame.anchor, frame.line)
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
                return Err(too_many(merge.line));
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
    fn finish(&mut self, node: Node, anchor: usize, line: usize) -> Result<(), YamlError> {
        if node.weight > MAX_NODES {
            return Err(too_many(line));
        }
        if node.depth + self.stack.len() > MAX_DEPTH {
            return Err(too_deep(line));
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
                        line,
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

fn too_many(line: usize) -> YamlError {
    YamlError {
        line,
        why: format!("with its aliases written out the document has over {MAX_NODES} values"),
    }
}

fn too_deep(line: usize) -> YamlError {
    YamlError {
        line,
        why: format!("more than {MAX_DEPTH} levels of nesting"),
    }
}

fn bad_merge(node: &Node) -> YamlError {
    YamlError {
        line: node.line,
        why: format!(
            "`<<` wants a mapping or a list of mappings, not {}",
            node.kind()
        ),
    }
}

fn unknown_tag(tag: &str) -> String {
    format!("could not determine a constructor for the tag `{tag}`")
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(node: &Node) -> String {
        match &node.value {
            Yaml::Null => "~".into(),
            Yaml::Bool(b) => b.to_string(),
            Yaml::Int(t) | Yaml::Time(t) => t.clone(),
            Yaml::Float(f) => format!("{f:?}"),
            Yaml::Str(t) => format!("{t:?}"),
            Yaml::Seq(items) => {
                let items: Vec<_> = items.iter().map(shape).collect();
                format!("[{}]", items.join(" "))
            }
            Yaml::Map(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(k, v)| format!("{}:{}", shape(k), shape(v)))
                    .collect();
                format!("{{{}}}", pairs.join(" "))
            }
        }
    }

    fn read(text: &str) -> String {
        shape(&load(text.as_bytes()).unwrap().root)
    }

    fn error(text: &str) -> (usize, String) {
        let error = load(text.as_bytes()).unwrap_err();
        (error.line, error.why)
    }

    #[test]
    fn quotes_make_a_string_of_anything() {
        assert_eq!(
            read("[no, 'no', \"no\", 12, '12', ~, '~', !!str no, !!str 12, ! 12, ! '12']"),
            r#"[false "no" "no" 12 "12" ~ "~" "no" "12" 12 12]"#
        );
        assert_eq!(
            read("a: |\n  no\nb: >-\n  1\nc:\n"),
            "{\"a\":\"no\\n\" \"b\":\"1\" \"c\":~}"
        );
        assert_eq!(
            read("a: !!int '3'\nb: !!float 3\nc: !!bool 'YES'\nd: !!null x\n"),
            r#"{"a":3 "b":3.0 "c":true "d":~}"#
        );
    }

    #[test]
    fn keys_are_resolved_like_values_and_stay_apart_from_strings() {
        assert_eq!(
            read("{yes: 1, 'yes': 2, 1: a, '1': b}"),
            r#"{true:"a" "yes":2 "1":"b"}"#
        );
    }

    // Order and values as PyYAML 6.0.3 gives them.
    #[test]
    fn merged_keys_come_first_and_lose_against_own_ones() {
        assert_eq!(
            read("base: &b {x: 1, y: 2}\nm: {z: 0, <<: *b, y: 3}\n"),
            r#"{"base":{"x":1 "y":2} "m":{"x":1 "y":3 "z":0}}"#
        );
        assert_eq!(
            read("a: &a {k: 1, p: 1}\nb: &b {k: 2, q: 2}\nm: {<<: [*a, *b]}\n"),
            r#"{"a":{"k":1 "p":1} "b":{"k":2 "q":2} "m":{"k":1 "q":2 "p":1}}"#
        );
        assert_eq!(read("m: {'<<': {x: 1}}"), r#"{"m":{"<<":{"x":1}}}"#);
        assert!(error("m: {<<: 1}").1.contains("`<<` wants a mapping"));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_at_the_place_of_the_first() {
        let document = load(b"a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(shape(&document.root), r#"{"a":3 "b":2}"#);
        assert_eq!(document.duplicates, [(3, "a".to_owned())]);
        // A merged key that is set again is no duplicate.
        assert!(
            load(b"m: {<<: {a: 1}, a: 2}")
                .unwrap()
                .duplicates
                .is_empty()
        );
    }

    #[test]
    fn what_pyyaml_refuses_is_refused_with_the_line() {
        for (text, line, why) in [
            ("", 1, "empty"),
            ("# only a comment\n", 1, "empty"),
            ("~\n", 1, "empty"),
            ("a: 1\n---\nb: 2\n", 2, "another one begins"),
            ("a: 1\nb: !GetAtt x\n", 2, "`!GetAtt`"),
            ("a: 1\nb: !GetAtt [x]\n", 2, "`!GetAtt`"),
            (
                "a: 1\nb: !!python/object:os.system {}\n",
                2,
                "!!python/object",
            ),
            ("a: *nope\n", 1, "unknown anchor"),
            ("a: &a\n  b: *a\n", 2, "inside the value"),
            ("a:\n  - 1\n  [2]: x\n", 3, ""),
            ("{[1]: x}", 1, "cannot be a key"),
            ("a: 1\n\tb: 2\n", 1, "tab"),
            ("a: \u{1}\n", 1, "special characters"),
            ("a: =\n", 1, "quotes"),
            ("a: b: c\n", 1, ""),
        ] {
            let (got_line, got) = error(text);
            assert_eq!(got_line, line, "{text:?}: {got}");
            assert!(got.contains(why), "{text:?}: {got}");
        }
        assert!(load(b"a: \xff").is_err());
    }

    #[test]
    fn depth_and_aliases_are_bounded() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        assert!(load(deep.as_bytes()).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let names = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{names}]\n"));
        }
        assert!(error(&bomb).1.contains("aliases"), "{:?}", error(&bomb));
        assert!(load(&vec![b'a'; MAX_FILE_BYTES + 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = load(&bytes);
        }

        #[test]
        fn no_text_of_yaml_signs_makes_it_panic(text in "[-a0:?{}\\[\\],&*!<|>'\"%@=~.\n \t#_+e]{0,80}") {
            let _ = load(text.as_bytes());
        }
    }
}

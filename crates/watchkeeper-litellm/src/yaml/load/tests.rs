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
    (error.at.line, error.why)
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
        ("a: 1\nb: !GetAtt x\n", 2, "constructor for the tag"),
        ("a: 1\nb: !GetAtt [x]\n", 2, "constructor for the tag"),
        ("a: 1\nb: !!python/object:os.system {}\n", 2, "!!python/"),
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

#[test]
fn a_secret_that_begins_like_a_tag_is_not_repeated() {
    for text in [
        "k: !hunter2",
        "k: !!hunter2",
        "k: !hunterpass",
        "k: !!python/hunterpass x",
    ] {
        let (_, why) = error(text);
        assert!(!why.contains("hunter"), "{why}");
    }
}

//! What answers come to, by what was promised.

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
        end: End::Whole,
        headers_after: std::time::Duration::ZERO,
    }
}

const CHOICES: Promise = Promise::Json(Fields {
    any_of: &[("choices", Kind::Filled)],
    model: Some("model"),
    usage: Some(("usage.in", "usage.out")),
});

#[test]
fn a_list_is_healthy_only_when_it_holds_an_object_and_no_error() {
    for (body, want) in [
        (r#"{"choices":[{"index":0}]}"#, None),
        (r#"{"error":null,"choices":[{"index":0}]}"#, None),
        (r#"{"choices":[]}"#, Some(500)),
        (r#"{"choices":[null]}"#, Some(500)),
        (r#"{"choices":{}}"#, Some(500)),
        (r#"{"data":[{}]}"#, Some(500)),
        ("[]", Some(500)),
        ("null", Some(500)),
        ("{}", Some(500)),
        ("", Some(500)),
        ("<html></html>", Some(500)),
        ("data: {\"choices\":[{}]}\n\n", Some(500)),
        (r#"{"error":{"message":"no"}}"#, Some(422)),
        (r#"{"error":"no","choices":[{"index":0}]}"#, Some(422)),
        (r#"{"choices":[{"error":{"code":502}}]}"#, Some(422)),
    ] {
        assert_eq!(
            judge(&answer(200, body), &CHOICES, 422).status,
            want,
            "{body:?}"
        );
    }
}

#[test]
fn an_answer_tells_its_model_and_what_it_used() {
    let body = r#"{"model":"m-1","choices":[{}],"usage":{"in":9,"out":16}}"#;
    let finding = judge(&answer(200, body), &CHOICES, 500);
    assert_eq!(finding.model.as_deref(), Some("m-1"));
    let used = Usage {
        input: 9,
        output: 16,
    };
    assert_eq!(finding.usage, Some(used));
}

#[test]
fn a_list_too_long_to_be_read_is_a_list_unless_a_model_is_sought_in_it() {
    let list = |wanted: Option<&str>| {
        Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted: wanted.map(str::to_owned),
        })
    };
    let mut long = answer(200, r#"{"data":[{"id":"a"},"#);
    long.end = End::TooLong(1024);
    assert_eq!(judge(&long, &list(None), 500).status, Some(500));
    let json = "application/json; charset=utf-8".parse().unwrap();
    long.headers.insert(reqwest::header::CONTENT_TYPE, json);
    assert_eq!(judge(&long, &list(None), 500).status, None);
    assert_eq!(judge(&long, &list(Some("a")), 500).status, Some(500));
    assert_eq!(judge(&long, &CHOICES, 500).status, Some(500));
    long.status = 401;
    assert_eq!(judge(&long, &list(None), 500).status, Some(401));
}

#[test]
fn tokens_are_told_by_headers_where_the_body_does_not_tell_them() {
    let mut told = answer(200, r#"{"choices":[{}]}"#);
    for (name, count) in [("input", "7"), ("output", "16")] {
        let name = format!("x-amzn-bedrock-{name}-token-count");
        let name = reqwest::header::HeaderName::try_from(name).unwrap();
        told.headers.insert(name, count.parse().unwrap());
    }
    let used = |input, output| Some(Usage { input, output });
    assert_eq!(judge(&told, &CHOICES, 500).usage, used(7, 16));
    told.body = r#"{"choices":[{}],"usage":{"in":9,"out":1}}"#.into();
    assert_eq!(judge(&told, &CHOICES, 500).usage, used(9, 1));
    told.status = 500;
    assert_eq!(judge(&told, &CHOICES, 500).usage, None);
}

#[test]
fn a_status_is_healthy_only_when_it_is_the_one() {
    let promise = Promise::Json(Fields {
        any_of: &[("s", Kind::Exactly("UP")), ("s", Kind::Exactly("BUSY"))],
        model: None,
        usage: None,
    });
    for (status, want) in [("UP", None), ("BUSY", None), ("DOWN", Some(500))] {
        let body = format!(r#"{{"s":"{status}"}}"#);
        let finding = judge(&answer(200, &body), &promise, 500);
        assert_eq!(finding.status, want, "{status}");
        if want.is_some() {
            let text = finding.error.unwrap();
            assert_eq!(text, "answered 200 without `s`: `UP` or `s`: `BUSY`");
        }
    }
}

#[test]
fn numbers_of_tokens_are_added_up_where_the_promise_says_so() {
    let promise = Promise::Json(Fields {
        any_of: &[("choices", Kind::Filled)],
        model: None,
        usage: Some(("u.in", "u.out+u.thought")),
    });
    for (used, want) in [
        (r#"{"in":3,"out":2,"thought":14}"#, Some((3, 16))),
        (r#"{"in":3,"thought":14}"#, Some((3, 14))),
        (r#"{"in":3}"#, Some((3, 0))),
        (r#"{}"#, None),
    ] {
        let body = format!(r#"{{"choices":[{{}}],"u":{used}}}"#);
        let usage = judge(&answer(200, &body), &promise, 500).usage;
        assert_eq!(usage.map(|u| (u.input, u.output)), want, "{used}");
    }
}

#[test]
fn an_answer_that_a_filter_stopped_is_none_and_is_paid_for_all_the_same() {
    let body = r#"{"model":"m-1","choices":[{}],"stop_reason":"refusal","usage":{"in":9,"out":1}}"#;
    let finding = judge(&answer(200, body), &FILTERABLE, 500);
    assert_eq!(finding.outcome, Outcome::ContentFilter);
    assert_eq!(finding.status, Some(400));
    assert_eq!(finding.usage.map(|u| u.output), Some(1));
    assert_eq!(finding.model.as_deref(), Some("m-1"));
}

const FILTERABLE: Promise = Promise::Json(Fields {
    any_of: &[("choices", Kind::List)],
    model: Some("model"),
    usage: Some(("usage.in", "usage.out")),
});

#[test]
fn a_complete_list_tells_what_is_not_there_and_any_other_only_that_it_answers() {
    let models = |wanted: Option<&str>| {
        Promise::Models(Models {
            list: "models",
            names: &["name", "model"],
            wanted: wanted.map(str::to_owned),
        })
    };
    let there = answer(200, r#"{"models":[{"name":"a"},{"model":"b"}]}"#);
    for (wanted, want) in [
        (None, None),
        (Some("a"), None),
        (Some("b"), None),
        (Some("c"), Some(404)),
    ] {
        assert_eq!(
            judge(&there, &models(wanted), 500).status,
            want,
            "{wanted:?}"
        );
    }
    let tagged = answer(200, r#"{"models":[{"name":"a:latest"},{"name":"b:7b"}]}"#);
    for (wanted, want) in [
        ("a", None),
        ("a:latest", None),
        ("b:7b", None),
        ("b", Some(404)),
        ("a:7b", Some(404)),
    ] {
        assert_eq!(
            judge(&tagged, &models(Some(wanted)), 500).status,
            want,
            "{wanted}"
        );
    }
    let bare = answer(200, r#"[{"name":"a"}]"#);
    assert_eq!(judge(&bare, &models(Some("a")), 500).status, None);
    for bad in ["{}", "", "<html>", r#"{"models":{}}"#] {
        assert_eq!(
            judge(&answer(200, bad), &models(None), 500).status,
            Some(500)
        );
    }
}

#[test]
fn data_is_anything_but_a_text_about_it() {
    for (body, want) in [
        ("\u{1}\u{2}ID3", None),
        ("", Some(500)),
        ("<html>", Some(500)),
        (r#"{"audio":1}"#, Some(500)),
        (r#"{"error":"no"}"#, Some(422)),
    ] {
        assert_eq!(
            judge(&answer(200, body), &Promise::Media, 422).status,
            want,
            "{body:?}"
        );
    }
}

#[test]
fn anything_below_500_is_reachable() {
    for (status, want) in [(200, None), (301, None), (404, None), (503, Some(503))] {
        assert_eq!(
            judge(&answer(status, ""), &Promise::Reachable, 500).status,
            want
        );
    }
}

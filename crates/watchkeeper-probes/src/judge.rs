//! Whether an answer is what was promised. What is no 2xx goes to `classify`.

use reqwest::header::HeaderMap;
use serde_json::Value;
use watchkeeper_core::money::Usage;
use watchkeeper_core::verdict::Outcome;

use crate::answer::{Answer, End};
use crate::classify::{Finding, refused};
use crate::complaint::message;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::{filtered, glance};

/// The verdict on an answer; `fault` is the status of a 200 with an error in it.
pub(crate) fn judge(answer: &Answer, promise: &Promise, fault: u16) -> Finding {
    let mut finding = verdict(answer, promise, fault);
    if finding.outcome == Outcome::Healthy && finding.usage.is_none() {
        finding.usage = counted(&answer.headers);
    }
    finding
}

/// The tokens that Bedrock counts in headers, where the body may be in any vendor's words.
fn counted(headers: &HeaderMap) -> Option<Usage> {
    let count = |way: &str| -> Option<u64> {
        let name = format!("x-amzn-bedrock-{way}-token-count");
        headers.get(name)?.to_str().ok()?.parse().ok()
    };
    let (input, output) = (count("input"), count("output"));
    (input.is_some() || output.is_some()).then(|| Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
    })
}

fn verdict(answer: &Answer, promise: &Promise, fault: u16) -> Finding {
    match promise {
        Promise::Reachable if answer.status < 500 => return Finding::healthy(),
        Promise::Below400 if answer.status < 400 => return Finding::healthy(),
        Promise::Handshake { accept } if answer.status == 101 => return shaken(answer, accept),
        _ => {}
    }
    if !answer.is_success() {
        return refused(answer);
    }
    match promise {
        Promise::Success | Promise::Below400 | Promise::Reachable => Finding::healthy(),
        Promise::Handshake { .. } => bad(format!(
            "answered {} in place of the handshake (101)",
            answer.status
        )),
        Promise::Media => whole(answer).unwrap_or_else(|| media(answer, fault)),
        Promise::Json(fields) => whole(answer).unwrap_or_else(|| json(answer, fields, fault)),
        // a list too long to be read is a list all the same, and that is all that is asked of this one
        Promise::Models(Models { wanted: None, .. })
            if matches!(answer.end, End::TooLong(_)) && answer.is_json() =>
        {
            Finding::healthy()
        }
        Promise::Models(models) => whole(answer).unwrap_or_else(|| listed(answer, models, fault)),
    }
}

/// A success that is none. The model may have been at work for it.
fn bad(text: String) -> Finding {
    Finding {
        may_bill: true,
        ..Finding::new(Outcome::BadAnswer, 500, text)
    }
}

/// The verdict on a body that did not come whole.
fn whole(answer: &Answer) -> Option<Finding> {
    match &answer.end {
        End::Late => Some(Finding::timeout()),
        End::TooLong(most) => Some(bad(format!(
            "answered {} with more than {} KiB",
            answer.status,
            most / 1024
        ))),
        End::Broken(why) => Some(bad(format!("the answer broke off ({why})"))),
        End::Whole | End::Unread => answer.is_event_stream().then(|| {
            bad(format!(
                "answered {} with an event stream, which was not asked for",
                answer.status
            ))
        }),
    }
}

fn shaken(answer: &Answer, accept: &str) -> Finding {
    let given = answer.headers.get("sec-websocket-accept");
    if given.is_some_and(|given| given.as_bytes() == accept.as_bytes()) {
        Finding::healthy()
    } else {
        bad("answered 101 without the proof that it speaks WebSocket".into())
    }
}

fn media(answer: &Answer, fault: u16) -> Finding {
    if let Some(json) = answer.json().filter(Value::is_object) {
        return at_fault(answer.status, &json, fault).unwrap_or_else(|| {
            bad(format!(
                "answered {} with JSON, not with data",
                answer.status
            ))
        });
    }
    if answer.is_html() {
        bad(format!(
            "answered {} with HTML, not with data",
            answer.status
        ))
    } else if answer.body.is_empty() {
        bad(format!("answered {} without data", answer.status))
    } else {
        Finding::healthy()
    }
}

/// An error inside a 2xx: routers such as OpenRouter put the failure there.
fn at_fault(status: u16, json: &Value, fault: u16) -> Option<Finding> {
    let has_error = json.get("error").is_some_and(|error| !error.is_null());
    has_error.then(|| {
        let text = message(json).unwrap_or_else(|| "no message".into());
        Finding::new(
            Outcome::BadAnswer,
            fault,
            format!("answered {status} with an error: {text}"),
        )
    })
}

fn parse(answer: &Answer) -> Result<Value, Finding> {
    answer.json().ok_or_else(|| {
        let what = if answer.is_html() { "HTML" } else { "a body" };
        bad(format!(
            "answered {} with {what} that is not JSON",
            answer.status
        ))
    })
}

fn json(answer: &Answer, fields: &Fields, fault: u16) -> Finding {
    if let Some(finding) = glance::healthy(&answer.body, fields) {
        return finding;
    }
    let json = match parse(answer) {
        Ok(json) => json,
        Err(finding) => return finding,
    };
    let first = fields
        .any_of
        .iter()
        .filter(|(_, kind)| *kind == Kind::Filled)
        .find_map(|(path, _)| at(&json, path)?.get(0));
    let faults = [Some(&json), first];
    if let Some(finding) = faults
        .into_iter()
        .flatten()
        .find_map(|value| at_fault(answer.status, value, fault))
    {
        return finding;
    }
    let usage = fields.usage.and_then(|paths| usage(&json, paths));
    let model = fields
        .model
        .and_then(|path| at(&json, path)?.as_str())
        .map(str::to_owned);
    if let Some(reason) = filtered::reason(&json) {
        return Finding {
            usage,
            model,
            may_bill: true,
            ..Finding::new(
                Outcome::ContentFilter,
                400,
                format!("a content filter stopped the answer: {reason}"),
            )
        };
    }
    let kept = fields
        .any_of
        .iter()
        .any(|(path, kind)| at(&json, path).is_some_and(|value| is(value, *kind)));
    if !kept {
        let names: Vec<String> = fields
            .any_of
            .iter()
            .map(|(path, kind)| match kind {
                Kind::Exactly(text) => format!("`{path}`: `{text}`"),
                _ => format!("`{path}`"),
            })
            .collect();
        return bad(format!(
            "answered {} without {}",
            answer.status,
            names.join(" or ")
        ));
    }
    Finding {
        usage,
        model,
        ..Finding::healthy()
    }
}

fn is(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Filled => value.get(0).is_some_and(Value::is_object),
        Kind::List => value.is_array(),
        Kind::Object => value.is_object(),
        Kind::Text => value.is_string(),
        Kind::Exactly(text) => value.as_str() == Some(text),
        Kind::Number => value.is_number(),
    }
}

/// Tokens used: at least one of the numbers has to be there.
fn usage(json: &Value, (input, output): (&str, &str)) -> Option<Usage> {
    let number = |paths: &str| {
        let numbers = paths.split('+').filter_map(|path| at(json, path)?.as_u64());
        numbers.reduce(u64::saturating_add)
    };
    let (input, output) = (number(input), number(output));
    (input.is_some() || output.is_some()).then(|| Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
    })
}

fn listed(answer: &Answer, models: &Models, fault: u16) -> Finding {
    let json = match parse(answer) {
        Ok(json) => json,
        Err(finding) => return finding,
    };
    if let Some(finding) = at_fault(answer.status, &json, fault) {
        return finding;
    }
    // some vendors answer with the bare list
    let list = at(&json, models.list).unwrap_or(&json).as_array();
    let Some(list) = list else {
        return bad(format!(
            "answered {} without `{}`",
            answer.status, models.list
        ));
    };
    let Some(wanted) = &models.wanted else {
        return Finding::healthy();
    };
    let named = list.iter().any(|item| {
        models
            .names
            .iter()
            .filter_map(|name| item.get(name)?.as_str())
            .any(|name| untagged(name) == untagged(wanted))
    });
    if named {
        Finding::healthy()
    } else {
        Finding::new(
            Outcome::NotFound,
            404,
            format!("the list of models does not name `{wanted}`"),
        )
    }
}

/// A model's name without the tag that Ollama takes for granted.
fn untagged(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

/// The value at a path: segments between dots, a number is a place in a list.
pub(crate) fn at<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(json, |value, segment| {
        value
            .get(segment)
            .or_else(|| value.get(segment.parse::<usize>().ok()?))
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

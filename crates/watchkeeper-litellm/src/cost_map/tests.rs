//! A small map, and the real one where there is one.

use proptest::prelude::*;
use watchkeeper_core::money::{Price, Usd};

use super::*;

fn map(text: &str) -> (CostMap, Vec<String>) {
    let mut warnings = Vec::new();
    let map = CostMap::parse("map.json", text.as_bytes(), &mut warnings).unwrap();
    (map, warnings)
}

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap()
}

/// Each model's price tells which entry was found.
fn found(map: &CostMap, model: &str, provider: Option<&str>) -> Option<f64> {
    let price = map.find(model, provider)?.rates.price(None, None)?;
    Some(price.input.as_dollars())
}

#[test]
fn a_model_is_found_under_litellms_names_in_its_order() {
    let entry = |name: &str, provider: &str, dollars: u32| {
        format!(
            r#""{name}": {{"litellm_provider": "{provider}", "input_cost_per_token": {dollars}}}"#
        )
    };
    let (map, warnings) = map(&format!(
        "{{{}}}",
        [
            entry("gpt-4o", "openai", 1),
            entry("azure/gpt-4o", "azure", 2),
            entry("openai/special", "openai", 3),
            entry("special", "openai", 4),
            entry("anthropic.claude-x", "bedrock_converse", 5),
            entry("gemini/flash", "gemini", 6),
            entry("flash", "vertex_ai-language-models", 7),
            entry("ft:gpt-4o", "openai", 8),
            entry("perplexity/perplexity/glm", "perplexity", 9),
            r#""anyones": {"input_cost_per_token": "10"}"#.to_owned(),
        ]
        .join(",")
    ));
    assert!(warnings.is_empty(), "{warnings:?}");
    for (model, provider, price) in [
        ("gpt-4o", Some("openai"), Some(1.0)),
        ("openai/gpt-4o", Some("openai"), Some(1.0)),
        ("GPT-4o", Some("openai"), Some(1.0)),
        ("openai/gpt-4o-2024-08-06", Some("openai"), Some(1.0)),
        ("azure/gpt-4o", Some("azure"), Some(2.0)),
        // Base models come without the prefix.
        ("gpt-4o", Some("azure"), Some(2.0)),
        ("openai/special", Some("openai"), Some(3.0)),
        ("special", Some("openai"), Some(3.0)),
        // Another's price is no price.
        ("groq/gpt-4o", Some("groq"), None),
        ("litellm_proxy/gpt-4o", Some("litellm_proxy"), Some(1.0)),
        ("bedrock/us.anthropic.claude-x", Some("bedrock"), Some(5.0)),
        (
            "bedrock/converse/eu-west-1/anthropic.claude-x",
            Some("bedrock"),
            Some(5.0),
        ),
        ("gemini/flash-001", Some("gemini"), Some(6.0)),
        ("vertex_ai/flash", Some("vertex_ai"), Some(7.0)),
        ("ft:gpt-4o:org::id", Some("openai"), Some(8.0)),
        ("perplexity/glm", Some("perplexity"), Some(9.0)),
        ("perplexity/perplexity/glm", Some("perplexity"), Some(9.0)),
        ("groq/anyones", Some("groq"), Some(10.0)),
        ("gpt-4o", None, Some(1.0)),
        ("nothing", Some("openai"), None),
        ("", None, None),
    ] {
        assert_eq!(
            found(&map, model, provider),
            price,
            "{model} of {provider:?}"
        );
    }
}

#[test]
fn the_base_model_goes_first_and_an_image_is_found_by_its_size() {
    let (map, _) = map(
        r#"{"gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 1},
            "azure/prod": {"litellm_provider": "azure", "input_cost_per_token": 2},
            "azure/standard/1024-x-1024/dall-e-3": {"mode": "image_generation", "input_cost_per_pixel": 1e-7}}"#,
    );
    let price = |model: &str, base: Option<&str>| {
        let entry = map.of(model, base, Some("azure"))?;
        entry.rates.price(entry.mode.as_deref(), None)
    };
    assert_eq!(price("azure/prod", Some("gpt-4o")).unwrap().input, usd(1.0));
    assert_eq!(price("azure/prod", Some("new")).unwrap().input, usd(2.0));
    assert_eq!(price("azure/prod", None).unwrap().input, usd(2.0));
    let image = price("azure/draw", Some("dall-e-3")).unwrap();
    assert_eq!(image.call, usd(0.104_857_6));
}

#[test]
fn the_mode_decides_what_a_call_costs() {
    let call = |dollars: f64| Price {
        call: usd(dollars),
        ..Price::default()
    };
    let tokens = |input: f64, output: f64| Price {
        input: usd(input),
        output: usd(output),
        call: Usd::ZERO,
    };
    for (mode, fields, price) in [
        (
            "chat",
            r#""input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6"#,
            Some(tokens(1e-6, 2e-6)),
        ),
        (
            "chat",
            r#""output_cost_per_token": 2e-6, "output_cost_per_image": 1"#,
            Some(tokens(0.0, 2e-6)),
        ),
        (
            "chat",
            r#""input_cost_per_token": 0"#,
            Some(Price::default()),
        ),
        ("chat", r#""input_cost_per_token": null"#, None),
        (
            "image_generation",
            r#""output_cost_per_image": 0.04, "input_cost_per_token": 1"#,
            Some(call(0.04)),
        ),
        (
            "image_generation",
            r#""output_cost_per_image": 0.04, "input_cost_per_image": 0.03"#,
            Some(call(0.03)),
        ),
        (
            "image_generation",
            r#""input_cost_per_token": 1"#,
            Some(tokens(1.0, 0.0)),
        ),
        (
            "rerank",
            r#""input_cost_per_query": 0.002, "input_cost_per_token": 0"#,
            Some(call(0.002)),
        ),
        (
            "rerank",
            r#""input_cost_per_query": 0, "input_cost_per_token": 5e-8"#,
            Some(tokens(5e-8, 0.0)),
        ),
        (
            "audio_speech",
            r#""input_cost_per_character": 0.001"#,
            Some(call(0.007)),
        ),
        (
            "audio_transcription",
            r#""input_cost_per_second": 0.0001, "output_cost_per_second": 0"#,
            Some(call(0.0001)),
        ),
        (
            "audio_transcription",
            r#""input_cost_per_second": 0.1, "output_cost_per_second": 0.2"#,
            Some(call(0.2)),
        ),
    ] {
        let (map, warnings) = map(&format!(r#"{{"m": {{"mode": "{mode}", {fields}}}}}"#));
        assert!(warnings.is_empty(), "{warnings:?}");
        let entry = map.find("m", None).unwrap();
        assert_eq!(
            entry.rates.price(Some(mode), None),
            price,
            "{mode}: {fields}"
        );
    }
    let (map, _) = map(r#"{"m": {"input_cost_per_character": 0.001}}"#);
    let rates = map.find("m", None).unwrap().rates;
    assert_eq!(
        rates.price(Some("audio_speech"), Some("äö")),
        Some(call(0.002))
    );
}

#[test]
fn a_wrong_entry_is_left_out_by_name_and_the_others_stay() {
    let (map, warnings) = map(
        r#"{"sample_spec": {"mode": 5}, "a": 5, "b": {"mode": 5}, "c": {"input_cost_per_token": "cheap"},
            "d": {"input_cost_per_token": -1}, "e": {"output_cost_per_image": [1]}, "good": {"mode": "chat"}}"#,
    );
    assert_eq!(map.len(), 1);
    assert_eq!(
        map.find("good", None).unwrap().mode.as_deref(),
        Some("chat")
    );
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    for (warning, part) in warnings.iter().zip([
        "`a` is left out",
        "`mode`",
        "`input_cost_per_token`",
        "`d`",
        "`output_cost_per_image`",
    ]) {
        assert!(
            warning.starts_with("map.json: ") && warning.contains(part),
            "{warning}"
        );
        assert!(!warning.contains("cheap"), "{warning}");
    }
}

#[test]
fn many_wrong_entries_are_counted_and_not_all_named() {
    let entries: Vec<_> = (0..50).map(|n| format!(r#""m{n}": 1"#)).collect();
    let (_, warnings) = map(&format!("{{{}}}", entries.join(",")));
    assert_eq!(warnings.len(), MAX_NAMED + 1);
    assert!(warnings[MAX_NAMED].contains("30 more"), "{warnings:?}");
}

#[test]
fn what_is_no_json_object_is_an_error_with_its_place() {
    for (text, part) in [
        ("[]", "map.json: must be a JSON object"),
        ("5", "must be a JSON object"),
        ("", "map.json, line 1"),
        ("{\"a\": {\n\"mode\": }", "map.json, line 2"),
        ("{} {}", "map.json, line 1"),
        ("{\"a\"", "map.json, line 1"),
    ] {
        let error = CostMap::parse("map.json", text.as_bytes(), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    let mut bytes = b"{\"a\": {\"mode\": \"\xff\"}}".to_vec();
    assert!(CostMap::parse("m", &bytes, &mut Vec::new()).is_err());
    bytes = vec![b'['; 100_000];
    assert!(CostMap::parse("m", &bytes, &mut Vec::new()).is_err());
}

#[test]
fn a_file_is_read_by_name_and_one_that_is_missing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("map.json");
    std::fs::write(&path, "\u{feff}{\"m\": {}}").unwrap();
    let map = CostMap::read(&path, dir.path(), &mut Vec::new()).unwrap();
    assert!(!map.is_empty());
    let missing = dir.path().join("none.json");
    let error = CostMap::read(&missing, dir.path(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().starts_with("none.json: "), "{error}");
}

proptest! {
    #[test]
    fn no_text_of_jsons_signs_makes_it_panic(text in r#"(\{|\}|\[|\]|:|,|"|"m"|"mode"|"chat"|"input_cost_per_token"|1e9|-1|null|\\u00){0,40}"#) {
        let _ = CostMap::parse("f", text.as_bytes(), &mut Vec::new());
        let _ = CostMap::parse("f", format!("{{\"m\": {{{text}}}}}").as_bytes(), &mut Vec::new());
    }

    #[test]
    fn no_name_makes_a_search_panic(model in "[a-z0-9/.:é-]{0,40}", provider in "(bedrock|gemini|openai|é)") {
        let (map, _) = map("{}");
        prop_assert!(map.of(&model, Some(&model), Some(&provider)).is_none());
    }
}

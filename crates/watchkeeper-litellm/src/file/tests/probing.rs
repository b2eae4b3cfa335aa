//! What deployments do and cost, how and with which key they are asked.

use watchkeeper_core::money::{Price, Usd};

use super::*;

#[test]
fn a_cost_map_tells_modes_before_the_built_in_tables_and_after_the_entry() {
    let map = r#"{"openai/new": {"mode": "embedding", "litellm_provider": "openai"},
                  "gpt-4o": {"mode": "responses", "litellm_provider": "openai"},
                  "hidden": {"mode": "rerank", "litellm_provider": "azure"},
                  "bedrock_mantle/claude": {"mode": "chat", "litellm_provider": "bedrock_mantle"}}"#;
    let list = "model_list:\n\
        - {model_name: a, litellm_params: {model: openai/new}}\n\
        - {model_name: b, litellm_params: {model: gpt-4o}}\n\
        - {model_name: c, litellm_params: {model: azure/prod}, model_info: {base_model: hidden}}\n\
        - {model_name: d, litellm_params: {model: openai/new}, model_info: {mode: completion}}\n\
        - {model_name: e, litellm_params: {model: openai/text-embedding-3-small}}\n\
        - {model_name: f, litellm_params: {model: bedrock_mantle/claude}}\n";
    let (found, warnings) = deployments(list, &[], Some(map));
    let modes: Vec<_> = found.iter().map(|found| mode(&found.check)).collect();
    let expected = [
        "embedding",
        "responses",
        "rerank",
        "completion",
        "embedding",
        "anthropic_messages",
    ];
    assert_eq!(modes, expected.map(Some));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn an_entrys_own_prices_go_before_the_cost_maps() {
    let map = r#"{"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 1, "output_cost_per_token": 2},
                  "dall-e-3": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 3}}"#;
    let usd = |dollars: f64| Usd::from_dollars(dollars).unwrap();
    let tokens = |input: f64, output: f64| Price {
        input: usd(input),
        output: usd(output),
        ..Price::default()
    };
    for (params, info, price) in [
        ("model: gpt-4o", "", Some(tokens(1.0, 2.0))),
        (
            "model: gpt-4o, input_cost_per_token: '5e-1'",
            "",
            Some(tokens(0.5, 2.0)),
        ),
        (
            "model: gpt-4o, input_cost_per_token: 3",
            "input_cost_per_token: 4, output_cost_per_token: 0",
            Some(tokens(3.0, 0.0)),
        ),
        (
            "model: openai/mine",
            "input_cost_per_token: 1e-6",
            Some(tokens(1e-6, 0.0)),
        ),
        ("model: openai/mine", "", None),
        (
            "model: openai/mine",
            "health_check_model: openai/gpt-4o",
            Some(tokens(1.0, 2.0)),
        ),
        ("model: azure/gpt-4o", "", None),
        (
            "model: dall-e-3",
            "",
            Some(Price {
                call: usd(3.0),
                ..Price::default()
            }),
        ),
    ] {
        let list = format!(
            "model_list: [{{model_name: a, litellm_params: {{{params}}}, model_info: {{x: 1, {info}}}}}]\n"
        );
        let (found, warnings) = deployments(&list, &[], Some(map));
        assert_eq!(
            model(&found[0].check).health.price,
            price,
            "{params} {info}"
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let (found, warnings) = deployments(
        "model_list: [{model_name: a, litellm_params: {model: gpt-4o}, model_info: {output_cost_per_token: -1}}]\n",
        &[],
        None,
    );
    assert_eq!(model(&found[0].check).health.price, None);
    assert!(
        warnings[0].contains("`output_cost_per_token`"),
        "{warnings:?}"
    );
}

#[test]
fn how_an_entry_is_probed_is_read_and_does_not_change_its_id() {
    let list = |info: &str| {
        deployments(
            &format!(
                "model_list: [{{model_name: a, litellm_params: {{model: openai/x}}{info}}}]\n"
            ),
            &[],
            None,
        )
    };
    let (plain, _) = list("");
    assert_eq!((plain[0].probe, plain[0].inference_every), (None, None));
    let (found, warnings) = list(
        ", model_info: {health_check_probe: Free, health_check_inference_interval: 1h, input_cost_per_token: 1}",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(found[0].probe, Some(ProbeKind::Free));
    assert_eq!(found[0].inference_every, Some(Duration::from_secs(3_600)));
    assert_eq!(found[0].check.id, plain[0].check.id);
    let (found, _) = list(", model_info: {health_check_inference_interval: '90.5'}");
    assert_eq!(
        found[0].inference_every,
        Some(Duration::from_millis(90_500))
    );
    for info in [
        "health_check_probe: cheap",
        "health_check_probe: 5",
        "health_check_inference_interval: often",
        "health_check_inference_interval: 31days",
        "health_check_inference_interval: -1",
    ] {
        let (found, warnings) = list(&format!(", model_info: {{{info}}}"));
        assert_eq!((found[0].probe, found[0].inference_every), (None, None));
        assert!(
            warnings[0].contains("c.yaml, line 1") && warnings[0].contains("is ignored"),
            "{info}: {warnings:?}"
        );
    }
}

#[test]
fn an_entry_is_asked_with_the_key_of_its_credential_under_the_id_without_it() {
    let list = |rest: &str| {
        format!(
            "model_list: [{{model_name: a, litellm_params: {{model: openai/x, litellm_credential_name: c}}}}]\n{rest}"
        )
    };
    let text = list(
        "credential_list:\n\
         - credential_name: c\n  \
           credential_info: {}\n  \
           credential_values: {api_key: os.environ/K, api_base: 'http://c/v1', api_version: v}\n",
    );
    let (found, warnings) = deployments(&text, &[("K", "sk-1")], None);
    assert!(warnings.is_empty(), "{warnings:?}");
    let check = &found[0].check;
    let target = model(check);
    assert_eq!(target.api_key.as_ref().unwrap().expose(), "sk-1");
    assert_eq!(target.api_base.as_ref().unwrap().expose(), "http://c/v1");
    assert_eq!(target.params["api_version"], "v");
    assert!(!check.shown.contains_key("api_base"), "{:?}", check.shown);

    let (missing, _) = deployments(&list(""), &[], None);
    assert_eq!(missing[0].check.id, check.id);
    let why = reason(&missing[0].check);
    assert!(
        why.contains("`credential_list`") && why.contains("`c`"),
        "{why}"
    );
}

//! Whole files, read from a folder.

use watchkeeper_core::check::{ModelTarget, Target};

use super::*;

const TIMEOUT: Duration = Duration::from_secs(60);

fn read(text: &str, env: &[(&str, &str)]) -> (Vec<Check>, Vec<String>) {
    let (found, warnings) = deployments(text, env, None);
    (
        found.into_iter().map(|found| found.check).collect(),
        warnings,
    )
}

fn deployments(
    text: &str,
    env: &[(&str, &str)],
    map: Option<&str>,
) -> (Vec<Deployment>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yaml");
    std::fs::write(&path, text).unwrap();
    let env = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let mut warnings = Vec::new();
    let file = LitellmFile::read(&path, dir.path(), &env, &mut warnings).unwrap();
    let map = map.map(|map| CostMap::parse("map.json", map.as_bytes(), &mut warnings).unwrap());
    let found = file
        .deployments(&env, TIMEOUT, map.as_ref(), &mut warnings)
        .unwrap();
    (found, warnings)
}

fn reason(check: &Check) -> &str {
    match &check.target {
        Target::Invalid { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

fn model(check: &Check) -> &ModelTarget {
    match &check.target {
        Target::Model(model) => model,
        other => panic!("{other:?}"),
    }
}

fn mode(check: &Check) -> Option<&str> {
    match &check.target {
        Target::Model(model) => model.mode.as_deref(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_litellm_drops_or_aborts_on_stays_in_sight_with_the_reason() {
    for (entry, word) in [
        (
            "{model_name: a, litellm_params: {model: gpt-4-turbo-preview}}",
            "finds no provider for `gpt-4-turbo-preview`",
        ),
        (
            "{model_name: a, litellm_params: {model: agno/x, custom_llm_provider: agno}}",
            "no provider `agno`",
        ),
        (
            "{model_name: a, litellm_params: {model: gpt-4o, api_base: 'https://api.x.ai/v1'}}",
            "finds no provider",
        ),
        (
            "{model_name: a, litellm_params: {model: azure/x, api_version: 2024-06-01}}",
            "put it in quotes",
        ),
        (
            "{model_name: a, litellm_params: {model: openai/x, organization: []}}",
            "`organization` is an empty list",
        ),
        (
            "{model_name: a, litellm_params: {model: os.environ/NOPE}}",
            "is null",
        ),
        (
            "{model_name: a, litellm_params: {model: 5}}",
            "must be a model's name",
        ),
        ("{model_name: a}", "`litellm_params` must be a mapping"),
        (
            "{litellm_params: {model: openai/x}}",
            "`model_name` is missing",
        ),
        (
            "{model_name: 5, litellm_params: {model: openai/x}}",
            "`model_name` must be a text",
        ),
        (
            "{model_name: a, litellm_params: {model: openai/x}, model_info: [a]}",
            "`model_info` must be a mapping",
        ),
        (
            "{model_name: a, litellm_params: {model: openai/x}, model_info: {supported_environments: [production]}}",
            "LITELLM_ENVIRONMENT",
        ),
        ("text", "the entry must be a mapping"),
    ] {
        let (checks, _) = read(&format!("model_list:\n  - {entry}\n"), &[]);
        assert_eq!(checks.len(), 1, "{entry}");
        let reason = reason(&checks[0]);
        assert!(
            reason.contains(word) && reason.contains("line 2"),
            "{entry}: {reason}"
        );
    }
}

#[test]
fn the_mode_is_the_given_one_else_the_known_one() {
    let (checks, warnings) = read(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: openai/text-embedding-3-small}}\n\
         - {model_name: b, litellm_params: {model: openai/text-embedding-3-small}, model_info: {mode: rerank}}\n\
         - {model_name: c, litellm_params: {model: openai/x}, model_info: {mode: embeddings}}\n\
         - {model_name: d, litellm_params: {model: openai/x}, model_info: {mode: tts}}\n\
         - {model_name: e, litellm_params: {model: tts-1}, model_info: {mode: 5}}\n\
         - {model_name: f, litellm_params: {model: openai/x}}\n",
        &[],
    );
    let modes: Vec<_> = checks.iter().map(mode).collect();
    let expected = [
        "embedding",
        "rerank",
        "embedding",
        "audio_speech",
        "audio_speech",
    ]
    .map(Some);
    assert_eq!(modes[..5], expected);
    assert_eq!(modes[5], None);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("c.yaml, line 4") && warnings[0].contains("`embedding`"));
}

#[test]
fn a_whole_entry_by_alias_is_said_to_stop_litellm_and_a_merged_one_is_not() {
    let text = "model_list:\n\
                - &a {model_name: a, litellm_params: &p {model: openai/x}}\n\
                - *a\n\
                - {<<: *a, model_name: b}\n\
                - {model_name: c, litellm_params: *p}\n";
    let (checks, warnings) = read(text, &[]);
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let said: Vec<_> = warnings.iter().filter(|w| w.contains("KeyError")).collect();
    assert_eq!(said.len(), 1, "{warnings:?}");
    assert!(said[0].contains("`model_list[1]`"), "{said:?}");
}

#[test]
fn the_first_of_a_list_of_organizations_is_asked_under_the_id_of_all() {
    let (checks, warnings) = read(
        "model_list: [{model_name: a, litellm_params: {model: openai/x, organization: [a, b]}}]\n",
        &[],
    );
    assert!(
        checks[0].id.as_str().starts_with("352b28bb"),
        "{}",
        checks[0].id.as_str()
    );
    match &checks[0].target {
        Target::Model(model) => assert_eq!(model.params["organization"], "a"),
        other => panic!("{other:?}"),
    }
    assert!(warnings[0].contains("only the first"), "{warnings:?}");
}

#[test]
fn a_bucket_in_place_of_the_file_is_a_warning() {
    let list = "model_list: [{model_name: a, litellm_params: {model: openai/x}}]\n";
    let (_, warnings) = read(list, &[("LITELLM_CONFIG_BUCKET_NAME", "b")]);
    assert!(
        warnings[0].contains("LITELLM_CONFIG_BUCKET_NAME"),
        "{warnings:?}"
    );
    assert!(read(list, &[]).1.is_empty());
}

#[test]
fn an_id_of_null_is_made_from_the_parameters_with_a_warning() {
    let list = |info: &str| {
        read(
            &format!(
                "model_list: [{{model_name: a, litellm_params: {{model: openai/x}}{info}}}]\n"
            ),
            &[],
        )
    };
    let (checks, warnings) = list(", model_info: {id: ~}");
    assert_eq!(checks[0].id, list("").0[0].id);
    assert!(
        warnings[0].contains("`model_info.id` is null"),
        "{warnings:?}"
    );
}

#[test]
fn an_unrendered_template_in_quotes_is_a_warning() {
    let (_, warnings) = read(
        "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: '{{ key }}'}}]\n",
        &[],
    );
    assert!(
        warnings[0].contains("line 1") && warnings[0].contains("template"),
        "{warnings:?}"
    );
}

mod probing;

//! LiteLLM's id of a deployment (`Router.generate_model_id`, as observed on LiteLLM 1.106.2).

use sha2::{Digest, Sha256};

use crate::python::{json_dumps, str_of};
use crate::yaml::{NodeInner, Yaml};

/// SHA-256 over the name and then key and value of every parameter, in file order and without separators. The
/// parameters must have had their environment references replaced: the id covers the secrets.
pub(super) fn generate(model_name: &str, params: &NodeInner) -> String {
    let mut digest = Sha256::new();
    digest.update(model_name);
    for (key, value) in params.pairs() {
        digest.update(text_of(key));
        digest.update(text_of(value));
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn text_of(node: &NodeInner) -> String {
    match &node.value {
        Yaml::Map(_) => json_dumps(node),
        _ => str_of(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    // Ids that running LiteLLM pods showed.
    #[test]
    fn ids_are_the_ones_litellm_showed() {
        for (name, params, id) in [
            (
                "m1",
                "{model: openai/mock-1, api_base: 'http://127.0.0.1:18080/v1', api_key: sk-upstream}",
                "25f652e5cd56b04218a54f66f9c6f4aace4a6b2c00fe9987a631a0ea99f0dcb7",
            ),
            (
                "gpt-4o",
                "{model: azure/gpt-4o-eu, api_base: 'http://127.0.0.1:18080', api_key: sk-from-env, \
                 api_version: \"2024-06-01\", rpm: 600, timeout: 30.5, drop_params: true}",
                "aa26491c86fe5b12810b31cdf68c1faae75265cf7e82d52f9d2b6cc206b7c490",
            ),
            (
                "emb",
                "{model: openai/mock-emb, api_base: 'http://127.0.0.1:18080/v1', api_key: sk-upstream, \
                 extra_headers: {x-team: a, n: 1}, max_retries: 0, tags: [a, b], organization: null}",
                "971ecf3e0197b22bd9a4fa1262a46966f5f1dacbd33355937bd525c46896dc6c",
            ),
        ] {
            let params = load(params.as_bytes()).unwrap().root;
            assert_eq!(generate(name, &params), id, "{name}");
        }
    }

    #[test]
    fn the_order_of_the_parameters_counts() {
        let a = load(b"{model: m, rpm: 1}").unwrap().root;
        let b = load(b"{rpm: 1, model: m}").unwrap().root;
        assert_ne!(generate("x", &a), generate("x", &b));
    }
}

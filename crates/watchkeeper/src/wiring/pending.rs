//! Settings that are read and have no effect yet. Whoever sets one is told.

use watchkeeper_config::{BackendKind, Config};

/// One line per setting that was given in vain.
pub(crate) fn warnings(config: &Config) -> Vec<&'static str> {
    let litellm = &config.litellm;
    let wire_expected = litellm.wire.unwrap_or(litellm.shared_on_plain_redis)
        && matches!(config.backend.kind, BackendKind::Redis(_));
    let given = [
        (
            wire_expected,
            "LiteLLM's own pods are not served yet (`litellm.wire`): those on this Redis go on checking for \
             themselves, unless their `background_health_checks` is switched off",
        ),
        (
            litellm.cost_map.is_some(),
            "`litellm.cost_map` has no effect yet: probes carry no price",
        ),
        (
            config.http.public_dashboard,
            "`http.public_dashboard` has no effect yet: there is no dashboard",
        ),
    ];
    given
        .into_iter()
        .filter(|(applies, _)| *applies)
        .map(|(_, line)| line)
        .collect()
}

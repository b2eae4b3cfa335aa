//! Settings that are read and have no effect yet. Whoever sets one is told.

use watchkeeper_config::Config;

/// One line per setting that was given in vain.
pub(crate) fn warnings(config: &Config) -> Vec<&'static str> {
    let given = [(
        config.http.public_dashboard,
        "`http.public_dashboard` has no effect yet: there is no dashboard",
    )];
    given
        .into_iter()
        .filter(|(applies, _)| *applies)
        .map(|(_, line)| line)
        .collect()
}

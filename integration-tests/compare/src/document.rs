//! `docs/comparison.md`.

use std::fmt::Write as _;
use std::time::Duration;

use watchkeeper_integration_tests::litellm::VERSION;
use watchkeeper_integration_tests::measure::machine::Machine;

use crate::finding::Row;
use crate::scenario::Scenario;

/// The whole text.
pub(crate) fn text<'a>(
    machine: &Machine,
    date: jiff::Timestamp,
    took: Duration,
    parts: impl IntoIterator<Item = (&'a Scenario, Vec<Row>)>,
) -> String {
    let mut text = format!(
        "# LiteLLM's shared health check and Watchkeeper, side by side\n\n\
         Written by `just compare` in one run; edit `integration-tests/compare`, not this file.\n\n\
         - {}, {} minutes\n- LiteLLM {VERSION}, unmodified, from the package index\n- {}\n\n\
         Each scenario runs once with LiteLLM pods and once with Watchkeeper pods in their place: the same \
         `proxy_config.yaml`, the same environment, a Redis and a mock upstream for each. Unless a row says otherwise: 4 \
         pods, 5 models, `health_check_interval` and results TTL 20 s, lock TTL 60 s, everything else as each program has \
         it by default. With a TTL of 20 s and probes that may take 60 s Watchkeeper serves no LiteLLM pods (wire mode \
         stays off, and says so); what the two do together is in the suite `litellm`.\n\n\
         Probes are requests that the mock upstream counted. `5 to 93` are the least and the greatest value, over pods or \
         over times; `never` means not within the time that was watched. Scenarios that are about seconds ran several at a \
         time on this machine; `start` and `load` ran alone.\n",
        date.strftime("%Y-%m-%d %H:%M UTC"),
        took.as_secs().div_ceil(60),
        machine.line(),
    );
    for (scenario, rows) in parts {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n| | LiteLLM {VERSION} | Watchkeeper |\n| --- | --- | --- |\n",
            scenario.name, scenario.what
        );
        for row in rows {
            let _ = writeln!(text, "| {} | {} | {} |", row.what, row.litellm, row.ours);
        }
    }
    text
}

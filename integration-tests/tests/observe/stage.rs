//! The fleets that are watched: one at work with a model that fails and a budget too small for its models, and a pod whose
//! store is away.

use std::net::SocketAddr;
use std::time::Duration;

use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::prometheus::Prometheus;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::checkout;
use crate::rules::RULES;

/// The fleet at work.
pub(crate) const AT_WORK: &str = "at-work";
/// The pod whose store is away.
pub(crate) const CUT_OFF: &str = "cut-off";

pub(crate) struct Stage {
    pub(crate) prometheus: Prometheus,
    pub(crate) fleet: Fleet,
    pub(crate) alone: Daemon,
    _redis: RedisProcess,
    _mock: MockLlm,
}

fn named(config: &str, fleet: &str) -> Setup {
    Setup::new()
        .toml(config)
        .env("WATCHKEEPER__FLEET__NAME", fleet)
}

fn check(mock: &MockLlm, name: &str) -> String {
    format!(
        "name = \"{name}\"\nmodel = \"openai/{name}\"\napi_base = \"{}\"\napi_key = \"sk-mock\"\ninput_cost_per_token = \
         1e-5\noutput_cost_per_token = 1e-5",
        mock.api_base()
    )
}

impl Stage {
    /// Everything is started; nothing was scraped yet.
    pub(crate) async fn start() -> Self {
        let redis = RedisProcess::start().await;
        let mock = MockLlm::start().await;
        mock.set("broken", Behaviour::Status(500));
        let config = |address| {
            let config = NativeConfig::new(&mock.api_base(), &[]).redis(address);
            config.check(&check(&mock, "good"))
        };
        let at_work = config(redis.address()).check(&check(&mock, "broken"));
        // Room for a few probes as they are, and for one as it might be.
        let at_work = format!("{}\n[budget]\nper_day = 0.001\n", at_work.toml());
        let fleet = Fleet::start(3, &named(&at_work, AT_WORK)).await;
        let alone = named(&config(free_address()).toml(), CUT_OFF).start().await;
        let mut targets: Vec<SocketAddr> = fleet.pods().map(Daemon::address).collect();
        targets.push(alone.address());
        let prometheus = Prometheus::start(&targets, &checkout(RULES)).await;
        fleet.wait_for_reports(Duration::from_secs(10)).await;
        Self {
            prometheus,
            fleet,
            alone,
            _redis: redis,
            _mock: mock,
        }
    }

    /// All pods.
    pub(crate) fn pods(&self) -> impl Iterator<Item = &Daemon> {
        self.fleet.pods().chain([&self.alone])
    }
}

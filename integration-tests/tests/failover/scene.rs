//! A settled fleet, what is looked at while something happens to its store, and how it is judged afterwards.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm, Seen};

pub(crate) const PODS: usize = 4;
pub(crate) const MODELS: [&str; 2] = ["m1", "m2"];
pub(crate) const INTERVAL: Duration = Duration::from_secs(6);
/// Less between two probes of a model is one too many.
pub(crate) const LEAST: Duration = Duration::from_millis(5400);
/// Far more than anything here needs on a machine that also builds; only a test that fails waits this long.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// From the moment when the servers take writes again until every pod has noticed: the ping is once a second, the wait
/// between two attempts to connect is capped, and what hangs ends after the store's time limit of half a second. The
/// rest is for a busy machine.
pub(crate) const REJOIN: Duration = Duration::from_secs(4);
/// Failures of the store for this long make a pod check for itself.
pub(crate) const ISOLATED_AFTER: Duration = Duration::from_secs(2);

/// In seconds; the next round is far enough away then.
const JUST_ENDED: f64 = 2.0;

/// Four pods that share a report, and what they ask.
pub(crate) struct Scene {
    pub(crate) mock: MockLlm,
    pub(crate) fleet: Fleet,
    /// How many probes of each model came before the last of the start. A pod that does not reach its store in its first
    /// moment, on a busy machine, checks for itself at once: that is not what is judged here.
    skipped: [usize; MODELS.len()],
}

impl Scene {
    /// Starts the fleet over this store; returns when its first round is shown by all.
    pub(crate) async fn start(store: impl FnOnce(NativeConfig) -> NativeConfig) -> Self {
        let mut mock = MockLlm::start().await;
        let config = NativeConfig::new(&mock.api_base(), &MODELS)
            .interval("6s")
            // Longer than any failover: what a holder asks is left to it for so long.
            .lock_ttl("12s")
            .probe("timeout = \"20s\"");
        let setup = Setup::new()
            .toml(store(config).toml())
            .env("WATCHKEEPER__LOG__LEVEL", "debug");
        let mut setups = Vec::new();
        for pod in 1..=PODS {
            let door = mock.open_door(&format!("pod-{pod}")).await;
            setups.push(setup.clone().env("HTTP_PROXY", format!("http://{door}")));
        }
        let fleet = Fleet::of(setups).await;
        let mut scene = Self {
            mock,
            fleet,
            skipped: Default::default(),
        };
        scene.all_show_more_than(0).await;
        scene.fleet.wait_for_store(true, SOON).await;
        // Faults begin between two rounds: what is due when a store goes is left to whoever may be asking it. (A pod may
        // know of the token before it has read what was published under it.)
        eventually(
            "every pod shows a round that has just ended",
            SOON,
            async || {
                for pod in scene.fleet.pods() {
                    let status = pod.shared_status().await;
                    let age = status["status"]["cache_age_seconds"].as_f64();
                    let free = status["status"]["lock_owner"].is_null();
                    if !free || age.is_none_or(|age| age > JUST_ENDED) {
                        return false;
                    }
                }
                true
            },
        )
        .await;
        scene.skipped = MODELS.map(|model| scene.mock.asked().count(model).saturating_sub(1));
        scene
    }

    /// The highest token that any pod knows of, be it of a report or of the lease that stands.
    pub(crate) async fn highest_token(&self) -> u64 {
        let mut highest = 0;
        for pod in self.fleet.pods() {
            let status = pod.shared_status().await;
            highest = highest.max(status["token"].as_u64().unwrap_or(0));
        }
        highest
    }

    /// Waits until every pod has seen a report of a higher token, and that its lease was given back; returns when.
    pub(crate) async fn all_show_more_than(&self, token: u64) -> Instant {
        eventually(
            &format!("every pod shows a token above {token}"),
            SOON,
            async || {
                for pod in self.fleet.pods() {
                    if seen_token(&pod.shared_status().await).is_none_or(|seen| seen <= token) {
                        return false;
                    }
                }
                true
            },
        )
        .await
    }

    /// Waits until every model was asked once more and every pod shows it.
    pub(crate) async fn one_more_round(&self) {
        let token = self.highest_token().await;
        let asked = MODELS.map(|model| self.mock.asked().count(model));
        for (model, asked) in MODELS.iter().zip(asked) {
            self.mock.wait_for_starts(model, asked + 1, SOON).await;
        }
        self.all_show_more_than(token).await;
    }

    /// Waits until a round stands still in the middle: `m1` is answered, `m2` is not.
    pub(crate) async fn held_round(&self) {
        let asked = MODELS.map(|model| self.mock.asked().count(model));
        self.mock.set("m2", Behaviour::Hold);
        for (model, asked) in MODELS.iter().zip(asked) {
            self.mock.wait_for_starts(model, asked + 1, SOON).await;
        }
    }

    /// Lets it go on.
    pub(crate) fn let_go(&self) {
        self.mock.set("m2", Behaviour::Ok);
    }

    /// Runs `work` and looks at every pod all the while: it answers, shows both models as healthy, and its token never
    /// falls.
    pub(crate) async fn watched<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut highest = [0; PODS];
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.look(&mut highest) => {}
            }
        }
    }

    async fn look(&self, highest: &mut [u64; PODS]) {
        for (pod, highest) in self.fleet.pods().zip(highest) {
            let status = pod.shared_status().await;
            let token = seen_token(&status).unwrap_or(*highest);
            assert!(
                token >= *highest,
                "the token fell from {highest} to {token}: {status}\n{}",
                pod.log()
            );
            *highest = token;
            assert_eq!(pod.health().await["healthy_count"], 2, "{status}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// How many pods checked for themselves since.
    pub(crate) fn isolated_since(&self, since: Instant) -> usize {
        let own = |pod: &Daemon| {
            let lines = pod.lines_with("this group checks for itself");
            lines.iter().any(|line| line.at >= since)
        };
        self.fleet.pods().filter(|pod| own(pod)).count()
    }

    /// Everything, for messages.
    pub(crate) fn evidence(&self) -> String {
        format!("{}\n{}", self.mock.asked().table(), self.fleet.logs())
    }

    /// Fails unless each model was asked once per interval all the time, but for `allowed` probes.
    pub(crate) fn assert_extra_probes(&self, allowed: usize) {
        let seen = self.mock.asked();
        for (model, skipped) in MODELS.into_iter().zip(self.skipped) {
            let extra = extra_probes(seen.starts(model).into_iter().skip(skipped));
            println!("{model}: {extra} extra, gaps {:.1?}", seen.gaps(model));
            assert!(
                extra <= allowed,
                "{model} was asked {extra} times too often, {allowed} allowed:\n{}",
                self.evidence()
            );
        }
    }

    /// Fails if two grants of the lease had the same token, or a later one a lower.
    pub(crate) fn assert_grants(&self, least: usize) {
        let mut grants: Vec<(String, u64)> = Vec::new();
        for pod in self.fleet.pods() {
            for line in pod.lines_with(" acquired health check lock") {
                // The pods share a machine, so its time orders what they say.
                let (when, _) = line.text.split_once(' ').unwrap();
                grants.push((when.to_owned(), token_of(&line.text)));
            }
        }
        grants.sort();
        assert!(grants.len() >= least, "{grants:?}\n{}", self.fleet.logs());
        let different: HashSet<u64> = grants.iter().map(|grant| grant.1).collect();
        assert_eq!(different.len(), grants.len(), "granted twice: {grants:?}");
        assert!(
            grants.windows(2).all(|pair| pair[0].1 < pair[1].1),
            "{grants:?}"
        );
    }

    /// Fails if any pod warned of something.
    pub(crate) fn assert_no_warnings(&self) {
        for pod in self.fleet.pods() {
            let lines = pod.lines_with("WARN").len() + pod.lines_with("ERROR").len();
            assert_eq!(lines, 0, "{}", pod.log());
        }
    }

    /// Fails unless a change that is published is shown by all pods sooner than any timer would tell them: a round that
    /// takes 1.2 s of a lease of 3 s leaves them 1.8 s to wait for its end.
    pub(crate) async fn assert_notices(&self) {
        let asked = self.mock.asked().count("m2");
        let token = self.highest_token().await;
        self.mock
            .set("m2", Behaviour::Delay(Duration::from_millis(1200)));
        let ended = |seen: &Seen| seen.of("m2").nth(asked).and_then(|asked| asked.ended);
        let seen = self
            .mock
            .wait_for("the slow probe", SOON, |seen| ended(seen).is_some())
            .await;
        self.mock.set("m2", Behaviour::Ok);
        let (answered, _) = ended(&seen).unwrap();
        let shown = self.all_show_more_than(token).await;
        let took = shown.duration_since(answered);
        assert!(
            took <= Duration::from_secs(1),
            "shown by all only after {took:?}:\n{}",
            self.evidence()
        );
    }
}

/// The token of the newest report that a pod has seen. While a lease stands its status names that one's instead.
fn seen_token(status: &Value) -> Option<u64> {
    let free = status["status"]["lock_owner"].is_null();
    status["token"].as_u64().filter(|_| free)
}

/// The probes that came sooner after the last regular one than allowed.
fn extra_probes(starts: impl Iterator<Item = Instant>) -> usize {
    let mut regular: Option<Instant> = None;
    let mut extra = 0;
    for start in starts {
        match regular {
            Some(last) if start.duration_since(last) < LEAST => extra += 1,
            _ => regular = Some(start),
        }
    }
    extra
}

fn token_of(line: &str) -> u64 {
    let (_, rest) = line.split_once("token=").unwrap();
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.unwrap().parse().unwrap()
}

/// What a fault of the store between two rounds may cost: one probe of each model. What becomes due while the store is
/// away is left to nobody, so that each pod checks it for itself, once (EC-2); one of them would have asked anyway.
/// Nothing is due before the interval is over.
pub(crate) fn allowed_extra(outage: Duration) -> usize {
    if outage >= INTERVAL - Duration::from_secs(1) {
        PODS - 1
    } else {
        1
    }
}

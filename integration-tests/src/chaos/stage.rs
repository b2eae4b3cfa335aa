//! The fleet, its store, the ways between them, and the faults that befall them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::plan::{Fault, Kind};
use super::spans::{Seconds, Span};
use super::timeline::{Event, Life, OPERATION, Terms, seconds};
use super::watch::Recorder;
use crate::daemon::{Daemon, Setup};
use crate::litellm_config::NativeConfig;
use crate::mock_llm::{Behaviour, MockLlm};
use crate::process::free_address;
use crate::proxy::{Mode, Proxy};
use crate::redis_process::{self, RedisProcess};

/// Short, so that a run holds many rounds; but no shorter than the slack of EC-1 bears.
const INTERVAL: Duration = Duration::from_secs(2);
/// Six times the limit of one store operation, the least that is allowed.
pub(super) const LOCK_TTL: Duration = Duration::from_secs(3);
/// Also R, since all checks of a round run at once.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);
const JITTER: f64 = 0.05;
/// Told to leave, a pod may finish its probes for as long.
const DRAIN: Duration = Duration::from_secs(2);
/// Beyond the drain: the release, and a busy machine.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// A process started again answers within this; a healthy one needs some 100 ms.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a strike waits for somebody to lead a round: one comes per interval.
const LEADER_LIMIT: Duration = Duration::from_millis(2_500);
/// How many milliseconds each check's endpoint takes.
const CHECKS: [(&str, u64); 4] = [("m1", 10), ("m2", 100), ("m3", 300), (SLOWEST, 0)];
/// The one whose pace is the plan's.
const SLOWEST: &str = "m4";

pub(super) fn terms(pods: usize) -> Terms {
    let interval = seconds(INTERVAL);
    let jitter = interval * JITTER;
    Terms {
        pods,
        checks: CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        interval,
        lock_ttl: seconds(LOCK_TTL),
        jitter,
        round: seconds(PROBE_TIMEOUT),
        fresh_for: interval + jitter + 1.0,
    }
}

/// One pod's place: its settings, its way to Redis, and the process that runs there now.
struct Place {
    setup: Setup,
    address: SocketAddr,
    way: Proxy,
    daemon: Option<Daemon>,
    /// How many processes ran here.
    lives: usize,
    born: Seconds,
    /// Whether it is meant to run, so that an end is a mishap.
    wanted: bool,
}

/// Everything that runs.
pub(super) struct Stage {
    recorder: Recorder,
    redis: RedisProcess,
    mock: MockLlm,
    places: Vec<Place>,
    logs: PathBuf,
}

/// A fault at work.
pub(super) struct AtWork {
    kind: Kind,
    pods: Vec<usize>,
    from: Seconds,
    leading: bool,
}

impl Stage {
    /// Starts Redis, the upstream and all pods, and waits until each answers.
    pub(super) async fn set_up(recorder: Recorder, pods: usize, logs: PathBuf) -> Self {
        let redis = RedisProcess::start_durable().await;
        let mut mock = MockLlm::start().await;
        for (model, millis) in CHECKS {
            mock.set(model, Behaviour::Delay(Duration::from_millis(millis)));
        }
        let names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        let span = |duration: Duration| format!("{}ms", duration.as_millis());
        let mut places = Vec::new();
        for pod in 0..pods {
            let way = Proxy::start(redis.address()).await;
            let name = format!("pod-{}", pod + 1);
            let door = mock.open_door(&name).await;
            let toml = NativeConfig::new(&mock.api_base(), &names)
                .redis(way.address())
                .interval(&span(INTERVAL))
                .lock_ttl(&span(LOCK_TTL))
                // Not the default of 300 s, with which nothing ever becomes stale here.
                .coordination("cache_ttl", &format!("\"{}\"", span(INTERVAL)))
                .coordination("jitter", &JITTER.to_string())
                .probe(&format!("timeout = \"{}\"", span(PROBE_TIMEOUT)))
                .http(&format!("drain = \"{}\"", span(DRAIN)))
                .toml();
            let address = free_address();
            let setup = Setup::new()
                .toml(toml)
                .env("POD_NAME", name)
                .env("HTTP_PROXY", format!("http://{door}"))
                .env("WATCHKEEPER__BACKEND__TIMEOUT", format!("{OPERATION}s"))
                .env("WATCHKEEPER__LOG__LEVEL", "debug")
                .listen(address);
            places.push(Place {
                setup,
                address,
                way,
                daemon: None,
                lives: 0,
                born: 0.0,
                wanted: false,
            });
        }
        let mut stage = Self {
            recorder,
            redis,
            mock,
            places,
            logs,
        };
        for pod in 0..pods {
            stage.spawn(pod);
        }
        for place in &mut stage.places {
            if let Some(daemon) = &mut place.daemon {
                daemon.wait_until_it_answers().await;
            }
        }
        stage
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.places.iter().map(|place| place.address).collect()
    }

    pub(super) fn redis(&self) -> SocketAddr {
        self.redis.address()
    }

    /// From now on the slowest endpoint takes so long.
    pub(super) fn pace(&self, millis: u64) {
        self.mock
            .set(SLOWEST, Behaviour::Delay(Duration::from_millis(millis)));
    }

    fn spawn(&mut self, pod: usize) {
        let place = &mut self.places[pod];
        place.daemon = Some(place.setup.clone().spawn());
        place.lives += 1;
        place.born = self.recorder.now();
        place.wanted = true;
    }

    /// The process ends, or is told to: its life is over for the judge.
    fn ends(&mut self, pod: usize) {
        let place = &mut self.places[pod];
        place.wanted = false;
        let span = Span::new(place.born, self.recorder.now());
        self.recorder.write().lives.push(Life { pod, span });
    }

    fn mishap(&self, text: String) {
        let at = self.recorder.now();
        self.recorder.write().mishaps.push((at, text));
    }

    /// Keeps the log of a process that has ended.
    fn keep_log(&mut self, pod: usize) {
        let place = &mut self.places[pod];
        let Some(daemon) = place.daemon.take() else {
            return;
        };
        let log = daemon.log();
        let path = self
            .logs
            .join(format!("pod-{}.{}.log", pod + 1, place.lives));
        if log.contains("panicked at") {
            self.mishap(format!(
                "pod-{} panicked: see `{}`",
                pod + 1,
                path.display()
            ));
        }
        std::fs::write(path, log).unwrap();
    }

    /// A process that ended though nobody wanted it to.
    pub(super) fn look_for_the_dead(&mut self) {
        for pod in 0..self.places.len() {
            let place = &mut self.places[pod];
            if place.wanted && place.daemon.as_mut().is_some_and(|daemon| !daemon.runs()) {
                self.ends(pod);
                self.mishap(format!("pod-{} ended by itself", pod + 1));
                self.keep_log(pod);
                self.spawn(pod);
            }
        }
    }

    /// Begins a fault.
    pub(super) async fn begin(&mut self, fault: &Fault) -> AtWork {
        let mut pods = fault.pods.clone();
        if fault.kind.strikes_redis() {
            pods = (0..self.places.len()).collect();
        }
        let mut leading = false;
        if fault.leader
            && let Some(leader) = self.wait_for_leader().await
        {
            pods = vec![leader];
            leading = true;
        }
        let from = self.recorder.now();
        self.strike(fault, &pods).await;
        AtWork {
            kind: fault.kind,
            pods,
            from,
            leading,
        }
    }

    async fn wait_for_leader(&self) -> Option<usize> {
        let until = tokio::time::Instant::now() + LEADER_LIMIT;
        while tokio::time::Instant::now() < until {
            if let Some(pod) = self.recorder.leader() {
                return Some(pod);
            }
            tokio::time::sleep(crate::POLL).await;
        }
        None
    }

    async fn strike(&mut self, fault: &Fault, pods: &[usize]) {
        let amount = fault.amount;
        let delay = Mode::Delay {
            to_server: Duration::from_millis(amount),
            to_client: Duration::from_millis(amount),
        };
        let mode = match fault.kind {
            Kind::Kill | Kind::Terminate | Kind::ShortStop | Kind::LongStop => {
                return pods
                    .iter()
                    .for_each(|pod| self.strike_pod(fault.kind, *pod));
            }
            Kind::RedisKilled | Kind::RedisAway => return self.redis.kill().await,
            Kind::RedisLost => {
                self.redis.kill().await;
                return self.redis.wipe();
            }
            Kind::RedisFrozen => return self.redis.freeze(),
            Kind::Flushed => return self.tell_redis(&["FLUSHALL"]).await,
            Kind::ScriptsFlushed => return self.tell_redis(&["SCRIPT", "FLUSH"]).await,
            Kind::Slow | Kind::TooSlow => delay,
            Kind::Silent => Mode::Drop,
            Kind::Cut => Mode::Cut,
            Kind::CutAnswers => Mode::CutAnswers(usize::try_from(amount).unwrap()),
            Kind::NoReplies => Mode::LoseReplies,
            Kind::NoRequests => Mode::LoseRequests,
            Kind::Throttled => Mode::Throttle(u32::try_from(amount).unwrap()),
        };
        for pod in pods {
            self.places[*pod].way.set(mode);
        }
    }

    fn strike_pod(&mut self, kind: Kind, pod: usize) {
        if kind.ends() {
            self.ends(pod);
        }
        let Some(daemon) = &self.places[pod].daemon else {
            return;
        };
        match kind {
            Kind::Kill => daemon.kill(),
            Kind::Terminate => daemon.terminate(),
            _ => daemon.freeze(),
        }
    }

    async fn tell_redis(&self, words: &[&str]) {
        if let Err(error) =
            redis_process::try_run::<redis::Value>(self.redis.address(), words).await
        {
            self.mishap(format!("redis did not take `{}`: {error}", words.join(" ")));
        }
    }

    /// Lifts a fault, and waits until what was ended is there again.
    pub(super) async fn end(&mut self, at_work: AtWork) {
        match at_work.kind {
            Kind::Kill | Kind::Terminate => {
                for pod in &at_work.pods {
                    self.start_again(*pod, at_work.kind).await;
                }
            }
            Kind::ShortStop | Kind::LongStop => {
                for pod in &at_work.pods {
                    if let Some(daemon) = &self.places[*pod].daemon {
                        daemon.wake();
                    }
                }
            }
            Kind::RedisKilled | Kind::RedisAway | Kind::RedisLost => {
                self.redis.start_again().await;
                let address = self.redis.address();
                crate::eventually("redis has loaded its data", START_LIMIT, async || {
                    redis_process::try_run::<String>(address, &["PING"])
                        .await
                        .is_ok()
                })
                .await;
            }
            Kind::RedisFrozen => self.redis.wake(),
            Kind::Flushed | Kind::ScriptsFlushed => {}
            _ => {
                for pod in &at_work.pods {
                    self.places[*pod].way.set(Mode::Pass);
                }
            }
        }
        let span = Span::new(at_work.from, self.recorder.now());
        self.recorder.write().events.push(Event {
            kind: at_work.kind,
            pods: at_work.pods,
            span,
            leading: at_work.leading,
        });
    }

    async fn start_again(&mut self, pod: usize, kind: Kind) {
        if let Some(daemon) = &mut self.places[pod].daemon {
            let ended = tokio::time::timeout(DRAIN + LEAVE_LIMIT, daemon.ended()).await;
            match ended {
                Err(_) => {
                    daemon.kill();
                    let _ = daemon.ended().await;
                    self.mishap(format!(
                        "pod-{} did not leave within {:?}",
                        pod + 1,
                        DRAIN + LEAVE_LIMIT
                    ));
                }
                Ok(status) if kind == Kind::Terminate && status.code() != Some(0) => {
                    self.mishap(format!(
                        "pod-{} was told to leave and left with {status}",
                        pod + 1
                    ));
                }
                Ok(_) => {}
            }
        }
        self.keep_log(pod);
        self.spawn(pod);
        let born = self.places[pod].born;
        let until = tokio::time::Instant::now() + START_LIMIT;
        while self.recorder.answered_since(pod, born).is_none() {
            if tokio::time::Instant::now() > until {
                return self.mishap(format!(
                    "pod-{} did not answer within {START_LIMIT:?} of its start",
                    pod + 1
                ));
            }
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// Ends everything; the record is complete.
    pub(super) async fn strike_set(mut self) -> MockLlm {
        self.look_for_the_dead();
        for pod in 0..self.places.len() {
            self.ends(pod);
            if let Some(daemon) = &mut self.places[pod].daemon {
                daemon.kill();
                let _ = daemon.ended().await;
            }
            self.keep_log(pod);
        }
        self.mock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::plan::Plan;

    #[test]
    fn a_redis_that_is_away_is_away_for_longer_than_fb_1_and_calm_is_longer_than_lv_1() {
        let terms = terms(4);
        for seed in 0..20 {
            let plan = Plan::new(seed, Duration::from_secs(600), 4, LOCK_TTL);
            let away = plan.faults.iter().filter(|f| f.kind == Kind::RedisAway);
            let lasts: Vec<Seconds> = away.map(|f| seconds(f.until - f.at)).collect();
            assert!(!lasts.is_empty());
            assert!(
                lasts.iter().all(|lasts| *lasts > terms.oldest() + 2.0),
                "{lasts:?}"
            );
            let over = plan.faults.iter().map(|fault| fault.until).max().unwrap();
            assert!(seconds(plan.length - over) > terms.liveness() + 1.5);
        }
    }
}

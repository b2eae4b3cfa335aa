//! The validated configuration: plain values, nothing left to look up or to doubt.

mod backend;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::id::{FleetName, PodId};
use watchkeeper_core::money::Budget;
use watchkeeper_core::probe::ProbeKind;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

pub use backend::{
    Backend, BackendKind, EtcdSettings, HostPort, RedisAddress, RedisSettings, SentinelSettings,
    TlsFiles,
};

/// Everything a pod is told. Relations between the values have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Who this pod belongs to.
    pub fleet: Fleet,
    /// When the fleet asks, and how it agrees on who does.
    pub coordination: Coordination,
    /// Where leases and reports are kept.
    pub backend: Backend,
    /// How probes are made.
    pub probe: Probe,
    /// What probes may cost per day. Without limits where `lock_scope` is [`LockScope::Check`].
    pub budget: Budget,
    /// What is probed: LiteLLM's deployments in file order, then the native checks. Ids are unique; never empty.
    pub checks: Vec<Check>,
    /// The HTTP surface.
    pub http: Http,
    /// What is logged.
    pub log: Log,
    /// What belongs to LiteLLM only.
    pub litellm: Litellm,
}

/// Who this pod belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// Namespace in the store.
    pub name: FleetName,
    /// Keys the fingerprint; the fleet's name does where there is none.
    pub secret: Option<Secret>,
    /// This pod's id as set by hand. None: made from [`Fleet::pod_name_hint`] and a random suffix.
    pub pod_id: Option<PodId>,
    /// `POD_NAME`, else `HOSTNAME`, with what a [`PodId`] may not hold replaced by `-`, at most 64 bytes.
    pub pod_name_hint: Option<String>,
}

/// When the fleet asks, and how it agrees on who does.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordination {
    /// False: every pod checks for itself, store or no store (`use_shared_health_check`).
    pub enabled: bool,
    /// False: only forced runs (`background_health_checks`).
    pub background: bool,
    /// From one probe of a check to the next. 1 s to 30 days.
    pub interval: Duration,
    /// How long a lease lasts unless renewed. At least six times `backend.timeout`, at most a day.
    pub lock_ttl: Duration,
    /// How long a result counts as fresh. Unless set, the larger of 300 s and `interval`.
    pub cache_ttl: Duration,
    /// One lock for all checks, or one each.
    pub lock_scope: LockScope,
    /// Share of the interval over which isolated pods and restarts are spread. 0 to 0.5.
    pub jitter: f64,
}

/// What one lock covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockScope {
    /// All checks.
    Fleet,
    /// One check.
    Check,
}

/// How probes are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Most probes at once. 1 to 10,000.
    pub concurrency: usize,
    /// Whether `concurrency` was set by somebody, or is the default.
    pub concurrency_is_explicit: bool,
    /// Longest time for one probe; a check's own timeout has been put into the check already.
    pub timeout: Duration,
    /// Passes in a row that make a check healthy. At least 1.
    pub healthy_after: u32,
    /// Failures in a row that make a check unhealthy. At least 1.
    pub unhealthy_after: u32,
    /// Time over which a round's probes are spread. Shorter than the interval.
    pub spread: Duration,
    /// How checks are asked that say nothing of it, as their provider does not either. It has been put into the checks
    /// already.
    pub kind: ProbeKind,
    /// The same for how often their full probe is made; none: each time. At most 30 days.
    pub inference_every: Option<Duration>,
    /// What holds for the checks of a provider, which has been put into them already. None of the values is empty.
    pub providers: BTreeMap<String, ProviderProbe>,
    /// Most probes at once by provider, for those that have a limit of their own. 1 to 10,000; one for Ollama unless set.
    pub lanes: BTreeMap<String, usize>,
    /// Outcomes that count as healthy beside [`Outcome::Healthy`], each once; never [`Outcome::ConfigError`].
    pub passes: Vec<Outcome>,
    /// A certificate authority to trust beside the built-in ones, PEM. Not opened here.
    pub ca: Option<PathBuf>,
    /// Whether the proxies that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name are used.
    pub proxies: bool,
    /// Headers of every probe, in the order of their names, which are valid, lower case and frame no message.
    pub headers: Vec<(String, Secret)>,
}

/// What holds for the checks of one provider that do not say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderProbe {
    /// How they are asked.
    pub kind: Option<ProbeKind>,
    /// How often their full probe is made.
    pub inference_every: Option<Duration>,
}

/// The HTTP surface.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Keys that are let in. Without any, `listen` is a loopback address or `allow_anonymous` is true.
    pub api_keys: Vec<Secret>,
    /// Answer everybody where no key is configured, also on an address open to the network.
    pub allow_anonymous: bool,
    /// Whether `/metrics` wants a key.
    pub metrics_auth: bool,
    /// Whether the dashboard's data is open.
    pub public_dashboard: bool,
    /// How long a stop may take: probes in flight, then open requests. At most an hour.
    pub drain: Duration,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Least level that is logged.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// Levels, from few lines to many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// As written in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object per line.
    Json,
}

/// What belongs to LiteLLM only.
#[derive(Clone, Debug, PartialEq)]
pub struct Litellm {
    /// The LiteLLM file that was read, if any.
    pub config: Option<PathBuf>,
    /// Every file read for it, includes too: what to watch for changes.
    pub files: Vec<PathBuf>,
    /// `health_check_details`: false leaves only `model`, `model_id` and `exception_status` in LiteLLM-shaped answers.
    pub details: bool,
    /// Wire mode as set by hand; none leaves it to the rule of [`Litellm::shares`].
    pub wire: Option<bool>,
    /// How many of the first checks are LiteLLM's deployments.
    pub deployments: usize,
    /// How long LiteLLM's pods take a shared report for current: `DEFAULT_SHARED_HEALTH_CHECK_TTL`, which they read as well;
    /// else their default of 300 s, or `coordination.cache_ttl` where that is shorter.
    pub readers_ttl: Duration,
    /// How long LiteLLM's pods keep what they write themselves: that variable, else 300 s.
    pub writers_ttl: Duration,
    /// How long they wait for the holder of their lock: `DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL`, else 60 s.
    pub readers_wait: Duration,
    /// Whether the LiteLLM file has `use_shared_health_check: true` and Redis as its cache (or only in `REDIS_*`), and the
    /// backend is that very Redis, or etcd in its place: its pods share their checks, so one expects them to be served.
    pub shares: bool,
    /// `store_model_in_db`: LiteLLM knows models that stand in no file.
    pub store_model_in_db: bool,
    /// A cost map in LiteLLM's format.
    pub cost_map: Option<PathBuf>,
    /// What the file's `environment_variables` export. Where a provider's key or base is looked up in the environment,
    /// these go before the process' own.
    pub environment: BTreeMap<String, Secret>,
}

//! Every key, in the order in which they are shown.

use super::Change::{Reload, Restart};
use super::Shape::{
    Anything, Flag, NamedTexts, Opaque, Share, Span, Text, Texts, Whole, Word, Words,
};
use super::{Change, Row, Shape};

const PROBES: &[&str] = &["auto", "inference", "free", "reachability"];
const OUTCOMES: &[&str] = &[
    "unauthorized",
    "forbidden",
    "not_found",
    "rate_limited",
    "overloaded",
    "timeout",
    "connect",
    "tls",
    "dns",
    "bad_answer",
    "content_filter",
];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
const MANY: u64 = 1_000_000;

const fn row(path: &'static str, shape: Shape, change: Change, help: &'static str) -> Row {
    Row {
        path,
        shape,
        change,
        unset: "",
        litellm: "",
        help,
    }
}

impl Row {
    const fn unset(mut self, what: &'static str) -> Self {
        self.unset = what;
        self
    }

    const fn litellm(mut self, names: &'static str) -> Self {
        self.litellm = names;
        self
    }
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("fleet.name", Text, Restart, "The pods of one fleet share this name in the store: 1 to 64 letters, digits, `-`, `_` or `.`."),
    row("fleet.secret", Opaque, Restart, "Keys the digest of the list of checks, so that nobody who may read the store can try out which keys and models are used.").unset("`fleet.name` keys it"),
    row("fleet.pod_id", Text, Restart, "This pod's name, unlike that of any other.").unset("`POD_NAME` or the host's name, and a random suffix"),
    row("coordination.enabled", Flag, Restart, "False: every pod checks for itself, as if there were no store.").litellm("`use_shared_health_check`, `USE_SHARED_HEALTH_CHECK`"),
    row("coordination.background", Flag, Reload, "False: nothing is asked unless somebody asks for it.").litellm("`background_health_checks`"),
    row("coordination.interval", Span, Reload, "From one probe of a check to the next.").litellm("`health_check_interval`, `DEFAULT_HEALTH_CHECK_INTERVAL`"),
    row("coordination.lock_ttl", Span, Reload, "How long a dead pod can hold the others up. At least six times `backend.timeout`; on etcd whole seconds, two at least.").litellm("`DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL`"),
    row("coordination.cache_ttl", Span, Reload, "How long a result counts as fresh. Shorter than the interval, it sets the pace.").unset("the larger of `5m` and `coordination.interval`").litellm("`DEFAULT_SHARED_HEALTH_CHECK_TTL`"),
    row("coordination.lock_scope", Word(&["fleet", "check"]), Reload, "`fleet`: one pod asks all checks of a round. `check`: each check has its own lock, which spreads them over the pods."),
    row("coordination.jitter", Share(Some("0.5")), Reload, "Share of the interval over which pods without a store spread their probes."),
    row("backend.kind", Word(&["redis", "etcd", "memory"]), Restart, "Where leases and reports are kept; `memory` is this process alone.").unset("the one whose address is given; else redis, if the LiteLLM file, `REDIS_URL` or `REDIS_HOST` names one; else memory"),
    row("backend.timeout", Span, Restart, "Longest time for one store operation."),
    row("backend.redis.url", Opaque, Restart, "`redis://user:password@host:6379/0`, `rediss://` for TLS, or `unix:///path/to/socket`.").litellm("`REDIS_URL`"),
    row("backend.redis.host", Text, Restart, "One server. Say once where Redis is: `url`, `host`, `sentinel` or `cluster`.").litellm("`REDIS_HOST`"),
    row("backend.redis.port", Whole(0, 65_535), Restart, "Its port.").unset("6379").litellm("`REDIS_PORT`"),
    row("backend.redis.db", Whole(0, 65_535), Restart, "Its database; a cluster has only 0.").unset("0").litellm("`REDIS_DB`"),
    row("backend.redis.username", Opaque, Restart, "Who signs in.").litellm("`REDIS_USERNAME`"),
    row("backend.redis.password", Opaque, Restart, "With which password.").litellm("`REDIS_PASSWORD`"),
    row("backend.redis.ssl", Flag, Restart, "TLS, to the sentinels too.").unset("false").litellm("`REDIS_SSL`"),
    row("backend.redis.namespace", Opaque, Restart, "The prefix of LiteLLM's own keys, for its wire mode only.").litellm("`cache_params.namespace`"),
    row("backend.redis.tls.ca", Text, Restart, "The authority to trust in place of the public ones: a PEM file."),
    row("backend.redis.tls.cert", Text, Restart, "A client certificate: a PEM file."),
    row("backend.redis.tls.key", Text, Restart, "Its key: a PEM file."),
    row("backend.redis.tls.server_name", Text, Restart, "The name that the server's certificate has to carry, where it is not the host's."),
    row("backend.redis.sentinel.master", Opaque, Restart, "The primary that the sentinels name."),
    row("backend.redis.sentinel.nodes", Texts, Restart, "The sentinels, `host:port`."),
    row("backend.redis.sentinel.username", Opaque, Restart, "The sentinels' own user."),
    row("backend.redis.sentinel.password", Opaque, Restart, "The sentinels' own password."),
    row("backend.redis.cluster", Texts, Restart, "Nodes of a cluster, `host:port`; a few are enough, the others are learned from them."),
    row("backend.etcd.endpoints", Texts, Restart, "The members: `http://host:port`, or `https://host:port` for TLS; all alike."),
    row("backend.etcd.username", Opaque, Restart, "Who signs in."),
    row("backend.etcd.password", Opaque, Restart, "With which password."),
    row("backend.etcd.tls.ca", Text, Restart, "The authority to trust in place of the public ones: a PEM file."),
    row("backend.etcd.tls.cert", Text, Restart, "A client certificate: a PEM file."),
    row("backend.etcd.tls.key", Text, Restart, "Its key: a PEM file."),
    row("backend.etcd.tls.server_name", Text, Restart, "The name that the members' certificates have to carry, where it is not the host's."),
    row("probe.concurrency", Whole(1, 10_000), Reload, "Most probes at once.").litellm("`health_check_concurrency`"),
    row("probe.timeout", Span, Reload, "Longest time for one probe; a check may have its own.").litellm("`HEALTH_CHECK_TIMEOUT_SECONDS`"),
    row("probe.healthy_after", Whole(1, 64), Reload, "Passes in a row that make a check healthy."),
    row("probe.unhealthy_after", Whole(1, 64), Reload, "Failures in a row that make a check unhealthy."),
    row("probe.spread", Span, Reload, "Time over which the probes of a round are spread; shorter than the interval."),
    row("probe.probe", Word(PROBES), Reload, "How checks are asked. `auto`: by a call like those of users, unless that bills for real output. `inference`: by such a call in any case. `free`: by the provider's free call. `reachability`: by whether something answers there, without a key.").litellm("`model_info.health_check_probe`"),
    row("probe.intervals.inference", Span, Reload, "How often the full probe of a check is made, with a free one at every other turn of the interval; at most 30 days.").unset("each time").litellm("`model_info.health_check_inference_interval`"),
    row("probe.healthy_outcomes", Words(OUTCOMES), Reload, "Outcomes that count as healthy beside `healthy`.").unset("none"),
    row("probe.ca", Text, Reload, "A certificate authority to trust beside the public ones: a PEM file."),
    row("probe.proxy", Flag, Reload, "Whether the proxies that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name are used."),
    row("probe.headers", NamedTexts, Reload, "Sent with every probe, to every vendor. What shows who asks belongs to a check's `params.extra_headers`."),
    row("probe.providers.*.probe", Word(PROBES), Reload, "`probe.probe` for one provider, by the name before the slash of a model."),
    row("probe.providers.*.intervals.inference", Span, Reload, "`probe.intervals.inference` for one provider."),
    row("probe.providers.*.concurrency", Whole(1, 10_000), Reload, "Most probes of one provider at once.").unset("1 of `ollama` and of `ollama_chat`; all others share `probe.concurrency`"),
    row("budget.per_day", Share(None), Reload, "What the whole fleet may spend on probes per day (UTC), in dollars; at the limit checks are asked by what is free. Not with `coordination.lock_scope = \"check\"`.").unset("no limit"),
    row("budget.providers.*", Share(None), Reload, "The same for one provider.").unset("no limit"),
    row("http.listen", Text, Restart, "Address and port. One that others can reach needs a key, or `http.allow_anonymous`."),
    row("http.api_keys", Texts, Reload, "Who sends one of these as a Bearer token is let in.").unset("none").litellm("`master_key` and `LITELLM_MASTER_KEY` count too"),
    row("http.allow_anonymous", Flag, Reload, "Answer everybody, where no key is configured."),
    row("http.metrics_auth", Flag, Reload, "Whether `/metrics` wants a key."),
    row("http.public_dashboard", Flag, Reload, "Whether the dashboard's data is open."),
    row("http.drain", Span, Restart, "How long a stop may take: probes in flight, then open requests."),
    row("log.level", Word(LEVELS), Reload, "Least level that is logged.").litellm("`set_verbose: true` means debug"),
    row("log.format", Word(&["text", "json"]), Restart, "`text` for people, `json` for machines. Logs go to stderr."),
    row("litellm.config", Text, Reload, "LiteLLM's own configuration: its deployments are checked, and its settings hold unless this file says otherwise."),
    row("litellm.details", Flag, Reload, "False: answers in LiteLLM's shape have only `model`, `model_id` and `exception_status`.").litellm("`health_check_details`"),
    row("litellm.wire", Flag, Restart, "Whether LiteLLM's own pods live off our report, over their two keys in Redis.").unset("on if the LiteLLM file has `use_shared_health_check` and its Redis is our store"),
    row("litellm.cost_map", Text, Reload, "A cost map in LiteLLM's format: what models do and cost, where the configuration does not say."),
    row("checks[].name", Text, Reload, "Unique; the check's id.").unset("required"),
    row("checks[].model", Text, Reload, "`provider/model`, as LiteLLM writes it. A check has exactly one of `model`, `http` and `tcp`."),
    row("checks[].http", Text, Reload, "A URL, healthy on a status below 400."),
    row("checks[].tcp", Text, Reload, "`host:port`, healthy when it takes a connection."),
    row("checks[].api_key", Opaque, Reload, "The key to ask with.").unset("the provider's own variable"),
    row("checks[].api_base", Text, Reload, "Where to ask.").unset("the provider's own address"),
    row("checks[].mode", Text, Reload, "What kind of model it is, such as `chat` or `embedding`.").unset("what the cost map or the model's name says, else `chat`"),
    row("checks[].timeout", Span, Reload, "Longest time for one probe of it.").unset("`probe.timeout`"),
    row("checks[].probe", Word(PROBES), Reload, "How it is asked.").unset("as its provider's, else `probe.probe`"),
    row("checks[].intervals.inference", Span, Reload, "How often its full probe is made.").unset("as its provider's, else `probe.intervals.inference`"),
    row("checks[].max_tokens", Whole(1, MANY), Reload, "The most output tokens of a probe.").unset("as docs/providers.md says of its mode"),
    row("checks[].base_model", Text, Reload, "The model behind a name that does not say it, such as an Azure deployment's."),
    row("checks[].input_cost_per_token", Share(None), Reload, "Dollars.").unset("the cost map's"),
    row("checks[].output_cost_per_token", Share(None), Reload, "Dollars.").unset("the cost map's"),
    row("checks[].cost_per_call", Share(None), Reload, "Dollars, for what is billed by the call, such as images.").unset("the cost map's"),
    row("checks[].params", Anything, Reload, "Whatever else a provider needs, as in LiteLLM's `litellm_params`. Texts may be references here, too."),
];

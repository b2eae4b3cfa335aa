//! Whether LiteLLM's pods can be served, and when rounds have to start for it.

use std::time::Duration;

use watchkeeper_core::coordinator::Load;

/// Between a round that may take long and the end of what LiteLLM's readers believe.
const LEAD: Duration = Duration::from_secs(5);

/// Of the time that readers wait for a lock's holder, what is kept for looking every 5 s, and for clocks that run apart.
const WAIT_MARGIN: Duration = Duration::from_secs(10);

/// What the decision depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// `litellm.wire`, where somebody set it.
    pub by_hand: Option<bool>,
    /// The configuration is a LiteLLM file that shares its checks over the Redis that is our store.
    pub expected: bool,
    /// The store, in which LiteLLM's two keys would lie.
    pub store: Store,
    /// `coordination.enabled`.
    pub coordinates: bool,
    /// `coordination.background`, and a check that rounds ask.
    pub has_rounds: bool,
    /// One lock for all checks.
    pub one_lock: bool,
    /// `store_model_in_db`.
    pub models_in_database: bool,
    /// Names of checks that LiteLLM asks and we cannot.
    pub unaskable: Vec<String>,
    /// What a round may ask.
    pub load: Load,
    /// `probe.concurrency`.
    pub concurrency: usize,
    /// Whether somebody set it.
    pub concurrency_is_explicit: bool,
    /// `coordination.interval`.
    pub interval: Duration,
    /// How long LiteLLM's readers wait for a lock's holder (`DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL`, 60 s).
    pub wait: Duration,
    /// How long LiteLLM's readers believe a report (`DEFAULT_SHARED_HEALTH_CHECK_TTL`, 300 s).
    pub ttl: Duration,
}

/// A store, as far as LiteLLM's keys are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// One primary, by itself or named by sentinels.
    Redis,
    /// A cluster: the two keys lie in two slots, and no step reaches over both.
    RedisCluster,
    /// LiteLLM knows no etcd.
    Etcd,
    /// No other process sees it.
    Memory,
}

impl Store {
    /// Why LiteLLM's pods cannot be served over it.
    fn unfit(self) -> Option<&'static str> {
        match self {
            Self::Redis => None,
            Self::RedisCluster => Some(
                "the store is a Redis Cluster, in which LiteLLM's lock and results lie in two slots, so no one step can write \
                 both: give `backend.redis` a Redis without cluster mode that LiteLLM's pods use too",
            ),
            Self::Etcd => Some(
                "the store is etcd, and LiteLLM's pods share over Redis only: set `backend.redis` to theirs in place of \
                 `backend.etcd`",
            ),
            Self::Memory => Some(
                "the store is this process alone, and LiteLLM's pods share over Redis: set `backend.redis` to theirs",
            ),
        }
    }
}

/// When rounds have to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From the start of a round to that of the next, at most.
    pub every: Duration,
    /// The longest a round may take, with [`Timing::concurrency`].
    pub round: Duration,
    /// How many probes at once.
    pub concurrency: usize,
    /// How long LiteLLM's readers believe a report.
    pub ttl: Duration,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nobody expects it.
    Off,
    /// It would be expected, and stays off: why, with the remedy.
    StaysOff(String),
    /// It would be expected, and LiteLLM's readers believe a report for too short: both figures, with the remedy.
    TooShort(String),
    /// It was asked for by hand, and cannot be: why, with the remedy.
    Refused(String),
    /// LiteLLM's pods are served.
    On(Timing),
}

/// The least concurrency, not below what is set, with which a round takes no more than a third of the readers' time; with
/// all checks at once where that is not enough.
fn concurrency(facts: &Facts) -> usize {
    if facts.concurrency_is_explicit {
        return facts.concurrency;
    }
    facts.load.concurrency_for(facts.ttl / 3, facts.concurrency)
}

impl Plan {
    /// Decides.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let by_hand = match facts.by_hand {
            Some(false) => return Self::Off,
            Some(true) => true,
            None if !facts.expected => return Self::Off,
            None => false,
        };
        if let Some(why) = facts.store.unfit() {
            return Self::not(by_hand, why.to_owned());
        }
        let never = [
            (
                !facts.coordinates,
                "`coordination.enabled` is false, so there is no shared report",
            ),
            (
                !facts.has_rounds,
                "no round happens by itself (`coordination.background`), so nothing would refresh the report",
            ),
            (
                !facts.one_lock,
                "`coordination.lock_scope` is `check`, and LiteLLM has one lock for all: set it to `fleet`",
            ),
        ];
        if let Some((_, why)) = never.into_iter().find(|(applies, _)| *applies) {
            return Self::not(by_hand, why.to_owned());
        }
        if !by_hand && facts.models_in_database {
            return Self::StaysOff(
                "`store_model_in_db` is set, and LiteLLM's pods would miss the models that stand only in its database: \
                 set `litellm.wire` to true if there are none"
                    .to_owned(),
            );
        }
        if let (false, Some(first)) = (by_hand, facts.unaskable.first()) {
            return Self::StaysOff(format!(
                "{} of the models that LiteLLM asks cannot be asked from here, the first is `{first}`, and its pods would \
                 miss them: `watchkeeper check --plan` says why; set `litellm.wire` to true to serve the others",
                facts.unaskable.len()
            ));
        }
        let concurrency = concurrency(facts);
        let round = facts.load.round(concurrency);
        if facts.ttl <= round + LEAD {
            let why = format!(
                "a round may take {round:?}, and LiteLLM's pods believe a report for {:?} only, which must be more by {LEAD:?} \
                 at least: raise `DEFAULT_SHARED_HEALTH_CHECK_TTL` of LiteLLM's pods and here, or lower the timeouts of the \
                 checks",
                facts.ttl
            );
            return if by_hand {
                Self::Refused(why)
            } else {
                Self::TooShort(why)
            };
        }
        // While the lock is held its readers wait, so a round that is over by then may begin late.
        let patience = facts.wait.saturating_sub(WAIT_MARGIN);
        let lead = if round <= patience {
            LEAD
        } else {
            round + LEAD
        };
        Self::On(Timing {
            every: facts.interval.min(facts.ttl - lead),
            round,
            concurrency,
            ttl: facts.ttl,
        })
    }

    fn not(by_hand: bool, why: String) -> Self {
        if by_hand {
            Self::Refused(why)
        } else {
            Self::StaysOff(why)
        }
    }
}

impl Timing {
    /// What it costs, for people: how often rounds happen in place of once per `interval`.
    #[must_use]
    pub fn cost(&self, interval: Duration) -> String {
        if self.every >= interval {
            return format!("at no cost: a round every {interval:?} as without");
        }
        format!(
            "a round every {:?} in place of {interval:?}, {:.2} times the probes, since they believe a report for {:?} and a \
             round may take {:?}",
            self.every,
            interval.as_secs_f64() / self.every.as_secs_f64(),
            self.ttl,
            self.round
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// So many checks with this time limit, in seconds.
    fn load(checks: usize, longest: u64) -> Load {
        let checks = std::iter::repeat_n(("openai", seconds(longest)), checks);
        Load::of(checks, &BTreeMap::new(), Duration::ZERO)
    }

    fn facts() -> Facts {
        Facts {
            by_hand: None,
            expected: true,
            store: Store::Redis,
            coordinates: true,
            has_rounds: true,
            one_lock: true,
            models_in_database: false,
            unaskable: Vec::new(),
            load: load(5, 60),
            concurrency: 16,
            concurrency_is_explicit: false,
            interval: seconds(300),
            wait: seconds(60),
            ttl: seconds(300),
        }
    }

    fn on(facts: &Facts) -> Timing {
        match Plan::of(facts) {
            Plan::On(timing) => timing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rounds_start_early_enough_for_their_readers() {
        for (longest, every) in [
            // Over before the readers lose patience: five seconds are enough.
            (10, 295),
            (50, 295),
            // Else the whole round has to fit in.
            (51, 300 - 51 - 5),
            (60, 235),
        ] {
            let facts = Facts {
                load: load(5, longest),
                ..facts()
            };
            assert_eq!(on(&facts).every, seconds(every), "{longest}");
        }
        let often = Facts {
            interval: seconds(30),
            ..facts()
        };
        assert_eq!(on(&often).every, seconds(30));
        let impatient = Facts {
            load: load(5, 10),
            wait: seconds(15),
            ..facts()
        };
        assert_eq!(on(&impatient).every, seconds(285));
    }

    #[test]
    fn concurrency_rises_until_a_round_takes_a_third_of_their_time() {
        let many = |checks, explicit| Facts {
            load: load(checks, 30),
            concurrency_is_explicit: explicit,
            ..facts()
        };
        // Three waves of 30 s fit into 100 s.
        assert_eq!(on(&many(48, false)).concurrency, 16);
        assert_eq!(on(&many(100, false)).concurrency, 34);
        assert_eq!(on(&many(100, false)).round, seconds(90));
        assert_eq!(on(&many(100, true)).concurrency, 16);
        // Not even one wave fits: all at once is the best there is.
        let slow = Facts {
            load: load(40, 120),
            ..many(40, false)
        };
        assert_eq!(on(&slow).concurrency, 40);
    }

    #[test]
    fn a_time_too_short_for_a_round_turns_it_off_or_is_refused() {
        let short = Facts {
            ttl: seconds(65),
            ..facts()
        };
        let Plan::TooShort(why) = Plan::of(&short) else {
            panic!("it is on")
        };
        assert!(why.contains("60s") && why.contains("65s"), "{why}");
        let by_hand = Facts {
            by_hand: Some(true),
            ..short
        };
        assert!(matches!(Plan::of(&by_hand), Plan::Refused(_)));
    }

    #[test]
    fn what_their_pods_would_miss_turns_it_off_unless_it_is_set_by_hand() {
        let database = Facts {
            models_in_database: true,
            ..facts()
        };
        let unaskable = Facts {
            unaskable: vec!["claude".into()],
            ..facts()
        };
        for facts in [database, unaskable] {
            assert!(matches!(Plan::of(&facts), Plan::StaysOff(_)));
            on(&Facts {
                by_hand: Some(true),
                ..facts
            });
        }
    }

    #[test]
    fn what_cannot_work_at_all_is_refused_by_hand() {
        let store = |store| Facts { store, ..facts() };
        let [cluster, etcd, memory] = [Store::RedisCluster, Store::Etcd, Store::Memory].map(store);
        let alone = Facts {
            coordinates: false,
            ..facts()
        };
        let forced_only = Facts {
            has_rounds: false,
            ..facts()
        };
        let scope = Facts {
            one_lock: false,
            ..facts()
        };
        for facts in [cluster, etcd, memory, alone, forced_only, scope] {
            assert!(matches!(Plan::of(&facts), Plan::StaysOff(_)));
            let by_hand = Facts {
                by_hand: Some(true),
                ..facts.clone()
            };
            assert!(matches!(Plan::of(&by_hand), Plan::Refused(_)));
            let off = Facts {
                by_hand: Some(false),
                ..facts
            };
            assert_eq!(Plan::of(&off), Plan::Off);
        }
        let unexpected = Facts {
            expected: false,
            ..facts()
        };
        assert_eq!(Plan::of(&unexpected), Plan::Off);
    }

    #[test]
    fn a_store_that_cannot_serve_them_is_named_with_its_reason() {
        for (store, word) in [
            (Store::RedisCluster, "two slots"),
            (Store::Etcd, "etcd"),
            (Store::Memory, "this process"),
        ] {
            let Plan::StaysOff(why) = Plan::of(&Facts { store, ..facts() }) else {
                panic!("{store:?} serves")
            };
            assert!(
                why.contains(word) && why.contains("`backend.redis`"),
                "{why}"
            );
        }
    }

    #[test]
    fn the_cost_is_told_in_figures() {
        let timing = on(&facts());
        let told = timing.cost(seconds(300));
        assert!(told.contains("235s") && told.contains("1.28"), "{told}");
        let often = Facts {
            interval: seconds(30),
            ..facts()
        };
        assert!(on(&often).cost(seconds(30)).contains("no cost"));
    }
}

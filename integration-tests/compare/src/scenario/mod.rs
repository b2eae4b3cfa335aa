//! The scenarios, in the groups that run at the same time.

mod lists;
mod load;
mod outage;
mod poison;
mod slow;
mod start;
mod steady;
mod takeover;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use watchkeeper_integration_tests::daemon::Program;

use crate::finding::Finding;
use crate::stand::LOCK;

/// What one side of a scenario does.
type Running = Pin<Box<dyn Future<Output = Vec<Finding>>>>;

/// One scenario.
pub(crate) struct Scenario {
    /// On the command line, and its heading.
    pub(crate) name: &'static str,
    /// What is done, for the document.
    pub(crate) what: &'static str,
    /// Runs it with one program's pods.
    pub(crate) run: fn(Program) -> Running,
}

/// Scenarios that run at the same time, both sides of each.
pub(crate) struct Group {
    pub(crate) scenarios: &'static [Scenario],
    /// One after the other instead, one side after the other.
    pub(crate) alone: bool,
}

const fn together(scenarios: &'static [Scenario]) -> Group {
    Group {
        scenarios,
        alone: false,
    }
}

/// A lock that a slow model outlasts.
const SHORT_LOCK: Duration = Duration::from_secs(10);
/// Between the starts of pods that are started one after the other: no divisor of the interval.
const STAGGER: Duration = Duration::from_millis(5700);

/// All of them, in the order in which they run.
pub(crate) const GROUPS: [Group; 6] = [
    Group {
        scenarios: &[
            Scenario {
                name: "start",
                what: "One pod started alone, three times on an empty Redis, then idle for 30 s.",
                run: |program| Box::pin(start::run(program)),
            },
            Scenario {
                name: "load",
                what: "One pod under load over kept connections, log level `ERROR`, 5 s each.",
                run: |program| Box::pin(load::run(program)),
            },
        ],
        alone: true,
    },
    together(&[
        Scenario {
            name: "steady",
            what: "All pods started at once; five intervals in which nothing happens, then five rounds that each find \
                   something else.",
            run: |program| Box::pin(steady::run(program, Duration::ZERO)),
        },
        Scenario {
            name: "staggered",
            what: "The same with pods started 5.7 s apart.",
            run: |program| Box::pin(steady::run(program, STAGGER)),
        },
    ]),
    together(&[
        Scenario {
            name: "slow-10",
            what: "One of the models answers after 25 s; lock TTL 10 s; 140 s.",
            run: |program| Box::pin(slow::run(program, SHORT_LOCK, Duration::from_secs(140))),
        },
        Scenario {
            name: "slow-60",
            what: "One of the models answers after 25 s; lock TTL 60 s; 100 s.",
            run: |program| Box::pin(slow::run(program, LOCK, Duration::from_secs(100))),
        },
        Scenario {
            name: "two-lists",
            what: "Pod A with models 1, 2, 3, then pod B with models 3, 4, 5 on the same Redis; 60 s.",
            run: |program| Box::pin(lists::run(program)),
        },
    ]),
    together(&[
        Scenario {
            name: "stopped",
            what: "Redis is killed just before a round is due, and started again, empty, after 110 s.",
            run: |program| Box::pin(outage::run(program, outage::How::Stopped)),
        },
        Scenario {
            name: "hung",
            what: "Redis is frozen (SIGSTOP) just before a round is due, and woken after 90 s.",
            run: |program| Box::pin(outage::run(program, outage::How::Hung)),
        },
    ]),
    together(&[
        Scenario {
            name: "cold",
            what: "The pods start while Redis is down.",
            run: |program| Box::pin(outage::cold(program)),
        },
        Scenario {
            name: "poison",
            what: "Two pods; values of another kind in the key that holds the shared results.",
            run: |program| Box::pin(poison::run(program)),
        },
    ]),
    together(&[
        Scenario {
            name: "killed-60",
            what: "`kill -9` of the pod that checks while one model has not answered; lock TTL 60 s; twice. Whoever asks \
                   next is answered at once.",
            run: |program| Box::pin(takeover::run(program, LOCK)),
        },
        Scenario {
            name: "killed-10",
            what: "The same; lock TTL 10 s.",
            run: |program| Box::pin(takeover::run(program, SHORT_LOCK)),
        },
    ]),
];

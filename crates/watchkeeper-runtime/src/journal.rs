//! What people read: log lines and counts of what the coordinators tell. The capitalised lines are LiteLLM's own words,
//! so that log searches written for it go on working.

use std::collections::HashMap;

use tracing::{debug, info, warn};
use watchkeeper_core::coordinator::{Happening, RoundKind};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::status::Totals;
use watchkeeper_core::time::Moment;

use crate::metrics::Metrics;

/// Writes down one happening of a group, at `now`. `followed` has the last round of another pod that was counted.
pub(crate) fn record(
    pod: &PodId,
    group: &GroupId,
    happening: &Happening,
    followed: &mut HashMap<GroupId, Token>,
    totals: &mut Totals,
    metrics: &Metrics,
    now: Moment,
) {
    match happening {
        Happening::LeaseAcquired(token) => {
            info!(%group, %token, "Pod {pod} acquired health check lock")
        }
        Happening::LeaseReleased(token) => {
            info!(%group, %token, "Pod {pod} released health check lock")
        }
        Happening::Published {
            token,
            healthy,
            unhealthy,
        } => info!(
            %group, %token,
            "Cached health check results for {healthy} healthy and {unhealthy} unhealthy endpoints"
        ),
        Happening::PublishedSoFar { token, entries } => {
            debug!(%group, %token, entries, "what is found so far is published, the round goes on");
        }
        Happening::Adopted {
            by,
            token,
            entries,
            saved,
        } => {
            debug!(%group, %token, checked_by = %by, entries, "Using cached health check results");
            // A long round publishes as it goes: what it brings later is the same round.
            if followed.insert(group.clone(), *token) != Some(*token) {
                totals.followed += 1;
                metrics.round("followed", now);
            }
            totals.saved += u64::try_from(*entries).unwrap_or(0);
            metrics
                .probes_saved
                .inc_by(u64::try_from(*entries).unwrap_or(0));
            for (provider, cost) in saved {
                totals.saved_cost += *cost;
                metrics.cost_saved(provider, *cost);
            }
        }
        Happening::Spent { provider, cost } => {
            totals.spent += *cost;
            metrics.cost(provider, *cost);
        }
        Happening::Spared { provider, why } => metrics.spared(provider, *why),
        Happening::BudgetSpent {
            provider,
            spent,
            budget,
        } => {
            let whose = provider.as_deref().unwrap_or("all providers");
            warn!(
                %group, provider = whose, spent_usd = spent.as_dollars(), budget_usd = budget.as_dollars(),
                "the day's budget does not bear the next full probe, checks fall back to their free probes"
            );
        }
        Happening::AdoptedForeign { by, entries } => {
            info!(%group, checked_by = %by, entries, "a LiteLLM pod's report is used instead of probes");
            metrics.wire_adopted.inc();
        }
        Happening::Turned(transition) => {
            let (check, by) = (&transition.check, &transition.by);
            let token = transition.token.map(tracing::field::display);
            let error = transition.error.as_deref();
            let outcome = transition.outcome.as_str();
            match (by == pod, transition.healthy) {
                (true, true) => info!(%group, %check, token, "check turned healthy"),
                (true, false) => {
                    info!(%group, %check, token, outcome, error, "check turned unhealthy")
                }
                (false, healthy) => {
                    debug!(%group, %check, checked_by = %by, token, healthy, outcome, error, "check turned, as another pod found")
                }
            }
        }
        Happening::NothingDue => debug!(%group, "Using cached health check results"),
        Happening::LeaseLost(token, reason) => {
            metrics.lease_lost.inc();
            warn!(%group, %token, reason = reason.as_str(), "lease lost, probing stops and finished answers are kept");
        }
        Happening::Fenced { token, current } => {
            metrics.publishes_fenced.inc();
            if current > token {
                warn!(%group, %token, %current, "report refused, another pod has led since: nothing was overwritten");
            } else {
                warn!(%group, %token, "report refused, the lease is not in the store any more");
            }
        }
        Happening::RoundEnded { kind, probes } => {
            let how = match kind {
                RoundKind::Led => "led",
                RoundKind::Isolated => "isolated",
                RoundKind::Forced => "forced",
            };
            metrics.round(how, now);
            match kind {
                RoundKind::Isolated => totals.isolated += 1,
                RoundKind::Led | RoundKind::Forced => totals.led += 1,
            }
            debug!(%group, how, probes, "round ended");
        }
        Happening::UnreadableReport(why) => {
            warn!(%group, why, "unreadable report in the store, the next publish replaces it");
        }
        Happening::TookDeadLock => {
            warn!(%group, "a lock that had no end or was not one of ours is out of the way")
        }
        Happening::HolderSilent(holder) => {
            let holder = holder.as_ref().map_or("unknown", PodId::as_str);
            warn!(%group, holder, "the lease's holder publishes nothing, this pod checks for itself");
        }
        Happening::StoreFailed(error) => debug!(%group, %error, "store operation failed"),
        Happening::PublishRefused(error) => {
            warn!(%group, %error, "the store refuses our report, this pod checks for itself");
        }
        Happening::Isolated => debug!(%group, "this group checks for itself"),
        Happening::Rejoined => debug!(%group, "this group is part of the fleet again"),
        Happening::TokensReset => {
            warn!(%group, "the store's tokens start anew below those seen before")
        }
        Happening::Stopped => debug!(%group, "handed over"),
    }
}

//! The same promises on each kind of server that a fleet may have: a Redis, a Redis Cluster, an etcd.

mod bare_etcd;
mod calls;
mod cycles;

use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::redis_cluster::RedisCluster;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::fleet::{seen, takeover};
use crate::row::{Row, Target};
use crate::server::Server;
use crate::store::commands;
use crate::{Ctx, Error};

/// Checks of the fleets whose commands are counted.
const CHECKS: usize = 100;

/// What is promised of a kind of server, in milliseconds.
struct Promise {
    /// A report of 100 checks, shown by all.
    seen: f64,
    /// From the end of a killed holder's lease to the next round.
    takeover: f64,
}

/// The rows of one kind of server after the other: no two servers run at a time.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let redis = Promise {
        seen: 5.0,
        takeover: 200.0,
    };
    let etcd = Promise {
        seen: 15.0,
        takeover: 1_000.0,
    };
    let mut rows = of(Server::Redis(RedisProcess::start().await), &redis, ctx).await?;
    rows.extend(of(Server::Cluster(RedisCluster::start().await), &redis, ctx).await?);
    rows.extend(of(Server::Etcd(EtcdProcess::start().await), &etcd, ctx).await?);
    Ok(rows)
}

async fn of(server: Server, promise: &Promise, ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let mut rows = seen::on(&server.place(), Target::AtMost(promise.seen), ctx).await?;
    rows.push(followers(&server, ctx).await?);
    rows.extend(cycles::rows(&server, ctx).await?);
    rows.push(takeover::killed(&server, promise.takeover, ctx).await?);
    Ok(rows)
}

/// Commands of a follower per interval.
async fn followers(server: &Server, ctx: &Ctx) -> Result<Row, Error> {
    let (which, ours) = match server {
        Server::Redis(_) | Server::Cluster(_) => (
            "the busiest of",
            commands::busiest(server, CHECKS, ctx.repeat).await?,
        ),
        Server::Etcd(etcd) => ("one of", calls::rows_of(etcd, CHECKS, ctx).await?),
    };
    let (followers, word) = (commands::PODS - 1, server.place().word());
    Ok(Row {
        what: format!(
            "store commands of {which} {followers} followers per interval, {CHECKS} checks (in-process, on {word}), \
             pings and presence aside"
        ),
        unit: "commands",
        ours,
        peer: Vec::new(),
        peer_name: None,
        target: Target::AtMost(3.0),
    })
}

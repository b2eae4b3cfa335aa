//! The `tcp` check: a port that is to accept a connection.

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Plan, Tier};
use watchkeeper_core::verdict::Outcome;

use crate::classify::Finding;

/// What is asked.
pub(crate) fn plan(host: &str, port: u16) -> Plan {
    Plan {
        provider: "tcp".into(),
        mode: String::new(),
        method: "CONNECT".into(),
        url: format!("tcp://{host}:{port}"),
        auth: "none".into(),
        billed: false,
        tier: Tier::Reachability,
        most_cost: Some(Usd::ZERO),
        ..Plan::default()
    }
}

/// Connects and closes. Addresses of a name are tried in turn until one accepts.
pub(crate) async fn probe(host: &str, port: u16, deadline: Instant) -> Finding {
    timeout_at(deadline, connect(host, port))
        .await
        .unwrap_or_else(|_| Finding::timeout())
}

async fn connect(host: &str, port: u16) -> Finding {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = match lookup_host((host, port)).await {
        Ok(addresses) => addresses,
        Err(error) => {
            return Finding::new(
                Outcome::Dns,
                500,
                format!("the name does not resolve ({error})"),
            );
        }
    };
    let mut finding = Finding::new(Outcome::Dns, 500, "the name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return Finding::healthy(),
            Err(error) => {
                finding = Finding::new(Outcome::Connect, 500, format!("no connection ({error})"));
            }
        }
    }
    finding
}

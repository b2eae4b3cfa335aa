//! The primary of the fleet's slot in a cluster: all keys of a fleet share a hash tag, so they lie in one.

use std::sync::{Mutex, OnceLock};

use redis::Value;
use watchkeeper_core::error::StoreErrorKind;

use super::slots::{self, Range};
use super::turns::in_turn;
use super::{Locator, Purpose, lock};
use crate::dial::Way;
use crate::error::{Failure, Sign};
use crate::options::Node;
use crate::place::Place;

/// So many nodes are asked for the way, and so many are remembered.
const MOST: usize = 16;

/// The nodes that may know the way.
pub(super) struct Cluster {
    seeds: Vec<Node>,
    /// What the keys begin with; any key of the fleet has the same slot.
    prefix: String,
    slot: OnceLock<u16>,
    /// Learned from the last answer, the slot's own nodes first.
    learned: Mutex<Vec<Node>>,
    /// The node that somebody was sent to last.
    hinted: Mutex<Option<Node>>,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Node>, prefix: String) -> Self {
        Self {
            seeds,
            prefix,
            slot: OnceLock::new(),
            learned: Mutex::default(),
            hinted: Mutex::default(),
        }
    }

    /// The next search asks this one first.
    pub(super) fn hint(&self, node: Node) {
        *lock(&self.hinted) = Some(node);
    }

    pub(super) async fn open(&self, locator: &Locator, purpose: Purpose) -> Result<Way, Failure> {
        let tried = Mutex::new(Vec::new());
        let candidates = self.candidates(locator.known_primary());
        let late = |nodes: Vec<Node>| {
            let nodes: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
            let why = format!(
                "no way to the primary of this fleet's slot within `{:?}` by {}: does it still answer",
                locator.timeout(),
                nodes.join(", ")
            );
            Failure::new(StoreErrorKind::Timeout, why)
        };
        let by = |node| self.by(locator, node, purpose, &tried);
        let found = in_turn(candidates, locator.dialer.limit(), by, late).await;
        found.map_err(|failures| Failure::together(failures, "no node of the cluster is named"))
    }

    /// Whom to ask for the way, in this order.
    fn candidates(&self, primary: Option<Place>) -> Vec<Node> {
        let mut candidates = Vec::new();
        let known = lock(&self.hinted).take().into_iter();
        let known = known.chain(primary.and_then(|place| match place {
            Place::Tcp(node) => Some(node),
            Place::Unix(_) => None,
        }));
        let learned = lock(&self.learned).clone();
        // Of the learned ones some, so that there is room for the seeds.
        let learned = learned.into_iter().take(MOST / 2);
        for node in known.chain(learned).chain(self.seeds.iter().cloned()) {
            if candidates.len() < MOST && !candidates.contains(&node) {
                candidates.push(node);
            }
        }
        candidates
    }

    /// By way of one node.
    async fn by(
        &self,
        locator: &Locator,
        node: Node,
        purpose: Purpose,
        tried: &Mutex<Vec<Place>>,
    ) -> Result<Way, Option<Failure>> {
        let mut asked = locator.dialer.open(&Place::Tcp(node.clone())).await?;
        let primary = self.ask(&mut asked, &node).await?;
        let place = Place::Tcp(primary.clone());
        {
            let mut tried = lock(tried);
            if tried.contains(&place) {
                return Err(None);
            }
            tried.push(place.clone());
        }
        let mut way = if primary == node {
            asked
        } else {
            drop(asked);
            locator.dialer.open(&place).await?
        };
        way.peer.place = place;
        let failure = match locator.checked(way, purpose).await {
            Ok(way) => return Ok(way),
            Err(failure) => failure,
        };
        // The slot went on meanwhile, or the node asked knew less than its owner.
        let Sign::Moved(Some(next)) = failure.sign.clone() else {
            return Err(Some(failure));
        };
        let way = locator.dialer.open(&Place::Tcp(next)).await?;
        Ok(locator.checked(way, purpose).await?)
    }

    /// The primary of our slot, as this node knows it.
    async fn ask(&self, way: &mut Way, node: &Node) -> Result<Node, Failure> {
        let slot = match self.slot.get() {
            Some(slot) => *slot,
            None => {
                let mut question = redis::cmd("CLUSTER");
                question.arg("KEYSLOT").arg(&self.prefix);
                let answer = way.ask(question).await.map_err(|e| way.failure(&e))?;
                let Value::Int(slot) = answer else {
                    return Err(strange(way));
                };
                let slot = u16::try_from(slot).map_err(|_| strange(way))?;
                *self.slot.get_or_init(|| slot)
            }
        };
        let mut question = redis::cmd("CLUSTER");
        question.arg("SLOTS");
        let answer = way.ask(question).await.map_err(|e| way.failure(&e))?;
        let ranges = slots::parse(&answer, node).ok_or_else(|| strange(way))?;
        self.learn(&ranges, slot);
        let owner = ranges.into_iter().find(|range| range.holds(slot));
        owner.and_then(|range| range.primary).ok_or_else(|| {
            let why = format!(
                "`{}` knows no node for slot `{slot}`, where this fleet's keys belong: give all slots of the cluster to nodes (`redis-cli --cluster fix`)",
                way.peer.place
            );
            Failure::new(StoreErrorKind::Unwritable, why)
        })
    }

    fn learn(&self, ranges: &[Range], slot: u16) {
        let (ours, others): (Vec<_>, Vec<_>) = ranges.iter().partition(|range| range.holds(slot));
        let ours = ours
            .into_iter()
            .flat_map(|range| range.primary.iter().chain(&range.replicas));
        let others = others
            .into_iter()
            .filter_map(|range| range.primary.as_ref());
        let mut learned: Vec<Node> = Vec::new();
        for node in ours.chain(others) {
            if learned.len() < MOST && !learned.contains(node) {
                learned.push(node.clone());
            }
        }
        if !learned.is_empty() {
            *lock(&self.learned) = learned;
        }
    }
}

fn strange(way: &Way) -> Failure {
    let why = format!(
        "`{}` does not say who has which slots in a way that we understand",
        way.peer.place
    );
    Failure::new(StoreErrorKind::Protocol, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(port: u16) -> Node {
        Node::new("h", port)
    }

    #[test]
    fn the_node_that_one_was_sent_to_is_asked_first_and_the_seeds_are_never_forgotten() {
        let cluster = Cluster::new(vec![node(1), node(2)], "p".into());
        assert_eq!(cluster.candidates(None), [node(1), node(2)]);
        *lock(&cluster.learned) = vec![node(2), node(3)];
        cluster.hint(node(9));
        let primary = Some(Place::Tcp(node(3)));
        let candidates = cluster.candidates(primary.clone());
        assert_eq!(candidates, [node(9), node(3), node(2), node(1)]);
        // A hint serves once.
        assert_eq!(cluster.candidates(primary), [node(3), node(2), node(1)]);
        *lock(&cluster.learned) = (10..99).map(node).collect();
        let many = cluster.candidates(None);
        assert!(many.len() <= MOST && many.contains(&node(1)) && many.contains(&node(2)));
    }

    #[test]
    fn the_slots_own_nodes_are_learned_first_and_only_so_many() {
        let cluster = Cluster::new(vec![node(1)], "p".into());
        let answer = "*2\r\n*3\r\n:0\r\n:1\r\n*3\r\n$1\r\nh\r\n:7\r\n$1\r\nx\r\n\
                      *4\r\n:2\r\n:3\r\n*3\r\n$1\r\nh\r\n:8\r\n$1\r\nx\r\n*3\r\n$1\r\nh\r\n:9\r\n$1\r\nx\r\n";
        let value = redis::parse_redis_value(answer.as_bytes()).unwrap();
        let ranges = slots::parse(&value, &node(1)).unwrap();
        cluster.learn(&ranges, 2);
        assert_eq!(*lock(&cluster.learned), [node(8), node(9), node(7)]);
        cluster.learn(&[], 2);
        assert_eq!(
            lock(&cluster.learned).len(),
            3,
            "an empty answer teaches nothing"
        );
    }
}

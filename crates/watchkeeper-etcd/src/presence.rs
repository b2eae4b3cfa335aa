//! The list of pods: one key each, which ends with a lease of its own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use etcd_client::{Client, GetOptions, PutOptions, SortOrder, SortTarget};
use futures_util::future::try_join;
use watchkeeper_core::cache::{PodSeen, Presence};
use watchkeeper_core::id::PodId;
use watchkeeper_core::time::Moment;

use crate::error::Failure;
use crate::store::EtcdStore;
use crate::term::{self, Term, whole_seconds};
use crate::value::{encode_presence, parse_presence};

/// More pods than any fleet has; the rest of a longer list is not looked at.
const MAX_PODS: i64 = 4096;
/// The largest list that is read: this many pods that say as much as they may.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// What this handle remembers of the fleet.
#[derive(Default)]
pub(crate) struct Fleet {
    /// The lease that the announced pod's key hangs on. A handle announces one pod, its own.
    own: Mutex<Option<(PodId, Term)>>,
    /// The revision of each pod's last word, and when it was first seen.
    seen: Mutex<HashMap<PodId, (i64, Moment)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No step under these locks can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EtcdStore {
    pub(crate) async fn try_announce(
        &self,
        client: Client,
        presence: &Presence,
    ) -> Result<(), Failure> {
        let asked = whole_seconds(presence.ttl);
        let now = self.now();
        let own = lock(&self.fleet.own)
            .take_if(|(pod, term)| *pod == presence.pod && term.asked == asked && term.lasts(now));
        if let Some((_, mut term)) = own {
            let kept = term::keep(&client, term.id);
            let (kept, put) = try_join(kept, self.put_presence(&client, presence, term.id)).await?;
            if kept && put {
                term.since = now;
                *lock(&self.fleet.own) = Some((presence.pod.clone(), term));
                return Ok(());
            }
        }
        let term = term::grant(&client, asked, self.now()).await?;
        if self.put_presence(&client, presence, term.id).await? {
            *lock(&self.fleet.own) = Some((presence.pod.clone(), term));
        }
        Ok(())
    }

    /// `false`: the lease is none any more.
    async fn put_presence(
        &self,
        client: &Client,
        presence: &Presence,
        lease: i64,
    ) -> Result<bool, Failure> {
        let (key, left) = (self.keys.pod(&presence.pod), self.now());
        let value = encode_presence(presence.ttl, &presence.info);
        let options = PutOptions::new().with_lease(lease);
        let put = client.kv_client().put(key, value, Some(options)).await;
        match put {
            Ok(put) => {
                if let Some(header) = put.header() {
                    self.memory.heard(left, self.now(), header.revision());
                }
                Ok(true)
            }
            Err(error) => term::gone(error).map(|()| false),
        }
    }

    pub(crate) async fn try_leave(&self, client: Client, pod: &PodId) -> Result<(), Failure> {
        client.kv_client().delete(self.keys.pod(pod), None).await?;
        Ok(())
    }

    pub(crate) async fn try_pods(&self, client: Client) -> Result<Vec<PodSeen>, Failure> {
        let prefix = self.keys.pods();
        let options = GetOptions::new()
            .with_prefix()
            .with_limit(MAX_PODS)
            .with_sort(SortTarget::Key, SortOrder::Ascend);
        let kv = client.kv_client();
        let mut kv = kv.max_decoding_message_size(MAX_ANSWER_BYTES);
        let answer = kv.get(prefix.as_str(), Some(options)).await?;
        let now = self.now();
        let mut seen = lock(&self.fleet.seen);
        let mut still = HashMap::new();
        let mut pods = Vec::new();
        for found in answer.kvs() {
            let name = found.key().strip_prefix(prefix.as_bytes());
            let name = name.and_then(|name| std::str::from_utf8(name).ok());
            let pod = name.and_then(|name| PodId::new(name).ok());
            // What hangs on no lease would be listed for ever.
            let said = parse_presence(found.value()).filter(|_| found.lease() != 0);
            let (Some(pod), Some((ttl, info))) = (pod, said) else {
                continue;
            };
            let revision = found.mod_revision();
            let before = seen.get(&pod).filter(|(of, _)| *of == revision);
            let since = before.map_or(now, |(_, since)| *since);
            still.insert(pod.clone(), (revision, since));
            pods.push(PodSeen {
                pod,
                info: info.to_vec(),
                age: now.since(since).min(ttl),
            });
        }
        // Who left is forgotten.
        *seen = still;
        Ok(pods)
    }
}

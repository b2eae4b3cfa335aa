//! The cache trait.

use async_trait::async_trait;
use watchkeeper_core::cache::{
    Found, MAX_PRESENCE_BYTES, Notices, PodSeen, Presence, Publish, Published, Read, ReportCache,
    Stored, Then,
};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;

use crate::store::{RedisStore, TOKEN_KEEP, millis};

/// The largest report that is sent, and the largest that is fetched: one thousand times a usual one, and still sent
/// well within a time limit of half a second on a slow network.
pub const MAX_REPORT_BYTES: usize = 8 * 1024 * 1024;

/// More pods than any fleet has: a longer list is somebody's mistake, and is begun anew.
const MAX_PODS: &str = "4096";
/// The largest entry of the list: what a pod may say, and the two numbers before it.
const MAX_POD_BYTES: usize = MAX_PRESENCE_BYTES + 64;

#[async_trait]
impl ReportCache for RedisStore {
    async fn publish(&self, publish: &Publish) -> Result<Published, StoreError> {
        let size = publish.value.len();
        limit(StoreOp::Publish, "report", size, MAX_REPORT_BYTES)?;
        let lease = &publish.lease;
        let keys = self.keys.group(&lease.group);
        let (token, edition) = (lease.token.to_string(), publish.edition.to_string());
        let keep_lock = match publish.then {
            Then::Keep(ttl) => millis(ttl),
            Then::Release => String::new(),
        };
        let mut reply = self
            .run(
                StoreOp::Publish,
                &self.scripts.publish,
                &[&keys.lock, &keys.token, &keys.report],
                &[
                    lease.pod.as_str().as_bytes(),
                    token.as_bytes(),
                    edition.as_bytes(),
                    keep_lock.as_bytes(),
                    millis(publish.retain).as_bytes(),
                    millis(TOKEN_KEEP.max(publish.retain)).as_bytes(),
                    self.keys.events.as_bytes(),
                    lease.group.as_str().as_bytes(),
                    &publish.value,
                ],
            )
            .await?;
        match reply.text()?.as_str() {
            "done" => {
                self.foreign.met(&keys.token, reply.foreign()?);
                Ok(Published::Done)
            }
            "fenced" => Ok(Published::Fenced {
                current: reply.token()?,
            }),
            _ => Err(reply.strange()),
        }
    }

    async fn read(&self, group: &GroupId, floor: Token) -> Result<Read, StoreError> {
        let keys = self.keys.group(group);
        let floor = floor.to_string();
        let most = MAX_REPORT_BYTES.to_string();
        let mut reply = self
            .run(
                StoreOp::Read,
                &self.scripts.read,
                &[&keys.lock, &keys.token, &keys.report],
                &[
                    floor.as_bytes(),
                    most.as_bytes(),
                    millis(TOKEN_KEEP).as_bytes(),
                ],
            )
            .await?;
        let fence = reply.token()?;
        self.foreign.met(&keys.token, reply.foreign()?);
        let found = match reply.text()?.as_str() {
            "nothing" => Found::Nothing,
            "garbage" => Found::Garbage { why: reply.text()? },
            "report" => Found::Report(Stored {
                token: reply.token()?,
                edition: reply.number()?,
                age: reply.micros()?,
                value: reply.bytes()?,
            }),
            _ => return Err(reply.strange()),
        };
        Ok(Read { fence, found })
    }

    async fn announce(&self, presence: &Presence) -> Result<(), StoreError> {
        let size = presence.info.len();
        limit(StoreOp::Announce, "presence", size, MAX_PRESENCE_BYTES)?;
        let ttl = millis(presence.ttl);
        let pod = presence.pod.as_str();
        let arguments = [
            pod.as_bytes(),
            ttl.as_bytes(),
            MAX_PODS.as_bytes(),
            &presence.info,
        ];
        let script = &self.scripts.announce;
        let keys = [self.keys.pods.as_str()];
        let mut reply = self
            .run(StoreOp::Announce, script, &keys, &arguments)
            .await?;
        reply.ok()?;
        self.foreign.met(&self.keys.pods, reply.foreign()?);
        Ok(())
    }

    async fn leave(&self, pod: &PodId) -> Result<(), StoreError> {
        let arguments = [pod.as_str().as_bytes()];
        let script = &self.scripts.leave;
        self.run(StoreOp::Announce, script, &[&self.keys.pods], &arguments)
            .await?;
        Ok(())
    }

    async fn pods(&self) -> Result<Vec<PodSeen>, StoreError> {
        let most = MAX_POD_BYTES.to_string();
        let arguments = [MAX_PODS.as_bytes(), most.as_bytes()];
        let script = &self.scripts.pods;
        let mut reply = self
            .run(StoreOp::Pods, script, &[&self.keys.pods], &arguments)
            .await?;
        self.foreign.met(&self.keys.pods, reply.foreign()?);
        let mut pods = Vec::new();
        while !reply.is_empty() {
            let name = String::from_utf8(reply.bytes()?);
            let (age, info) = (reply.micros()?, reply.bytes()?);
            // A foreign name is no pod.
            if let Some(pod) = name.ok().and_then(|name| PodId::new(name).ok()) {
                pods.push(PodSeen { pod, info, age });
            }
        }
        pods.sort_unstable_by(|a, b| a.pod.cmp(&b.pod));
        Ok(pods)
    }

    fn watch(&self) -> Notices {
        self.feed.watch()
    }
}

fn limit(op: StoreOp, what: &str, size: usize, most: usize) -> Result<(), StoreError> {
    if size <= most {
        return Ok(());
    }
    Err(StoreError::refused(
        StoreErrorKind::TooLarge,
        op,
        format!("the {what} has `{size}` bytes, redis is given at most `{most}`"),
    ))
}

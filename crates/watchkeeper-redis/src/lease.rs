//! The lock trait.

use std::time::Duration;

use async_trait::async_trait;
use watchkeeper_core::error::{StoreError, StoreOp};
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::{
    Acquire, Acquired, Guarantee, LeaseRef, LeaseStore, LockState, Released, Renewed,
};

use crate::store::{RedisStore, TOKEN_KEEP, millis};

/// The unnamed field by which ping shows that writes are possible goes after this long.
const PING_KEEP: Duration = Duration::from_secs(60);

#[async_trait]
impl LeaseStore for RedisStore {
    async fn acquire(&self, request: &Acquire) -> Result<Acquired, StoreError> {
        let keys = self.keys.group(&request.group);
        let attempt = request.attempt.0.to_string();
        let floor = request.floor.to_string();
        let take = request.take.as_ref().map_or("", |marker| &marker.0);
        let mut reply = self
            .run(
                StoreOp::Acquire,
                &self.scripts.acquire,
                &[&keys.lock, &keys.token, &keys.report],
                &[
                    request.pod.as_str().as_bytes(),
                    attempt.as_bytes(),
                    millis(request.ttl).as_bytes(),
                    floor.as_bytes(),
                    take.as_bytes(),
                    millis(TOKEN_KEEP).as_bytes(),
                ],
            )
            .await?;
        match reply.text()?.as_str() {
            "held" => {
                let token = reply.token()?;
                self.foreign.met(&keys.token, reply.foreign()?);
                Ok(Acquired::Held { token })
            }
            "busy" => Ok(Acquired::Busy(reply.busy()?)),
            _ => Err(reply.strange()),
        }
    }

    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError> {
        let token = lease.token.to_string();
        let mut reply = self
            .run(
                StoreOp::Renew,
                &self.scripts.renew,
                &[&self.keys.lock(&lease.group)],
                &[
                    lease.pod.as_str().as_bytes(),
                    token.as_bytes(),
                    millis(ttl).as_bytes(),
                ],
            )
            .await?;
        match reply.text()?.as_str() {
            "extended" => Ok(Renewed::Extended),
            "lost" => Ok(Renewed::Lost {
                holder: reply.pod()?,
            }),
            _ => Err(reply.strange()),
        }
    }

    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError> {
        let token = lease.token.to_string();
        let mut reply = self
            .run(
                StoreOp::Release,
                &self.scripts.release,
                &[&self.keys.lock(&lease.group)],
                &[
                    lease.pod.as_str().as_bytes(),
                    token.as_bytes(),
                    self.keys.events.as_bytes(),
                    lease.group.as_str().as_bytes(),
                ],
            )
            .await?;
        match reply.text()?.as_str() {
            "done" => Ok(Released::Done),
            "not held" => Ok(Released::NotHeld),
            _ => Err(reply.strange()),
        }
    }

    async fn inspect(&self, group: &GroupId) -> Result<LockState, StoreError> {
        let script = &self.scripts.inspect;
        let mut reply = self
            .run(StoreOp::Inspect, script, &[&self.keys.lock(group)], &[])
            .await?;
        match reply.text()?.as_str() {
            "free" => Ok(LockState::Free),
            "busy" => Ok(LockState::Held(reply.busy()?)),
            _ => Err(reply.strange()),
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let keep = millis(PING_KEEP);
        let arguments = [keep.as_bytes()];
        let script = &self.scripts.ping;
        let keys = [self.keys.pods.as_str()];
        let mut reply = self.run(StoreOp::Ping, script, &keys, &arguments).await?;
        reply.ok()?;
        self.foreign.met(&self.keys.pods, reply.foreign()?);
        Ok(())
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::SinglePrimary
    }
}

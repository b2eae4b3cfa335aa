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
        let (ttl, token_keep) = (millis(request.ttl), millis(TOKEN_KEEP));
        let companions = self.companions();
        let (owner, claim_ttl) = self.claim_of(&request.group);
        let mut names: Vec<&str> = vec![&keys.lock, &keys.token, &keys.report];
        let mut arguments: Vec<&[u8]> = vec![
            request.pod.as_str().as_bytes(),
            attempt.as_bytes(),
            ttl.as_bytes(),
            floor.as_bytes(),
            take.as_bytes(),
            token_keep.as_bytes(),
        ];
        if let Some(companions) = companions {
            names.extend([&*companions.keys.claim, &companions.keys.lock]);
            arguments.extend([owner.as_bytes(), claim_ttl.as_bytes()]);
        }
        let script = &self.scripts.acquire;
        let mut reply = self
            .run(StoreOp::Acquire, script, &names, &arguments)
            .await?;
        match reply.text()?.as_str() {
            "held" => {
                let token = reply.token()?;
                self.foreign.met(&keys.token, reply.foreign()?);
                if let Some(companions) = companions {
                    companions.take_claim(&mut reply)?;
                    companions.granted();
                }
                Ok(Acquired::Held { token })
            }
            "busy" => {
                let busy = reply.busy()?;
                if let Some(companions) = companions {
                    companions.take_claim(&mut reply)?;
                    companions.take_wait(&mut reply)?;
                }
                Ok(Acquired::Busy(busy))
            }
            _ => Err(reply.strange()),
        }
    }

    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError> {
        let (token, ttl, lock) = (
            lease.token.to_string(),
            millis(ttl),
            self.keys.lock(&lease.group),
        );
        let companions = self.companions();
        let (owner, claim_ttl) = self.claim_of(&lease.group);
        let mut names: Vec<&str> = vec![&lock];
        let mut arguments: Vec<&[u8]> = vec![
            lease.pod.as_str().as_bytes(),
            token.as_bytes(),
            ttl.as_bytes(),
        ];
        if let Some(companions) = companions {
            names.extend([&*companions.keys.claim, &companions.keys.lock]);
            arguments.extend([owner.as_bytes(), claim_ttl.as_bytes()]);
        }
        let script = &self.scripts.renew;
        let mut reply = self.run(StoreOp::Renew, script, &names, &arguments).await?;
        match reply.text()?.as_str() {
            "extended" => {
                if let Some(companions) = companions {
                    companions.take_claim(&mut reply)?;
                    companions.take_loss(&mut reply)?;
                }
                Ok(Renewed::Extended)
            }
            "lost" => Ok(Renewed::Lost {
                holder: reply.pod()?,
            }),
            _ => Err(reply.strange()),
        }
    }

    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError> {
        let (token, lock) = (lease.token.to_string(), self.keys.lock(&lease.group));
        let mut names: Vec<&str> = vec![&lock];
        names.extend(self.companions().map(|c| c.keys.lock.as_str()));
        let arguments = [
            lease.pod.as_str().as_bytes(),
            token.as_bytes(),
            self.keys.events.as_bytes(),
            lease.group.as_str().as_bytes(),
        ];
        let script = &self.scripts.release;
        let mut reply = self
            .run(StoreOp::Release, script, &names, &arguments)
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

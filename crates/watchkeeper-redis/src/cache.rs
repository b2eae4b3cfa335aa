//! The cache trait.

use async_trait::async_trait;
use watchkeeper_core::cache::{
    Found, MAX_PRESENCE_BYTES, Notices, PodSeen, Presence, Publish, Published, Read, ReportCache,
    Stored, Then,
};
use watchkeeper_core::companion::{CompanionFound, CompanionState};
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
        let retain = millis(publish.retain);
        let token_keep = millis(TOKEN_KEEP.max(publish.retain));
        let mut names: Vec<&str> = vec![&keys.lock, &keys.token, &keys.report];
        let mut arguments: Vec<&[u8]> = vec![
            lease.pod.as_str().as_bytes(),
            token.as_bytes(),
            edition.as_bytes(),
            keep_lock.as_bytes(),
            retain.as_bytes(),
            token_keep.as_bytes(),
            self.keys.events.as_bytes(),
            lease.group.as_str().as_bytes(),
            &publish.value,
        ];
        let companions = self.companions();
        let (owner, claim_ttl) = self.claim_of(&lease.group);
        let theirs = publish.companion.as_ref();
        if let Some(theirs) = theirs {
            limit(
                StoreOp::Publish,
                "companion report",
                theirs.head.len() + theirs.tail.len(),
                MAX_REPORT_BYTES,
            )?;
        }
        let age = theirs
            .map_or(0, |theirs| theirs.age.as_micros())
            .to_string();
        let ttl = theirs.map_or_else(|| "0".to_owned(), |theirs| millis(theirs.ttl));
        if let Some(companions) = companions {
            let keys = &companions.keys;
            names.extend([&*keys.claim, &keys.lock, &keys.report]);
            arguments.extend([
                owner.as_bytes(),
                claim_ttl.as_bytes(),
                theirs.map_or(&[][..], |theirs| &theirs.head),
                theirs.map_or(&[][..], |theirs| &theirs.tail),
                age.as_bytes(),
                ttl.as_bytes(),
            ]);
        }
        let script = &self.scripts.publish;
        let mut reply = self
            .run(StoreOp::Publish, script, &names, &arguments)
            .await?;
        match reply.text()?.as_str() {
            "done" => {
                self.foreign.met(&keys.token, reply.foreign()?);
                if let (Some(companions), false) = (companions, reply.is_empty()) {
                    companions.take_claim(&mut reply)?;
                    companions.take_loss(&mut reply)?;
                    companions.take_overtaking(&mut reply)?;
                }
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
        let token_keep = millis(TOKEN_KEEP);
        let companions = self.companions();
        let (owner, _) = self.claim_of(group);
        let mut names: Vec<&str> = vec![&keys.lock, &keys.token, &keys.report];
        let mut arguments: Vec<&[u8]> =
            vec![floor.as_bytes(), most.as_bytes(), token_keep.as_bytes()];
        if let Some(companions) = companions {
            names.extend([&*companions.keys.claim, &companions.keys.report]);
            arguments.push(owner.as_bytes());
        }
        let script = &self.scripts.read;
        let mut reply = self.run(StoreOp::Read, script, &names, &arguments).await?;
        let fence = reply.token()?;
        self.foreign.met(&keys.token, reply.foreign()?);
        let companion = match companions {
            Some(companions) => companions.take_found(&mut reply)?,
            None => CompanionFound::Nothing,
        };
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
        Ok(Read {
            fence,
            found,
            companion,
        })
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

    fn companion(&self) -> CompanionState {
        self.companion_state()
    }

    fn watch(&self) -> Notices {
        self.notices()
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

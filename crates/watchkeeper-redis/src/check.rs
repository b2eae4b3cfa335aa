//! The check at the door of each new connection for operations: whether the server and its user let us do all that we
//! shall want, told in one error rather than step by step later.

mod about;

use std::sync::Arc;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use watchkeeper_core::error::{StoreErrorKind, StoreOp};

use self::about::{About, about, words};
use crate::companion::Companions;
use crate::dial::Way;
use crate::error::{self, Failure, Peer, Sign, brief};
use crate::options::{RedisOptions, Topology};
use crate::scripts::RIGHTS;
use crate::store::Keys;
use crate::talk::MOST_BYTES;

/// The oldest version whose commands we know to be enough.
const OLDEST: (u32, u32) = (6, 2);
/// No script has this hash: whoever may send it hears that there is none.
const NO_SCRIPT: &str = "0000000000000000000000000000000000000000";

/// What to do where only wire mode is in the way.
const WITHOUT_WIRE: &str = "; `litellm.wire = false` does without wire mode";

/// What is checked, and for whom.
pub(crate) struct Check {
    prefix: String,
    key: String,
    channel: String,
    user: String,
    cluster: bool,
    companions: Option<Arc<Companions>>,
}

/// What was found wanting.
#[derive(Debug, Default, PartialEq, Eq)]
struct Missing {
    /// Commands that the user may not use.
    commands: Vec<String>,
    /// The fleet's own keys are closed.
    keys: bool,
    /// The fleet's channel is closed.
    channel: bool,
    /// Keys of companions that are closed.
    beside: Vec<String>,
    /// Commands that the server does not have.
    unknown: Vec<String>,
    version: String,
}

impl Check {
    pub(crate) fn new(
        options: &RedisOptions,
        keys: &Keys,
        companions: Option<Arc<Companions>>,
    ) -> Self {
        Self {
            prefix: keys.prefix.clone(),
            key: format!("{}check", keys.prefix),
            channel: keys.events.clone(),
            user: options.username.clone().unwrap_or_else(|| "default".into()),
            cluster: matches!(options.topology, Topology::Cluster { .. }),
            companions,
        }
    }

    /// Tries everything once, in one round trip unless something is missing. What only the server's present state
    /// forbids (a replica, a full memory) is no matter of this check.
    ///
    /// # Errors
    /// Of kind `Denied` or `Config` with all that is missing, or what the server answered in place of the check.
    pub(crate) async fn run(&self, way: &mut Way) -> Result<(), Failure> {
        let mut missing = Missing::default();
        let mut questions = Vec::new();
        if self.cluster {
            // Holds for the one command behind it.
            questions.push(redis::cmd("ASKING"));
        }
        let mut by_hash = redis::cmd("EVALSHA");
        // With a key, since a proxy may go by it.
        by_hash.arg(NO_SCRIPT).arg(1).arg(&self.key);
        questions.push(by_hash);
        questions.push(self.script(true));
        let answers = way.ask_all(&questions, MOST_BYTES).await;
        let mut answers = answers.map_err(|e| error::dial(&e, &way.peer))?.into_iter();
        if self.cluster {
            self.note_sent("asking", answers.next(), &way.peer, &mut missing)?;
        }
        self.note_sent("evalsha", answers.next(), &way.peer, &mut missing)?;
        let mut tried = answers.next().unwrap_or(Ok(Value::Nil));
        if let Err(error) = &tried
            && about(&words(error), &way.peer) == About::Key
        {
            // Some keys are closed, so none is declared: which, and which commands, is to be known all the same.
            missing.keys = self.companions().is_none();
            tried = way.ask(self.script(false)).await;
        }
        if let Err(error) = &tried
            && error.code() == Some("CROSSSLOT")
            && let Some(companions) = self.companions()
        {
            // A node of a cluster, maybe the only one: our own keys lie together there, theirs elsewhere.
            let mut failure = way.failure(error);
            if companions.keys.required {
                failure.message.push_str(WITHOUT_WIRE);
                return Err(failure);
            }
            companions.give_up(&failure.of(StoreOp::Connect, false));
            tried = way.ask(self.script(true)).await;
        }
        match tried {
            Ok(found) => self.note_found(&found, &way.peer, &mut missing)?,
            Err(error) => {
                let failure = way.failure(&error);
                if failure.kind == StoreErrorKind::Denied {
                    self.note("eval", About::Command, &mut missing);
                } else if !is_on_its_way(&failure) {
                    return Err(failure);
                }
            }
        }
        self.judge(missing, &way.peer)
    }

    fn companions(&self) -> Option<&Companions> {
        self.companions.as_deref().filter(|c| c.are_kept())
    }

    fn script(&self, declared: bool) -> Cmd {
        let mut keys = vec![self.key.as_str()];
        if let Some(companions) = self.companions() {
            let theirs = &companions.keys;
            keys.extend([&*theirs.lock, &theirs.report, &theirs.claim]);
        }
        let mut command = redis::cmd("EVAL");
        command.arg(RIGHTS);
        if declared {
            command.arg(keys.len()).arg(&keys);
        } else {
            command.arg(0);
        }
        command.arg(&keys).arg(&self.channel);
        command
    }

    /// Notes what became of a command that was sent by itself.
    fn note_sent(
        &self,
        command: &str,
        answer: Option<Result<Value, RedisError>>,
        peer: &Peer,
        missing: &mut Missing,
    ) -> Result<(), Failure> {
        let Some(Err(error)) = answer else {
            return Ok(());
        };
        if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) {
            return Ok(());
        }
        match about(&words(&error), peer) {
            About::State => {
                let failure = error::driver(&error, peer);
                if is_on_its_way(&failure) {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
            about => {
                self.note(command, about, missing);
                Ok(())
            }
        }
    }

    /// Notes what the script found.
    fn note_found(&self, found: &Value, peer: &Peer, missing: &mut Missing) -> Result<(), Failure> {
        let texts: Option<Vec<String>> = match found {
            Value::Array(values) => values.iter().map(text).collect(),
            _ => None,
        };
        let Some((version, pairs)) = texts.as_deref().and_then(<[String]>::split_first) else {
            let why = format!(
                "`{}` answered the check of rights as no script does: is there a proxy in between that rewrites answers",
                peer.place
            );
            return Err(Failure::new(StoreErrorKind::Protocol, why));
        };
        missing.version.clone_from(version);
        for pair in pairs.chunks_exact(2) {
            if let [what, error] = pair {
                self.note(what, about(error, peer), missing);
            }
        }
        Ok(())
    }

    fn note(&self, what: &str, about: About, missing: &mut Missing) {
        let beside = self.companions().is_some_and(|companions| {
            let keys = &companions.keys;
            [&keys.lock, &keys.report, &keys.claim]
                .iter()
                .any(|key| *key == what)
        });
        let name = || what.to_lowercase();
        let (list, name) = match about {
            About::State => return,
            // The commands themselves were tried on a key of our own.
            _ if beside => (&mut missing.beside, what.to_owned()),
            About::Command => (&mut missing.commands, name()),
            About::Unknown => (&mut missing.unknown, name()),
            About::Key => {
                missing.keys = true;
                return;
            }
            About::Channel => {
                missing.channel = true;
                return;
            }
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }

    fn judge(&self, missing: Missing, peer: &Peer) -> Result<(), Failure> {
        let place = &peer.place;
        let version = brief(&missing.version);
        let needed = "redis 6.2 or later, or valkey, is needed";
        if !missing.unknown.is_empty() {
            let why = format!(
                "redis at `{place}` (version `{version}`) lacks {}: {needed}",
                commands(&missing.unknown)
            );
            return Err(Failure::new(StoreErrorKind::Config, why));
        }
        if is_too_old(&version) {
            let why = format!("redis at `{place}` is version `{version}`: {needed}");
            return Err(Failure::new(StoreErrorKind::Config, why));
        }
        let mut closed = Vec::new();
        if !missing.commands.is_empty() {
            closed.push(commands(&missing.commands));
        }
        if missing.keys {
            closed.push(format!("the keys `{}*`", self.prefix));
        }
        if missing.channel {
            closed.push(format!("the channel `{}*`", self.prefix));
        }
        let own = !closed.is_empty();
        let kept = self.companions().filter(|_| !missing.beside.is_empty());
        if let Some(companions) = kept {
            closed.push(format!(
                "the keys `{}` of wire mode",
                missing.beside.join("`, `")
            ));
            if !own && !companions.keys.required {
                let failure = self.denied(&closed, peer);
                companions.give_up(&failure.of(StoreOp::Connect, false));
                return Ok(());
            }
        }
        if closed.is_empty() {
            return Ok(());
        }
        let mut failure = self.denied(&closed, peer);
        if kept.is_some() {
            failure.message.push_str(WITHOUT_WIRE);
        }
        Err(failure)
    }

    fn denied(&self, closed: &[String], peer: &Peer) -> Failure {
        let why = format!(
            "redis at `{}` does not let the user `{}` have {}: give all that is needed by `{}`",
            peer.place,
            self.user,
            closed.join(", "),
            peer.door.acl
        );
        Failure::new(StoreErrorKind::Denied, why)
    }
}

/// Whether the slot moves to another node just now: what is missing will be told by the operations themselves.
fn is_on_its_way(failure: &Failure) -> bool {
    matches!(failure.sign, Sign::Ask(_) | Sign::TryAgain)
}

fn commands(names: &[String]) -> String {
    let word = if names.len() == 1 {
        "command"
    } else {
        "commands"
    };
    format!("the {word} `{}`", names.join("`, `"))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < OLDEST,
        // A server that does not tell is believed.
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! A step that a node of a cluster sends elsewhere while the fleet's slot moves to another node.

use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};

use crate::cache::MAX_REPORT_BYTES;
use crate::dial::Way;
use crate::error::{self, Failure};
use crate::locate::Locator;
use crate::options::Node;
use crate::place::Place;
use crate::scripts::Script;
use crate::talk::MOST_BYTES;

/// The waits before a step is sent again whose keys are parted between two nodes: moving a few keys takes no longer.
pub(crate) const TRY_AGAIN: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
];

/// The largest answer to a step: a report, another program's beside it, and what is said of them.
const MOST_ANSWERED: usize = 2 * MAX_REPORT_BYTES + MOST_BYTES;

/// One script with its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) script: &'a Script,
    pub(crate) keys: &'a [&'a str],
    pub(crate) arguments: &'a [&'a [u8]],
}

impl Step<'_> {
    /// As it is sent to a server that knows the script.
    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.sha)
    }

    /// As it is sent to one that does not.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(self.keys);
        for argument in self.arguments {
            command.arg(*argument);
        }
        command
    }
}

/// Whether the server has to be given the script's text.
pub(crate) fn is_unknown_script(answer: &Result<Value, RedisError>) -> bool {
    matches!(answer, Err(e) if e.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

/// A connection to the node that takes the slot over.
pub(crate) async fn open(locator: &Locator, node: &Node) -> Result<Way, Failure> {
    locator.dialer.open(&Place::Tcp(node.clone())).await
}

/// Takes one step at the node that takes the slot over.
pub(crate) async fn ask(way: &mut Way, step: Step<'_>) -> Result<Value, Failure> {
    let mut answer = asking(way, step.by_hash()).await?;
    if is_unknown_script(&answer) {
        answer = asking(way, step.by_text()).await?;
    }
    answer.map_err(|error| way.failure(&error))
}

/// Sends one command so that a node answers which does not have the slot yet.
async fn asking(way: &mut Way, command: Cmd) -> Result<Result<Value, RedisError>, Failure> {
    let questions = [redis::cmd("ASKING"), command];
    let answers = way.ask_all(&questions, MOST_ANSWERED).await;
    let answers = answers.map_err(|error| error::dial(&error, &way.peer))?;
    match <[_; 2]>::try_from(answers) {
        // The slot may have arrived meanwhile: then the step is taken even where `ASKING` is refused.
        Ok([Ok(_), answer] | [Err(_), answer @ Ok(_)]) => Ok(answer),
        Ok([Err(error), _]) => Err(way.failure(&error)),
        Err(_) => Ok(Ok(Value::Nil)),
    }
}

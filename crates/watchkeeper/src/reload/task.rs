//! The task that reads the configuration again: one reading at a time, whoever asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use watchkeeper_api::v1::{ReloadAnswer, ReloadView};
use watchkeeper_api::{Access, NotReloaded};
use watchkeeper_config::{Config, Loaded};
use watchkeeper_core::events::Happened;
use watchkeeper_core::id::PodId;
use watchkeeper_core::time::Clock;
use watchkeeper_runtime::{EventHub, Metrics, Reloads};

use super::desk::{Caller, Desk, Told};
use super::files::Files;
use super::prepare::{self, Prepared, Running};
use super::watch::{Contents, Wants, Watch};
use crate::cli::RunArgs;
use crate::signals::Hangups;
use crate::telemetry::LevelSwitch;

/// The files are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a reload reaches.
pub(crate) struct Belongings {
    pub(crate) args: RunArgs,
    pub(crate) loaded: Loaded,
    pub(crate) pod: PodId,
    pub(crate) serves_litellm: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reloads: Reloads,
    pub(crate) access: Arc<Access>,
    pub(crate) level: LevelSwitch,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) events: Arc<EventHub>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) calls: mpsc::Receiver<Caller>,
    pub(crate) hangups: Hangups,
}

/// The running task. Ends when dropped.
pub(crate) struct Task {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Task {
    /// Starts it on the current runtime. What the files hold by now is taken to be what was loaded.
    pub(crate) fn start(belongings: Belongings) -> Self {
        let stop = CancellationToken::new();
        let mut files = Files::default();
        let paths = prepare::files(&belongings.loaded);
        let watch = Watch::new(files.contents(&paths, false));
        let Belongings {
            args,
            loaded,
            pod,
            serves_litellm,
            clock,
            reloads,
            access,
            level,
            metrics,
            events,
            desk,
            calls,
            hangups,
        } = belongings;
        let keeper = Keeper {
            running: Running {
                args: Arc::new(args),
                config: Arc::new(loaded.config),
                pod,
                clock,
                serves_litellm,
                wire_waits: false,
            },
            reloads,
            access,
            level,
            metrics,
            events,
            desk,
            files,
            paths,
            watch,
            refused: None,
            waits: Vec::new(),
        };
        let task = tokio::spawn(keeper.run(calls, hangups, stop.clone()));
        Self { stop, task }
    }

    /// No further reading begins; one under way ends first, unless it hangs.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        // Where it hangs (a file system that does not answer), leaving does not wait for it.
        let _ = tokio::time::timeout(LOOK_EVERY, &mut self.task).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What asked for a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    File(Wants),
    Signal,
    Request,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Signal => "signal",
            Self::Request => "request",
        }
    }
}

struct Keeper {
    running: Running,
    reloads: Reloads,
    access: Arc<Access>,
    level: LevelSwitch,
    metrics: Arc<Metrics>,
    events: Arc<EventHub>,
    desk: Arc<Desk>,
    files: Files,
    paths: Vec<PathBuf>,
    watch: Watch,
    /// Why the last reading was refused, as it was said.
    refused: Option<String>,
    /// The keys that wait for a restart, as they were said.
    waits: Vec<&'static str>,
}

impl Keeper {
    async fn run(
        mut self,
        mut calls: mpsc::Receiver<Caller>,
        mut hangups: Hangups,
        stop: CancellationToken,
    ) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut callers = Vec::new();
            let source = tokio::select! {
                () = stop.cancelled() => return,
                () = hangups.next() => Source::Signal,
                Some(caller) = calls.recv() => {
                    callers.push(caller);
                    Source::Request
                }
                _ = looks.tick() => {
                    let contents = self.look(true).await;
                    match self.watch.look(contents) {
                        None => continue,
                        Some(wants) => Source::File(wants),
                    }
                }
            };
            // All that wait by now are answered by this reading: it sees what they want to be seen.
            while let Ok(caller) = calls.try_recv() {
                callers.push(caller);
            }
            let told = self.reload(source).await;
            for caller in callers {
                // The caller may be gone; then nobody wants the answer.
                let _ = caller.send(told.clone());
            }
        }
    }

    /// The contents of the files now.
    async fn look(&mut self, is_apart: bool) -> Contents {
        let (mut files, paths) = (std::mem::take(&mut self.files), self.paths.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let contents = files.contents(&paths, is_apart);
            (files, contents)
        });
        match looked.await {
            Ok((files, contents)) => {
                self.files = files;
                contents
            }
            // The runtime is shutting down: nothing changed.
            Err(_) => Contents::new(),
        }
    }

    async fn reload(&mut self, source: Source) -> Told {
        let before = self.look(false).await;
        let running = self.running.clone();
        let prepared = tokio::task::spawn_blocking(move || prepare::prepare(&running))
            .await
            .unwrap_or_else(
                |_| Err("reading it ended by a fault of its own, see above".to_owned()),
            );
        match prepared {
            Err(why) => {
                self.watch.done(before, true);
                self.refuse(source, why)
            }
            Ok(prepared) => {
                self.paths.clone_from(&prepared.files);
                // What is new among the files was read just now; what was known, after it was looked at.
                let mut contents = self.look(false).await;
                contents.extend(before.into_iter().filter(|(p, _)| self.paths.contains(p)));
                self.watch.done(contents, false);
                self.apply(source, prepared).await
            }
        }
    }

    fn refuse(&mut self, source: Source, why: String) -> Told {
        let is_known = self.refused.as_ref() == Some(&why);
        if source != Source::File(Wants::AnotherTry) || !is_known {
            warn!(
                source = source.as_str(),
                error = why,
                "the configuration was not reloaded, the settings before it stay"
            );
            self.metrics.reloaded("refused", self.waits.len());
            self.events.tell(Happened::Reloaded {
                applied: false,
                error: Some(why.clone()),
            });
            self.note(source, Some(&why));
            self.refused = Some(why.clone());
        }
        Err(NotReloaded::Refused(why))
    }

    async fn apply(&mut self, source: Source, prepared: Prepared) -> Told {
        let Prepared {
            difference,
            change,
            warnings,
            ..
        } = prepared;
        let changed = difference.changes_anything();
        if let Some(change) = change {
            // The one thing that can still be refused, so it comes first.
            if let Err(error) = self.reloads.reload(change).await {
                return Err(NotReloaded::Later(error.to_string()));
            }
            let config = difference.effective;
            self.access
                .replace(&config.http.api_keys, config.http.metrics_auth);
            self.level.set(config.log.level);
            self.running.config = Arc::<Config>::new(config);
        }
        self.refused = None;
        let waits = difference.restart_needed;
        let word = if changed { "applied" } else { "unchanged" };
        self.running.wire_waits = waits.contains(&prepare::WIRE);
        self.metrics.reloaded(word, waits.len());
        let answer = ReloadAnswer {
            changed,
            checks: difference.checks,
            settings: owned(&difference.settings),
            restart_needed: owned(&waits),
            warnings,
        };
        self.say(source, &answer, &waits);
        if changed {
            self.events.tell(Happened::Reloaded {
                applied: true,
                error: None,
            });
        }
        self.waits = waits;
        self.note(source, None);
        Ok(answer)
    }

    /// One line for what changed, and one for what has to wait, when that is news.
    fn say(&self, source: Source, answer: &ReloadAnswer, waits: &[&'static str]) {
        let by = source.as_str();
        if answer.changed {
            for warning in &answer.warnings {
                warn!("{warning}");
            }
            info!(
                source = by,
                added = answer.checks.added,
                removed = answer.checks.removed,
                changed = answer.checks.changed,
                settings = answer.settings.join(", "),
                "the configuration was reloaded"
            );
        } else if matches!(source, Source::File(_)) {
            debug!(
                source = by,
                "the configuration was read again and says the same"
            );
        } else {
            info!(
                source = by,
                "the configuration was read again and says the same"
            );
        }
        if !waits.is_empty() && waits != self.waits {
            warn!(
                keys = waits.join(", "),
                "settings that cannot change in a running pod wait for a restart"
            );
        }
    }

    fn note(&self, source: Source, error: Option<&str>) {
        self.desk.note(ReloadView {
            at: Timestamp::from_millisecond(self.running.clock.unix().0).ok(),
            ok: error.is_none(),
            error: error.map(ToOwned::to_owned),
            source: source.as_str().to_owned(),
            restart_needed: owned(&self.waits),
        });
    }
}

fn owned(keys: &[&'static str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

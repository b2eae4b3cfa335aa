//! `watchkeeper demo`: a fleet at work, to be watched.
//!
//! ```text
//!   stage: pods, one store ──▶ views ─┐
//!                                     ├─▶ story ──▶ beats ──▶ words ──▶ stdout
//!   mock endpoints ──▶ counts ────────┘     │
//!         ▲                              script ──▶ cues: leave, join
//!         └── real probes over loopback
//! ```
//!
//! Nothing that is said is assumed: who leads and what is known comes from the pods' own pictures, how often a model was
//! asked from its endpoint.

mod mock;
mod models;
mod script;
mod stage;
mod story;
mod words;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use watchkeeper_config::{Log, LogFormat, LogLevel};
use watchkeeper_core::time::{Clock, Moment};
use watchkeeper_runtime::BootClock;

use self::mock::Endpoints;
use self::script::{Cue, Script};
use self::stage::Stage;
use self::story::{Story, View};
use self::words::Words;
use crate::cli::DemoArgs;
use crate::exit::Failure;
use crate::out::{self, Reader, Screen};
use crate::signals::StopSignals;
use crate::telemetry;

/// How often the pods and the endpoints are looked at: fine enough to see each renewal, and next to no work.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Plays until Ctrl-C or SIGTERM, or for the seconds asked for.
pub(crate) fn demo(args: &DemoArgs) -> Result<ExitCode, Failure> {
    telemetry::start(&Log {
        level: LogLevel::Warn,
        format: LogFormat::Text,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime could not be started: {error}")))?;
    let result = runtime.block_on(play(args));
    // Probes that were given up do not hold back the exit.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

async fn play(args: &DemoArgs) -> Result<(), Failure> {
    let mut signals = StopSignals::listen()
        .map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))?;
    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    let interval = Duration::from_secs(u64::from(args.interval));
    let endpoints = Endpoints::start().await?;
    let mut stage = Stage::new(interval, endpoints.base(), Arc::clone(&clock))?;
    for _ in 0..args.pods {
        stage.join().await?;
    }
    let mut show = Show {
        words: Words::new(clock.now(), Screen::now()),
        story: Story::new(),
        script: Script::new(usize::from(args.pods)),
        newcomer: None,
        clock,
    };
    let opening = show.words.opening(&stage, &endpoints, interval);
    let end = async {
        match args.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await,
            None => std::future::pending().await,
        }
    };
    let result = async {
        if out::write(&opening)? == Reader::Gone {
            return Ok(());
        }
        tokio::select! {
            _ = signals.next() => {}
            () = end => {}
            ended = show.run(&mut stage, &endpoints) => return ended,
        }
        let under_way = story::total(&endpoints.asked()).saturating_sub(show.story.tally().made);
        let summary = show
            .words
            .summary(show.clock.now(), show.story.tally(), under_way);
        out::write(&summary).map(|_| ())
    }
    .await;
    stage.close().await;
    endpoints.close();
    result
}

/// What goes on in front of the public.
struct Show {
    words: Words,
    story: Story,
    script: Script,
    newcomer: Option<Newcomer>,
    clock: Arc<dyn Clock>,
}

/// A pod that has joined, until it shows what the fleet knows.
struct Newcomer {
    pod: String,
    /// How often the endpoints had been asked by then.
    asked: u64,
    joined: Moment,
}

impl Show {
    /// Looks and tells, until nobody listens any more.
    async fn run(&mut self, stage: &mut Stage, endpoints: &Endpoints) -> Result<(), Failure> {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let text = self.look(stage, endpoints).await?;
            if !text.is_empty() && out::write(&text)? == Reader::Gone {
                return Ok(());
            }
        }
    }

    /// What there is to tell since the last look.
    async fn look(&mut self, stage: &mut Stage, endpoints: &Endpoints) -> Result<String, Failure> {
        // The counts first: a probe that starts between the two looks is then told with the next.
        let asked = endpoints.asked();
        let views = stage.views();
        let now = self.clock.now();
        let mut text = String::new();
        for beat in self.story.observe(now, &views, &asked) {
            text.push_str(&self.words.beat(now, &beat));
        }
        for pod in stage.take_left() {
            text.push_str(&self.words.left(now, &pod));
        }
        text.push_str(&self.greet(now, &views, story::total(&asked)));
        match self.script.cue(&self.story, &views, &asked) {
            Some(Cue::Leave(pod)) => {
                stage.leave(&pod);
                text.push_str(&self.words.leaving(now, &pod));
            }
            Some(Cue::Join) => {
                let pod = stage.join().await?;
                text.push_str(&self.words.joins(now, &pod.name, &pod.address.to_string()));
                self.newcomer = Some(Newcomer {
                    pod: pod.name.clone(),
                    asked: story::total(&asked),
                    joined: now,
                });
            }
            None => {}
        }
        Ok(text)
    }

    /// Tells of the newcomer once it shows a result for every model.
    fn greet(&mut self, now: Moment, views: &[View], asked: u64) -> String {
        let Some(newcomer) = &self.newcomer else {
            return String::new();
        };
        let Some(view) = views.iter().find(|view| view.pod == newcomer.pod) else {
            self.newcomer = None;
            return String::new();
        };
        if !view.knows_all() {
            return String::new();
        }
        let text = self.words.knows(
            now,
            view,
            now.since(newcomer.joined),
            asked - newcomer.asked,
        );
        self.newcomer = None;
        text
    }
}

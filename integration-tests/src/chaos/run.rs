//! A run, from its seed to its report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::judge::{self, Judgement, RULES};
use super::plan::{CALM_LEAST, Fault, Plan};
use super::stage::{self, AtWork, LOCK_TTL, Stage};
use super::table;
use super::timeline::{Start, Timeline, seconds};
use super::watch::{self, Recorder};

/// A daemon that ended by itself is noticed within this.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides faults and times.
    pub seed: u64,
    /// How long faults and calm spells take turns.
    pub length: Duration,
    /// How many daemons.
    pub pods: usize,
    /// Where the daemons' logs go; a folder of the seed's own under the build's by default.
    pub logs: Option<PathBuf>,
}

/// What came of it.
pub struct Outcome {
    plan: Plan,
    timeline: Timeline,
    judgement: Judgement,
    command: String,
    logs: PathBuf,
}

impl Outcome {
    /// Whether no rule was broken.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.judgement.violations.is_empty()
    }

    /// The rules that this run never put to the test.
    #[must_use]
    pub fn untested(&self) -> Vec<&'static str> {
        let untested = RULES
            .iter()
            .filter(|rule| self.judgement.judged.of(**rule) == 0);
        untested.map(|rule| rule.name()).collect()
    }

    /// The table; after a failure also the plan, what was broken with what happened around it, and how to repeat it.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = table::table(&self.plan, &self.timeline, &self.judgement);
        if !self.passed() {
            text.push_str(&table::evidence(
                &self.plan,
                &self.timeline,
                &self.judgement,
            ));
        }
        text.push_str(&format!(
            "\nseed {}; repeat with: {}\nlogs of the daemons, and the timeline: {}\n",
            self.plan.seed,
            self.command,
            self.logs.display()
        ));
        text
    }
}

impl Options {
    fn plan(&self) -> Plan {
        Plan::new(self.seed, self.length, self.pods, LOCK_TTL)
    }

    /// What is going to strike when, as text.
    #[must_use]
    pub fn show_plan(&self) -> String {
        table::plan(&self.plan())
    }
}

fn default_logs(seed: u64) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    target.join(format!("chaos/seed-{seed}"))
}

/// Runs it.
///
/// # Panics
/// Where the stage cannot be set up: no daemon built, no `redis-server` installed.
pub async fn run(options: &Options) -> Outcome {
    let logs = options
        .logs
        .clone()
        .unwrap_or_else(|| default_logs(options.seed));
    std::fs::create_dir_all(&logs).unwrap();
    let logs = logs.canonicalize().unwrap();
    for old in std::fs::read_dir(&logs).unwrap() {
        let old = old.unwrap().path();
        if old.extension().is_some_and(|extension| extension == "log") {
            std::fs::remove_file(old).unwrap();
        }
    }
    let plan = options.plan();
    let recorder = Recorder::new(Timeline::new(stage::terms(options.pods)));
    let mut stage = Stage::set_up(recorder.clone(), options.pods, logs.clone()).await;
    let watching = watch::start(&recorder, &stage.addresses(), stage.redis());
    play(&recorder, &mut stage, &plan).await;
    drop(watching);
    let mut timeline = finish(&recorder, stage).await;
    sort(&mut timeline);
    std::fs::write(logs.join("timeline.log"), table::timeline(&timeline)).unwrap();
    std::fs::write(logs.join("samples.log"), table::samples(&timeline)).unwrap();
    let judgement = judge::judge(&timeline);
    Outcome {
        command: format!(
            "just chaos {} --seed {} --pods {}",
            seconds(options.length) / 60.0,
            options.seed,
            options.pods
        ),
        plan,
        timeline,
        judgement,
        logs,
    }
}

enum Step<'a> {
    Pace(u64),
    Begin(&'a Fault),
    End(&'a Fault, AtWork),
}

/// Carries out the plan, one step after the other.
async fn play(recorder: &Recorder, stage: &mut Stage, plan: &Plan) {
    let mut steps: Vec<(Instant, Step<'_>)> = plan
        .faults
        .iter()
        .map(|fault| (recorder.moment(fault.at), Step::Begin(fault)))
        .collect();
    let paces = plan.paces.iter();
    steps.extend(paces.map(|(at, millis)| (recorder.moment(*at), Step::Pace(*millis))));
    let mut active: Vec<&Fault> = Vec::new();
    let mut end = recorder.moment(plan.length);
    while let Some(next) = (0..steps.len()).min_by_key(|index| steps[*index].0) {
        let (at, step) = steps.swap_remove(next);
        wait(stage, at).await;
        match step {
            Step::Pace(millis) => stage.pace(millis),
            // Those before it may be late: they waited for a leader, or for a pod that was slow to leave.
            Step::Begin(fault) if !fault.may_join(&active) => {
                steps.push((Instant::now() + LOOK_EVERY, Step::Begin(fault)));
            }
            Step::Begin(fault) => {
                let at_work = stage.begin(fault).await;
                active.push(fault);
                // As long as planned, also where it waited for a leader.
                let until = Instant::now() + (fault.until - fault.at);
                steps.push((until, Step::End(fault, at_work)));
            }
            Step::End(fault, at_work) => {
                stage.end(at_work).await;
                active.retain(|other| *other != fault);
                end = end.max(Instant::now() + CALM_LEAST);
            }
        }
    }
    wait(stage, end).await;
}

async fn wait(stage: &mut Stage, until: Instant) {
    loop {
        stage.look_for_the_dead();
        let now = Instant::now();
        if now >= until {
            return;
        }
        tokio::time::sleep((until - now).min(LOOK_EVERY)).await;
    }
}

/// Ends everything, and takes what the upstream saw into the record.
async fn finish(recorder: &Recorder, stage: Stage) -> Timeline {
    recorder.write().length = recorder.now();
    let mock = stage.strike_set().await;
    let mut timeline = recorder.write().clone();
    let length = timeline.length;
    timeline.starts = mock
        .asked()
        .all()
        .iter()
        .map(|asked| Start {
            at: recorder.at(asked.started),
            check: asked.model.clone(),
            pod: asked.door.as_deref().and_then(pod_of),
        })
        .filter(|start| start.at <= length)
        .collect();
    timeline
}

/// `pod-3` is the third.
fn pod_of(door: &str) -> Option<usize> {
    door.strip_prefix("pod-")?
        .parse::<usize>()
        .ok()?
        .checked_sub(1)
}

fn sort(timeline: &mut Timeline) {
    timeline.starts.sort_by(|a, b| a.at.total_cmp(&b.at));
    timeline
        .samples
        .sort_by(|a, b| a.answered.total_cmp(&b.answered));
    timeline
        .events
        .sort_by(|a, b| a.span.from.total_cmp(&b.span.from));
}

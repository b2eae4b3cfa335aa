//! Runs seeds of the simulation: one, many, or as many as fit into a time.

// A tool for people at a terminal, and for scripts.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use watchkeeper_simulation::{Tally, Weather, describe, run};

/// Fleets in virtual time, each from one seed, with every fault that we could think of.
#[derive(Parser)]
#[command(name = "sim")]
struct Arguments {
    /// Run this seed, in all weathers, and say what it makes of each.
    seed: Option<u64>,
    /// Only in this weather: calm, rolling, change, forced, outage, late, storm.
    #[arg(long)]
    weather: Option<Weather>,
    /// Run so many seeds of each weather.
    #[arg(long, conflicts_with = "seed")]
    seeds: Option<u64>,
    /// Begin with this seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Stop after so many minutes.
    #[arg(long)]
    minutes: Option<f64>,
}

/// What the workers share.
struct Work {
    weathers: Vec<Weather>,
    next: AtomicU64,
    end: u64,
    until: Option<Instant>,
    failed: AtomicBool,
    done: Mutex<(u64, Tally)>,
}

impl Work {
    /// Runs what is next until nothing is left, or something failed.
    fn take(&self) {
        let width = u64::try_from(self.weathers.len()).unwrap_or(1);
        while !self.failed.load(Ordering::Relaxed) && self.until.is_none_or(|u| Instant::now() < u)
        {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let (seed, place) = (number / width, number % width);
            let weather = usize::try_from(place)
                .ok()
                .and_then(|i| self.weathers.get(i));
            let Some(weather) = weather.filter(|_| seed < self.end) else {
                return;
            };
            let result = catch_unwind(AssertUnwindSafe(|| run(seed, *weather)));
            let why = match result {
                Ok(Ok(tally)) => {
                    self.add(tally);
                    continue;
                }
                Ok(Err(failure)) => failure.to_string(),
                Err(_) => format!("seed {seed}, {weather:?}: it panicked, see above"),
            };
            if !self.failed.swap(true, Ordering::Relaxed) {
                println!("{why}");
            }
        }
    }

    fn add(&self, tally: Tally) {
        if let Ok(mut done) = self.done.lock() {
            done.0 += 1;
            for (what, times) in tally {
                *done.1.entry(what).or_default() += times;
            }
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let weathers = arguments.weather.map_or(Weather::ALL.to_vec(), |w| vec![w]);
    let (from, end) = match (arguments.seed, arguments.seeds) {
        (Some(seed), _) => (seed, seed + 1),
        (None, Some(seeds)) => (arguments.from, arguments.from + seeds),
        (None, None) => (arguments.from, u64::MAX),
    };
    if let Some(seed) = arguments.seed {
        for weather in &weathers {
            println!("seed {seed}, {weather:?}: {}\n", describe(seed, *weather));
        }
    } else if arguments.seeds.is_none() && arguments.minutes.is_none() {
        println!("say which seed, how many `--seeds`, or how many `--minutes`; `--help` says more");
        return ExitCode::from(2);
    }
    let begun = Instant::now();
    let minutes = arguments
        .minutes
        .map(|m| Duration::from_secs_f64(m.max(0.0) * 60.0));
    let work = Work {
        next: AtomicU64::new(from * u64::try_from(weathers.len()).unwrap_or(1)),
        weathers,
        end,
        until: minutes.map(|minutes| begun + minutes),
        failed: AtomicBool::new(false),
        done: Mutex::default(),
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work.take());
        }
    });
    let (runs, tally) = work.done.into_inner().unwrap_or_default();
    println!(
        "{runs} runs without a breach, in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    for (what, times) in tally {
        println!("{times:>12} {what}");
    }
    if work.failed.load(Ordering::Relaxed) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

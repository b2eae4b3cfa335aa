//! `watchkeeper status`: asks a running pod, and shows what it says.

mod ask;
mod money;
mod reload;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use self::ask::{AskError, Picture, Pod};
use crate::cli::{Output, StatusArgs};
use crate::exit::Failure;
use crate::out::{self, Reader, Screen};
use crate::signals::StopSignals;

/// With `--watch`, from one question to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Moves the cursor to the top and clears the screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Asks once, or every second.
pub(crate) fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let key = args.api_key.as_deref().filter(|key| !key.trim().is_empty());
    let pod = Pod::at(&args.url, key)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime could not be started: {error}")))?;
    let result = runtime.block_on(async {
        if args.watch {
            watch(&pod, args.output).await
        } else {
            once(&pod, args.output).await
        }
    });
    // A name being looked up does not hold back the exit.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

async fn once(pod: &Pod, output: Output) -> Result<(), Failure> {
    let picture = pod.ask().await.map_err(Failure::failed)?;
    let text = match output {
        Output::Json => json(serde_json::to_string_pretty(&picture))?,
        Output::Table => view::page(&picture, &Screen::now()),
    };
    out::write(&text).map(|_| ())
}

/// Until Ctrl-C, or until nobody reads any more. A pod that cannot be asked at the start, or refuses the key, ends it;
/// one that is away for a while is waited for.
async fn watch(pod: &Pod, output: Output) -> Result<(), Failure> {
    let mut signals = StopSignals::listen()
        .map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))?;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Picture> = None;
    loop {
        let asked = tokio::select! {
            _ = signals.next() => return Ok(()),
            asked = async { ticks.tick().await; pod.ask().await } => asked,
        };
        let (picture, trouble) = match asked {
            Ok(picture) => (&*last.insert(picture), None),
            Err(error) => match &last {
                Some(known) if error.may_pass() => (known, Some(error)),
                _ => return Err(Failure::failed(error)),
            },
        };
        if show(picture, trouble.as_ref(), output)? == Reader::Gone {
            return Ok(());
        }
    }
}

fn show(picture: &Picture, trouble: Option<&AskError>, output: Output) -> Result<Reader, Failure> {
    if output == Output::Json {
        // One object a line; nothing is said twice when there is nothing new.
        return match trouble {
            None => out::write(&json(serde_json::to_string(picture))?),
            Some(_) => Ok(Reader::There),
        };
    }
    let screen = Screen::now();
    let mut page = view::page(picture, &screen);
    if let Some(error) = trouble {
        page = format!("{}\n{page}", view::trouble(error, &screen));
    }
    out::write(&if screen.terminal {
        format!("{CLEAR}{}", view::fit(&page, screen.height))
    } else {
        page + "\n"
    })
}

fn json(text: Result<String, serde_json::Error>) -> Result<String, Failure> {
    text.map(|text| text + "\n")
        .map_err(|error| Failure::failed(format!("the answer cannot be written: {error}")))
}

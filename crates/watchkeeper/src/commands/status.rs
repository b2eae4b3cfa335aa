//! `watchkeeper status`: asks a running pod, and shows what it says.

mod ask;
mod changes;
#[cfg(test)]
mod fixture;
mod interrupts;
mod live;
mod money;
mod reload;
mod view;
mod watch;

use std::process::ExitCode;

use self::ask::Pod;
use crate::cli::{Output, StatusArgs};
use crate::exit::Failure;
use crate::out::{self, Screen};

/// Asks once, or again and again.
pub(crate) fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let key = args.api_key.as_deref().filter(|key| !key.trim().is_empty());
    let pod = Pod::at(&args.url, key)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime could not be started: {error}")))?;
    let result = runtime.block_on(async {
        if args.watch {
            watch::watch(&pod, args.output, args.interval).await
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

fn json(text: Result<String, serde_json::Error>) -> Result<String, Failure> {
    text.map(|text| text + "\n")
        .map_err(|error| Failure::failed(format!("the answer cannot be written: {error}")))
}

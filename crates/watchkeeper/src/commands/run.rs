//! `watchkeeper run`: the daemon.
//!
//! Order of the start: configuration, listener, store and prober, pod, HTTP. Order of the end: not ready any more, no
//! new probe, finished entries published and the lease released, listener closed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use watchkeeper_api::{Access, ApiState, Limits, router, serve};
use watchkeeper_config::Loaded;
use watchkeeper_core::probe::Prober;
use watchkeeper_core::time::Clock;
use watchkeeper_runtime::{BootClock, Metrics};

use crate::cli::RunArgs;
use crate::exit::Failure;
use crate::reload::Desk;
use crate::signals::{Hangups, StopSignals};
use crate::telemetry::LevelSwitch;
use crate::wiring::metrics::PodMetrics;
use crate::{inputs, reload, telemetry, wiring};

/// The exit code after a second signal: nothing was handed over.
const LEFT_AT_ONCE: u8 = 1;
/// Answers come from memory: requests that are still open this long after the hand-over are cut.
const LISTENER_DRAIN: Duration = Duration::from_secs(2);

/// Runs the daemon until it is told to stop.
pub(crate) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let loaded = inputs::read(&args.from, inputs::run_overrides(&args))?;
    let level = telemetry::start(&loaded.config.log);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    for warning in wiring::pending::warnings(&loaded.config) {
        warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime could not be started: {error}")))?;
    let result = runtime.block_on(daemon(args, loaded, level));
    // Tasks that hang in the kernel (a name being looked up) do not hold back the exit.
    runtime.shutdown_background();
    result
}

async fn daemon(args: RunArgs, loaded: Loaded, level: LevelSwitch) -> Result<ExitCode, Failure> {
    let config = &loaded.config;
    let unheard = |error| Failure::failed(format!("signals cannot be received: {error}"));
    let mut signals = StopSignals::listen().map_err(unheard)?;
    let hangups = Hangups::listen().map_err(unheard)?;
    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Failure::failed(format!(
            "cannot listen on `{listen}` (`http.listen`): {error}; is another pod running there?"
        ))
    })?;
    let address = listener.local_addr().map_err(Failure::failed)?;

    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    let prober: Arc<dyn Prober> = wiring::probes::build(&clock, config)?;
    let wire = wiring::wire::decide(config, &*prober)?;
    let wired = wiring::store::build(config, wire.is_some(), &clock)?;
    if let Some(warning) = wiring::probes::unaskable(&config.checks, &*prober) {
        warn!("{warning}");
    }
    if let Some(line) = wiring::pod::cost(config, wire.as_ref(), &*prober).line() {
        info!("{line}");
    }
    let pod_id = wiring::pod::pod_id(config)?;
    let metrics = Arc::new(Metrics::of_fleet(wiring::pod::VERSION, &config.fleet.name));
    let mut pod = wiring::pod::start(
        config,
        pod_id.clone(),
        wired,
        wire.as_ref(),
        prober,
        Arc::clone(&clock),
        Arc::clone(&metrics),
    )?;

    let access = Arc::new(Access::new(&config.http.api_keys, config.http.metrics_auth));
    let (desk, calls) = Desk::open();
    let desk = Arc::new(desk);
    let pod_metrics = Arc::new(PodMetrics {
        metrics: Arc::clone(&metrics),
        status: pod.status(),
    });
    let state = ApiState {
        source: pod.status(),
        on_demand: pod.on_demand(),
        events: pod.events(),
        access: Arc::clone(&access),
        reloader: Some(Arc::clone(&desk) as _),
        metrics: Arc::clone(&pod_metrics) as _,
        observer: Some(pod_metrics),
    };
    let close = CancellationToken::new();
    let drain = config.http.drain;
    let limits = Limits {
        drain: drain.min(LISTENER_DRAIN),
        ..Limits::default()
    };
    let mut server = tokio::spawn(serve(
        listener,
        router(state),
        close.clone().cancelled_owned(),
        limits,
    ));
    info!(address = %address, "listening on http://{address}");
    let reloading = reload::Task::start(reload::Belongings {
        args,
        serves_litellm: wire.is_some(),
        loaded,
        pod: pod_id,
        clock,
        reloads: pod.reloads(),
        access,
        level,
        metrics,
        events: pod.events(),
        desk,
        calls,
        hangups,
    });

    // A pod that only seems alive is worse than one that is started anew.
    let signal = tokio::select! {
        signal = signals.next() => signal,
        () = pod.died() => return Err(Failure::failed("the pod's main task ended by a fault of its own, see above")),
        _ = &mut server => return Err(Failure::failed("the listener ended by a fault of its own, see above")),
    };
    info!(signal, drain = ?drain, "leaving: finishing probes in flight, handing over; a second signal leaves at once");
    let leave = async {
        // The pod takes no other settings any more once it leaves.
        tokio::join!(reloading.stop(), pod.leave());
        close.cancel();
        if let Err(error) = server.await {
            warn!(%error, "the listener ended badly");
        }
    };
    tokio::select! {
        () = leave => {
            info!("left in order");
            Ok(ExitCode::SUCCESS)
        }
        signal = signals.next() => {
            warn!(signal, "left at once, the lease is left to its end");
            Ok(ExitCode::from(LEFT_AT_ONCE))
        }
    }
}

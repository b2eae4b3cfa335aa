//! The table of pods.

use watchkeeper_api::v1::PodRow;

use super::line;
use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint, count, span};

pub(super) fn table(pods: &[PodRow], screen: &Screen) -> String {
    let mut table = Table::new([
        Column::name("POD", 16),
        Column::text("MODE"),
        Column::number("LEASES").rank(2),
        Column::number("ROUNDS LED").rank(4),
        Column::number("PROBES MADE").rank(5),
        Column::number("SAVED").rank(3),
        Column::number("HEARD OF").rank(6),
        Column::soft("VERSION", 7).rank(1),
    ]);
    for pod in pods {
        // What a pod announced may be seconds old; who holds a lease is known better.
        let mode = match pod.mode.as_str() {
            "following" if pod.leases > 0 => "leading",
            mode => mode,
        };
        let tint = match mode {
            "leading" => Tint::Bold,
            "isolated" | "unknown" => Tint::Bad,
            _ => Tint::Plain,
        };
        let heard = if pod.this_pod {
            "this one".to_owned()
        } else {
            format!("{} ago", span(pod.age_seconds))
        };
        table.row([
            Cell::tinted(pod.pod_id.as_str(), tint),
            Cell::tinted(mode, tint),
            pod.leases.to_string().into(),
            pod.totals.led.to_string().into(),
            pod.totals.probes.to_string().into(),
            pod.totals.saved.to_string().into(),
            heard.into(),
            pod.version.as_str().into(),
        ]);
    }
    format!(
        "{}{}\n",
        table.render(screen),
        line(&count(pods.len(), "pod", "pods"), Tint::Faint, screen)
    )
}

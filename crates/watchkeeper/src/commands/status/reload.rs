//! The line about the configuration, where it was read again.

use jiff::Timestamp;
use watchkeeper_api::v1::ReloadView;

use super::view::line;
use crate::out::Screen;
use crate::table::{Tint, span};

/// What came of it, at `now` by the pod's clock; a second line names what waits for a restart.
pub(super) fn lines(
    reload: Option<&ReloadView>,
    now: Option<Timestamp>,
    screen: &Screen,
) -> String {
    let Some(reload) = reload else {
        return String::new();
    };
    let ago = reload.at.zip(now).map_or_else(String::new, |(at, now)| {
        let seconds = now.duration_since(at).as_secs_f64().max(0.0);
        format!(" {} ago", span(seconds))
    });
    let source = &reload.source;
    let (text, tint) = match &reload.error {
        Some(error) => (
            format!("config refused{ago} ({source}), the one before it holds: {error}"),
            Tint::Bad,
        ),
        None => (format!("config read{ago} ({source})"), Tint::Plain),
    };
    let mut out = line(&text, tint, screen) + "\n";
    if !reload.restart_needed.is_empty() {
        let keys = reload.restart_needed.join(", ");
        let text = format!("config waits for a restart: {keys}");
        out += &line(&text, Tint::Doubtful, screen);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen() -> Screen {
        Screen {
            width: None,
            height: None,
            colours: false,
            terminal: false,
        }
    }

    #[test]
    fn a_refused_configuration_and_what_waits_are_named() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).ok();
        let mut view = ReloadView {
            at: at(0),
            ok: true,
            error: None,
            source: "file".to_owned(),
            restart_needed: Vec::new(),
        };
        assert_eq!(lines(None, at(0), &screen()), "");
        let read = lines(Some(&view), at(12), &screen());
        assert_eq!(read, "config read 12 s ago (file)\n");
        view.ok = false;
        view.error = Some("`http.listen` is odd".to_owned());
        view.restart_needed = vec!["http.listen".to_owned()];
        assert_eq!(
            lines(Some(&view), None, &screen()),
            "config refused (file), the one before it holds: `http.listen` is odd\n\
             config waits for a restart: http.listen\n"
        );
    }
}

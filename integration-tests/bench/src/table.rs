//! The table at the end of a run, for people: Markdown, so that it can be pasted into a document.

use crate::outcome::{Judged, Outcome};
use crate::row::median;

/// Draws it, with what was measured on above and what could not be measured below.
pub(crate) fn draw(outcome: &Outcome) -> String {
    let mut lines = vec![
        [
            "what", "unit", "ours", "peer", "measured", "target", "holds",
        ]
        .map(str::to_owned),
    ];
    lines.extend(outcome.rows().iter().map(line));
    let mut widths = [0_usize; 7];
    for cells in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = format!("{}\n\n", outcome.head());
    for (at, cells) in lines.iter().enumerate() {
        text.push_str(&joined(cells, &widths, ' '));
        if at == 0 {
            let rules = widths.map(|width| "-".repeat(width));
            text.push_str(&joined(&rules, &widths, '-'));
        }
    }
    for failed in outcome.failures() {
        text.push_str(&format!(
            "\nnot measured: `{}`: {}\n",
            failed.measure, failed.error
        ));
    }
    let promised = outcome.rows().iter().filter_map(|row| row.holds);
    let (held, all) = promised.fold((0, 0), |(held, all), holds| {
        (held + usize::from(holds), all + 1)
    });
    text.push_str(&format!("\n{held} of {all} promises hold\n"));
    text
}

fn joined(cells: &[String; 7], widths: &[usize; 7], fill: char) -> String {
    let mut line = String::from("|");
    for (cell, width) in cells.iter().zip(widths) {
        let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
        line.push_str(&format!("{fill}{cell}{pad}{fill}|"));
    }
    line.push('\n');
    line
}

fn line(judged: &Judged) -> [String; 7] {
    let row = &judged.row;
    let peer = match row.peer_name {
        Some(name) if !row.peer.is_empty() => format!("{} ({name})", number(median(&row.peer))),
        _ => String::new(),
    };
    let measured = if row.peer.is_empty() {
        number(row.measured())
    } else {
        format!("x {:.3}", row.measured())
    };
    let holds = match judged.holds {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    [
        row.what.clone(),
        row.unit.to_owned(),
        number(median(&row.ours)),
        peer,
        measured,
        row.target.shown(),
        holds.to_owned(),
    ]
}

/// Three or four digits that count.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1000.0 || size == 0.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.01 => 4,
        _ => 6,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ctx;
    use crate::row::{Row, Target};

    #[test]
    fn the_table_shows_the_ratio_the_target_and_the_verdict() {
        let mut outcome = Outcome::begin(&Ctx {
            repeat: 1,
            quick: false,
        })
        .unwrap();
        outcome.add(
            "a",
            Ok(vec![Row {
                what: "requests".to_owned(),
                unit: "1/s",
                ours: vec![80.0],
                peer: vec![100.0],
                peer_name: Some("bare"),
                target: Target::AtLeast(0.9),
            }]),
        );
        let text = draw(&outcome);
        assert!(
            text.contains("| 100.0 (bare) | x 0.800  | >= 0.9 | NO"),
            "{text}"
        );
        assert!(text.contains("0 of 1 promises hold"), "{text}");
    }
}

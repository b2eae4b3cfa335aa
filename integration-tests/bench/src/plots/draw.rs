//! The plots. Nothing is painted behind them and every colour is of middle brightness, so that they can be read on
//! white and on dark pages alike.

use std::path::Path;

use plotters::prelude::*;

use super::measure::{Cell, INTERVAL};
use crate::Error;

const SIZE: (u32, u32) = (760, 440);
/// Words, axes and the box around them.
const INK: RGBColor = RGBColor(128, 132, 140);
const GRID: RGBAColor = RGBAColor(128, 132, 140, 0.25);
/// One per fleet.
const COLOURS: [RGBColor; 4] = [
    RGBColor(52, 136, 222),
    RGBColor(222, 124, 36),
    RGBColor(42, 160, 100),
    RGBColor(198, 88, 170),
];

/// One picture.
pub(super) struct Plot {
    pub(super) file: &'static str,
    title: &'static str,
    axis: &'static str,
    value: fn(&Cell) -> f64,
}

/// All pictures.
pub(super) static PLOTS: [Plot; 5] = [
    Plot {
        file: "commands.svg",
        title: "Commands to the store",
        axis: "commands per second, whole fleet",
        value: |cell| cell.commands,
    },
    Plot {
        file: "bytes.svg",
        title: "Bytes on the store's wire",
        axis: "KiB per second, whole fleet, both ways",
        value: |cell| cell.bytes / 1024.0,
    },
    Plot {
        file: "cpu.svg",
        title: "CPU of a pod",
        axis: "percent of a core, mean over the fleet",
        value: |cell| cell.cpu * 100.0,
    },
    Plot {
        file: "store-cpu.svg",
        title: "CPU of the store",
        axis: "percent of a core",
        value: |cell| cell.store_cpu * 100.0,
    },
    Plot {
        file: "memory.svg",
        title: "Memory of a pod",
        axis: "MiB resident, mean over the fleet",
        value: |cell| cell.memory,
    },
];

/// Draws one over the number of checks, a line per fleet, both axes logarithmic.
pub(super) fn draw(plot: &Plot, cells: &[Cell], path: &Path) -> Result<(), Error> {
    let values = || cells.iter().map(|cell| (plot.value)(cell));
    let low = values().fold(f64::INFINITY, f64::min).max(1e-3) * 0.7;
    let high = values().fold(low, f64::max) * 1.5;
    let checks = || cells.iter().map(|cell| cell.checks as f64);
    let (first, last) = (
        checks().fold(f64::INFINITY, f64::min),
        checks().fold(1.0, f64::max),
    );
    let mut fleets: Vec<usize> = cells.iter().map(|cell| cell.pods).collect();
    fleets.sort_unstable();
    fleets.dedup();

    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let title = format!("{}, a round every {} s", plot.title, INTERVAL.as_secs());
    let mut chart = ChartBuilder::on(&area)
        .caption(title, text(18))
        .margin(12)
        .x_label_area_size(46)
        .y_label_area_size(68)
        .build_cartesian_2d(
            (first * 0.9..last * 1.1).log_scale(),
            (low..high).log_scale(),
        )?;
    chart
        .configure_mesh()
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(text(13))
        .axis_desc_style(text(14))
        .x_desc("checks")
        .y_desc(plot.axis)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .draw()?;
    for (fleet, colour) in fleets.iter().zip(COLOURS) {
        let points: Vec<(f64, f64)> = cells
            .iter()
            .filter(|cell| cell.pods == *fleet)
            .map(|cell| (cell.checks as f64, (plot.value)(cell).max(1e-3)))
            .collect();
        let name = match fleet {
            1 => "1 pod".to_owned(),
            many => format!("{many} pods"),
        };
        chart
            .draw_series(LineSeries::new(
                points.iter().copied(),
                colour.stroke_width(2),
            ))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 4, colour.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(text(13))
        .border_style(GRID)
        .draw()?;
    area.present()?;
    Ok(())
}

/// As short as it can be said.
fn number(value: &f64) -> String {
    if *value >= 1.0 {
        format!("{}", (value * 10.0).round() / 10.0)
    } else {
        format!("{}", (value * 1000.0).round() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plot_is_drawn_with_its_fleets_and_without_a_background() {
        let cell = |pods, checks| Cell {
            pods,
            checks,
            commands: 3.0 * pods as f64,
            bytes: 100.0 * checks as f64,
            cpu: 0.001,
            store_cpu: 0.0,
            memory: 12.5,
        };
        let cells = [cell(1, 10), cell(1, 5000), cell(20, 10), cell(20, 5000)];
        let folder = tempfile::tempdir().unwrap();
        for plot in &PLOTS {
            let path = folder.path().join(plot.file);
            draw(plot, &cells, &path).unwrap();
            let svg = std::fs::read_to_string(path).unwrap();
            for part in ["1 pod", "20 pods", "checks", plot.axis] {
                assert!(svg.contains(part), "{} lacks `{part}`", plot.file);
            }
            assert!(
                !svg.to_lowercase().contains("fill=\"#ffffff\""),
                "{}",
                plot.file
            );
        }
    }
}

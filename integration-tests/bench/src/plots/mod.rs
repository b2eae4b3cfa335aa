//! How commands, bytes, CPU and memory grow with pods and checks: measured on real processes and drawn.

mod draw;
mod measure;

use std::fmt::Write as _;
use std::path::Path;

use self::measure::Cell;
use crate::row::Row;
use crate::{Ctx, Error};

/// Where the plots go, and the values that they are drawn from.
const FOLDER: &str = "docs/performance";
const PODS: [usize; 4] = [1, 4, 20, 50];
const CHECKS: [usize; 4] = [10, 100, 1000, 5000];

/// Measures every fleet with every list and writes the plots; there are no rows, since nothing is promised. A quick run
/// draws the smallest into `target/`.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let (pods, checks, folder): (&[usize], &[usize], &Path) = if ctx.quick {
        (&PODS[..2], &CHECKS[..2], Path::new("target/performance"))
    } else {
        (&PODS, &CHECKS, Path::new(FOLDER))
    };
    let mut cells = Vec::new();
    for &pods in pods {
        for &checks in checks {
            let cell = measure::cell(pods, checks).await?;
            eprintln!("  {pods} pods, {checks} checks: {cell:.3?}");
            cells.push(cell);
        }
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("growth.csv"), csv(&cells))?;
    for plot in &draw::PLOTS {
        draw::draw(plot, &cells, &folder.join(plot.file))?;
    }
    eprintln!("plots: {}", folder.display());
    Ok(Vec::new())
}

fn csv(cells: &[Cell]) -> String {
    let mut text = String::from(
        "pods,checks,store_commands_per_second,store_bytes_per_second,cpu_share_per_pod,cpu_share_store,mib_per_pod\n",
    );
    for cell in cells {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{},{},{:.2},{:.0},{:.5},{:.5},{:.2}",
            cell.pods,
            cell.checks,
            cell.commands,
            cell.bytes,
            cell.cpu,
            cell.store_cpu,
            cell.memory
        );
    }
    text
}

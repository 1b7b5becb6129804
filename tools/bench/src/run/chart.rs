//! Throughput against the size of the company, as a picture.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

/// Draw people per second over the number of people, both measured. Nothing is drawn of less than
/// two sizes.
pub(super) fn draw(path: &Path, throughput: &[(usize, f64)]) -> Result<bool> {
    let [(least, _), .., (most, _)] = throughput else {
        return Ok(false);
    };
    let highest = throughput.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let area = SVGBackend::new(path, (760, 420)).into_drawing_area();
    let drawn = || -> Result<(), DrawingAreaErrorKind<_>> {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(
                "People per second, from the first request to the last link",
                ("sans-serif", 18),
            )
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d((*least as f64..*most as f64).log_scale(), 0.0..highest * 1.15)?;
        chart
            .configure_mesh()
            .x_desc("people in the company")
            .y_desc("people per second")
            .x_label_formatter(&|people| format!("{people:.0}"))
            .y_label_formatter(&|rate| format!("{rate:.0}"))
            .draw()?;
        let points = throughput.iter().map(|(people, rate)| (*people as f64, *rate));
        chart.draw_series(LineSeries::new(points.clone(), BLUE.stroke_width(2)))?;
        chart.draw_series(points.map(|point| Circle::new(point, 4, BLUE.filled())))?;
        area.present()
    };
    drawn().map_err(|error| anyhow!("drawing {}: {error}", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_of_several_sizes_is_an_svg_with_every_point_and_of_one_is_none() -> Result<()> {
        let path = std::env::temp_dir().join(format!("chart-{}.svg", uuid::Uuid::new_v4()));
        assert!(!draw(&path, &[(1_000, 500.0)])?);
        assert!(draw(&path, &[(1_000, 500.0), (10_000, 700.0), (100_000, 690.0)])?);
        let picture = std::fs::read_to_string(&path)?;
        assert!(picture.starts_with("<svg") && picture.matches("<circle").count() == 3);
        std::fs::remove_file(path)?;
        Ok(())
    }
}

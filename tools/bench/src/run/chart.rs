//! Pictures: throughput against the size of the company, and a soak over time.

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

/// Lines over the same minutes; each is named and has its points in order of time.
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) lines: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// Draw panels below one another, each from zero to its own highest value.
pub(super) fn draw_over_time(path: &Path, panels: &[Panel]) -> Result<()> {
    let count = u32::try_from(panels.len())?;
    let area = SVGBackend::new(path, (760, 260 * count)).into_drawing_area();
    let drawn = || -> Result<(), DrawingAreaErrorKind<_>> {
        area.fill(&WHITE)?;
        for (area, panel) in area.split_evenly((panels.len(), 1)).iter().zip(panels) {
            let points = || panel.lines.iter().flat_map(|(_, points)| points);
            let minutes = points().map(|(at, _)| *at).fold(0.0, f64::max);
            let highest = points().map(|(_, value)| *value).fold(1.0, f64::max);
            let mut chart = ChartBuilder::on(area)
                .caption(&panel.title, ("sans-serif", 16))
                .margin(12)
                .x_label_area_size(32)
                .y_label_area_size(56)
                .build_cartesian_2d(0.0..minutes, 0.0..highest * 1.15)?;
            chart
                .configure_mesh()
                .x_desc("minutes")
                .x_label_formatter(&|minutes| format!("{minutes:.1}"))
                .y_label_formatter(&|value| format!("{value:.0}"))
                .draw()?;
            for (place, (name, points)) in panel.lines.iter().enumerate() {
                let color = Palette99::pick(place).stroke_width(2);
                chart
                    .draw_series(LineSeries::new(points.iter().copied(), color))?
                    .label(*name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color));
            }
            chart
                .configure_series_labels()
                .background_style(WHITE.mix(0.8))
                .position(SeriesLabelPosition::UpperLeft)
                .draw()?;
        }
        area.present()
    };
    drawn().map_err(|error| anyhow!("drawing {}: {error}", path.display()))
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

    #[test]
    fn chart_over_time_has_a_caption_for_each_panel_and_a_name_for_each_line() -> Result<()> {
        let path = std::env::temp_dir().join(format!("chart-{}.svg", uuid::Uuid::new_v4()));
        let line = |name| (name, vec![(1.0, 5.0), (2.0, 7.0), (3.0, 6.0)]);
        let panel = |title: &str, lines| Panel {
            title: title.to_owned(),
            lines,
        };
        let panels = [
            panel("Memory", vec![line("API"), line("worker")]),
            panel("Backlog", vec![line("pending")]),
        ];
        draw_over_time(&path, &panels)?;
        let picture = std::fs::read_to_string(&path)?;
        for text in ["Memory", "Backlog", "API", "worker", "pending"] {
            assert!(picture.lines().any(|line| line == text), "{text}");
        }
        std::fs::remove_file(path)?;
        Ok(())
    }
}

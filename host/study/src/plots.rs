//! Plots as SVG text.

use plotters::prelude::*;

const SIZE: (u32, u32) = (760, 380);
const COLOURS: [RGBColor; 5] =
    [RGBColor(68, 84, 106), RGBColor(217, 119, 6), RGBColor(5, 122, 85), RGBColor(37, 99, 235), RGBColor(190, 24, 93)];

/// A named line: points in ascending x.
pub(crate) struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// Lines over a common x axis; y starts at `y.start` unless a point lies lower.
pub(crate) fn lines(title: &str, x_name: &str, y_name: &str, y: std::ops::Range<f64>, lines: &[Line]) -> String {
    let mut svg = String::new();
    let points = || lines.iter().flat_map(|line| &line.points);
    let least = points().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let most = points().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    let high = points().map(|p| p.1).fold(y.end, f64::max);
    if least < most {
        let drawn = draw_lines(&mut svg, title, (x_name, y_name), (least..most, y.start..high), lines);
        drawn.expect("text takes any drawing");
    }
    svg
}

type Axes = (std::ops::Range<f64>, std::ops::Range<f64>);
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw_lines(svg: &mut String, title: &str, names: (&str, &str), axes: Axes, lines: &[Line]) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(axes.0, axes.1)?;
    chart.configure_mesh().x_desc(names.0).y_desc(names.1).light_line_style(WHITE).draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)).point_size(3))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::LowerRight)
        .draw()?;
    area.present()?;
    Ok(())
}

/// Groups of bars, one group a name.
pub(crate) fn bars(title: &str, y_name: &str, groups: &[String], series: &[(&str, Vec<f64>)]) -> String {
    let mut svg = String::new();
    if !groups.is_empty() {
        draw_bars(&mut svg, title, y_name, groups, series).expect("text takes any drawing");
    }
    svg
}

fn draw_bars(svg: &mut String, title: &str, y_name: &str, groups: &[String], series: &[(&str, Vec<f64>)]) -> Drawn {
    let high = series.iter().flat_map(|s| &s.1).copied().fold(f64::MIN_POSITIVE, f64::max) * 1.05;
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..groups.len() as f64, 0.0..high)?;
    let name = |at: &f64| groups.get(at.floor() as usize).cloned().unwrap_or_default();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(groups.len().min(16))
        .x_label_formatter(&name)
        .y_desc(y_name)
        .draw()?;
    let width = 0.8 / series.len().max(1) as f64;
    for (s, ((label, values), colour)) in series.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let bar = |(group, &value): (usize, &f64)| {
            let left = group as f64 + 0.1 + s as f64 * width;
            Rectangle::new([(left, 0.0), (left + width, value)], colour.filled())
        };
        chart
            .draw_series(values.iter().enumerate().map(bar))?
            .label(*label)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.85)).border_style(BLACK.mix(0.3)).draw()?;
    area.present()?;
    Ok(())
}

//! The report as one HTML file that needs nothing else.

use lacuna_spec::charge::READOUT_BITS_MAX;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::charge::Variant;
use crate::plots::{self, Line};
use crate::report::Report;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1f2937}\
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #e5e7eb;text-align:right}\
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}";

/// Writes the page of a model.
#[must_use]
pub fn page(model: &str, report: &Report) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Sparsity of " (model) } style { (PreEscaped(STYLE)) } }
            body {
                h1 { "Sparsity of " (model) }
                p { "Digital array of " (report.geometry) ", " (report.digit_bits) "-bit digits, "
                    (report.array_frames) " frames, by itself: no feeder, post unit or moves." }
                (layers(report)) (widths(report)) (monitor(report)) (charge(report)) (energy(report))
            }
        }
    }
    .into_string()
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Markup {
    html! {
        table {
            tr { @for name in header { th { (name) } } }
            @for row in rows { tr { @for cell in row { td { (cell) } } } }
        }
    }
}

fn layers(report: &Report) -> Markup {
    let groups: Vec<String> = report.layers.iter().enumerate().map(|(at, _)| (at + 1).to_string()).collect();
    let zeros = report.layers.iter().map(|l| 100.0 * l.zero_fraction).collect();
    let digits = |at: usize| report.layers.iter().map(|l| l.digits_per_row[at]).collect();
    let cells = |at: usize| report.layers.iter().map(|l| l.active_cells[at] / 1e6).collect();
    let rows = report.layers.iter().enumerate().map(|(at, l)| {
        let [off, row, digit] = l.cycles.map(|c| format!("{c:.0}"));
        let zero = format!("{:.1} %", 100.0 * l.zero_fraction);
        let ratio = format!("{:.3}", l.active_over_essential);
        vec![format!("{} {}", at + 1, l.name), l.rows.to_string(), l.outputs.to_string(), zero, off, row, digit, ratio]
    });
    html! {
        h2 { "Layers" }
        (table(&["layer", "rows", "outputs", "zeros", "cycles off", "row", "digit", "active / essential"], rows))
        (PreEscaped(plots::bars("Rows that equal the gate value", "%", &groups, &[("zeros", zeros)])))
        (PreEscaped(plots::bars("Essential digits of a row", "digits", &groups,
            &[("2-bit", digits(0)), ("4-bit", digits(1)), ("8-bit", digits(2))])))
        (PreEscaped(plots::bars("Cells enabled in a frame", "millions", &groups,
            &[("off", cells(0)), ("row", cells(1)), ("digit", cells(2))])))
    }
}

fn widths(report: &Report) -> Markup {
    let groups: Vec<String> =
        report.widths.iter().map(|w| format!("{}-bit, {} columns", w.digit_bits, w.reduce_columns)).collect();
    let of = |at: usize| report.widths.iter().map(|w| w.macs_per_cell_cycle[at]).collect();
    let limit = report.widths.iter().map(|w| w.limit).collect();
    let rows = report.widths.iter().zip(&groups).map(|(w, name)| {
        let share = |slots: u64| format!("{:.1} %", 100.0 * slots as f64 / w.run.slots.total().max(1) as f64);
        let rates = w.macs_per_cell_cycle.map(|rate| format!("{rate:.2}"));
        let slots = w.run.slots;
        let mut row = vec![name.clone()];
        row.extend(rates);
        row.push(format!("{:.2}", w.limit));
        row.extend([slots.imbalance, slots.reduce, slots.feed].map(share));
        row
    });
    html! {
        h2 { "Multiply-accumulates a cell and cycle" }
        (table(&["digits, reduction", "off", "row", "digit", "limit", "lost to imbalance", "reduction", "feed"], rows))
        (PreEscaped(plots::bars("Multiply-accumulates a cell and cycle", "", &groups,
            &[("off", of(0)), ("row", of(1)), ("digit", of(2)), ("limit", limit)])))
    }
}

fn monitor(report: &Report) -> Markup {
    let most = report.monitor.iter().map(|m| m.cycles).max().unwrap_or(1).max(1) as f64;
    let cells = report.monitor.iter().map(|m| m.digits).max().unwrap_or(1).max(1) as f64;
    let share = |of: &dyn Fn(&crate::MonitorResult) -> f64| -> Vec<(f64, f64)> {
        report.monitor.iter().map(|m| (100.0 * f64::from(m.threshold) / 16.0, 100.0 * of(m))).collect()
    };
    let lines = [
        ("batches gated", share(&|m| m.gated as f64 / m.batches.max(1) as f64)),
        ("cycles", share(&|m| m.cycles as f64 / most)),
        ("cells enabled", share(&|m| m.digits as f64 / cells)),
    ];
    let lines = lines.map(|(name, points)| Line { name: name.into(), points });
    html! {
        h2 { "Sparsity monitor" }
        (PreEscaped(plots::lines("Threshold of the monitor", "zeros from which on the array is gated, %",
            "% of batches, of the most", 0.0..100.0, &lines)))
    }
}

fn charge(report: &Report) -> Markup {
    if report.charge.is_empty() {
        return html! {};
    }
    let frames = report.charge[0].frames;
    let share = |count: usize| 100.0 * count as f64 / frames.max(1) as f64;
    let labelled = report.exact_correct.is_some();
    let accuracy: Vec<Line> = Variant::ALL
        .iter()
        .map(|variant| {
            let of = report.charge.iter().filter(|r| r.variant == *variant);
            let points = of.map(|r| (f64::from(r.readout_bits), share(r.correct.unwrap_or(r.agree)))).collect();
            Line { name: variant.name().into(), points }
        })
        .collect();
    let errors: Vec<Line> = Variant::ALL[..3]
        .iter()
        .map(|variant| {
            let of = report.charge.iter().filter(|r| r.variant == *variant);
            Line { name: variant.name().into(), points: of.map(|r| (f64::from(r.readout_bits), r.sum_error)).collect() }
        })
        .collect();
    let rows = report.charge.iter().zip(&report.charge_energy).map(|(r, energy)| {
        vec![
            r.variant.name().into(),
            r.readout_bits.to_string(),
            r.correct.map_or(String::new(), |correct| format!("{:.1} %", share(correct))),
            format!("{:.1} %", share(r.agree)),
            format!("{:.4}", r.sum_error),
            format!("{:.1}", r.enabled_rows),
            format!("{:.1}", energy.total()),
        ]
    });
    let name = if labelled { "right, %" } else { "agree with the exact network, %" };
    html! {
        h2 { "Charge-domain array" }
        p { (frames) " frames"
            @if let Some(correct) = report.exact_correct { "; the exact network is right on " (correct) } "." }
        (PreEscaped(plots::lines("Answers by readout bits", "bits", name, 0.0..100.0, &accuracy)))
        (PreEscaped(plots::lines(&format!("Error of a sum, up to {READOUT_BITS_MAX} bits"), "bits",
            "of the sums' deviation", 0.0..0.1, &errors)))
        (table(&["gates", "bits", "right", "agree", "sum error", "rows enabled", "nJ a frame (modelled)"], rows))
    }
}

fn energy(report: &Report) -> Markup {
    let rows = ["off", "row", "digit"].iter().zip(&report.energy).map(|(name, e)| {
        let mut row = vec![(*name).to_owned()];
        row.extend([e.compute, e.weights, e.activations, e.total()].map(|nj| format!("{nj:.1}")));
        row
    });
    html! {
        h2 { "Energy, modelled" }
        (table(&["gating", "cells, nJ a frame", "weights", "activations", "all"], rows))
        p { "Counts times a table of energies: " (report.energy_table.source) }
    }
}

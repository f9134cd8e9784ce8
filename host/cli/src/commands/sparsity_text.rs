//! The study of `lacuna sparsity` as tables.

use lacuna_study::{Report, Variant};

use crate::output;

/// Prints every table.
pub fn print(report: &Report) {
    layers(report);
    widths(report);
    monitor(report);
    charge(report);
    energy(report);
}

fn layers(report: &Report) {
    let header = [
        "layer",
        "rows",
        "outputs",
        "zeros %",
        "digits 2-bit",
        "4-bit",
        "8-bit",
        "cycles off",
        "row",
        "digit",
        "cells off",
        "row",
        "digit",
        "active / essential",
    ];
    let mut table = output::table(&header);
    for l in &report.layers {
        let mut row = vec![l.name.clone(), l.rows.to_string(), l.outputs.to_string()];
        row.push(format!("{:.1}", 100.0 * l.zero_fraction));
        row.extend(l.digits_per_row.map(|d| format!("{d:.2}")));
        row.extend(l.cycles.map(|c| format!("{c:.0}")));
        row.extend(l.active_cells.map(|c| format!("{c:.0}")));
        row.push(format!("{:.3}", l.active_over_essential));
        table.add_row(row);
    }
    say!(
        "Layers on the array, a frame ({}, {}-bit digits, mean of {}):",
        report.geometry,
        report.digit_bits,
        report.array_frames
    );
    say!("{table}");
}

fn widths(report: &Report) {
    let header =
        ["digit bits", "reduced a cycle", "off", "row", "digit", "limit", "imbalance %", "reduction %", "feed %"];
    let mut table = output::table(&header);
    for w in &report.widths {
        let share = |slots: u64| format!("{:.1}", 100.0 * slots as f64 / w.run.slots.total().max(1) as f64);
        let mut row = vec![w.digit_bits.to_string(), w.reduce_columns.to_string()];
        row.extend(w.macs_per_cell_cycle.map(|rate| format!("{rate:.2}")));
        row.push(format!("{:.2}", w.limit));
        row.extend([w.run.slots.imbalance, w.run.slots.reduce, w.run.slots.feed].map(share));
        table.add_row(row);
    }
    say!("Multiply-accumulates a cell and cycle, array only; what keeps `digit` from its limit:");
    say!("{table}");
}

fn monitor(report: &Report) {
    let mut table = output::table(&["threshold", "batches", "gated", "second gate", "crossings", "cycles", "digits"]);
    for m in &report.monitor {
        let mut row = vec![format!("{:.1} %", 100.0 * f64::from(m.threshold) / 16.0)];
        row.extend([m.batches, m.gated, m.second, m.crossings, m.cycles, m.digits].map(|n| n.to_string()));
        table.add_row(row);
    }
    say!("Sparsity monitor, all layers and frames, by threshold:");
    say!("{table}");
}

fn charge(report: &Report) {
    let Some(first) = report.charge.first() else { return };
    let mut header = vec!["gates".to_owned(), "rows enabled".to_owned()];
    let widths: Vec<u32> =
        report.charge.iter().filter(|r| r.variant == first.variant).map(|r| r.readout_bits).collect();
    header.extend(widths.iter().map(|bits| format!("{bits} bits")));
    let mut table = output::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for variant in Variant::ALL {
        let of = || report.charge.iter().filter(move |r| r.variant == variant);
        let mut row = vec![variant.name().to_owned()];
        row.extend(of().next().map(|r| format!("{:.1}", r.enabled_rows)));
        row.extend(of().map(|r| {
            let share = |count: usize| 100.0 * count as f64 / r.frames.max(1) as f64;
            format!("{:.1} (error {:.3})", share(r.correct.unwrap_or(r.agree)), r.sum_error)
        }));
        table.add_row(row);
    }
    let what = match report.exact_correct {
        Some(correct) => format!("right in %; the exact network is right on {correct}"),
        None => "same answer as the exact network in %".to_owned(),
    };
    say!("Charge-domain array, {} frames: {what}; error of a sum in deviations:", first.frames);
    say!("{table}");
    let gated = Variant::ALL[2];
    if let Some(most) = report.charge.iter().rev().find(|r| r.variant == gated) {
        let share = |count: &u64| 100.0 * *count as f64 / most.counts.conversions.max(1) as f64;
        let [one, two, three, four] = [0, 1, 2, 3].map(|at| share(&most.counts.by_quarters[at]));
        say!(
            "Of the conversions gated by planes, {one:.1} % have 16 rows, {two:.1} % 32, {three:.1} % 48, {four:.1} % 64."
        );
    }
}

fn energy(report: &Report) {
    let mut table = output::table(&["gating", "cells nJ", "weights nJ", "activations nJ", "all nJ"]);
    for (name, e) in ["off", "row", "digit"].iter().zip(&report.energy) {
        let mut row = vec![(*name).to_owned()];
        row.extend([e.compute, e.weights, e.activations, e.total()].map(|nj| format!("{nj:.1}")));
        table.add_row(row);
    }
    say!("Energy of a frame, modelled (counts times a table):");
    say!("{table}");
    say!("{}", report.energy_table.source.trim());
}

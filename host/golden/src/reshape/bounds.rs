//! `lacuna_reshape_bounds`: whether a reshape stays in its memories.

use lacuna_spec::{
    Geometry,
    instr::{Head, Reshape},
};

/// Cycles of the sequencer's check beyond its first.
pub const BOUNDS_CYCLES: usize = 4;

/// A byte that the job reads or writes lies outside the tile memory, or a beat has no or too many bytes.
#[must_use]
pub fn out_of_bounds(head: &Head, job: &Reshape, geometry: &Geometry, offsets: [usize; 2]) -> bool {
    let counts = [job.count_0, job.count_1, job.count_2, job.count_3, job.count_4];
    let transposes = job.transpose == 1;
    let run = job.run();
    if counts.contains(&0) {
        return false;
    }
    let leaves = |start: i64, offset: usize, ahead: i64, steps: [i64; 5]| {
        let size = geometry.tile_bytes() as i64;
        let moved = (start + offset as i64) % size;
        let moves = || counts.into_iter().zip(steps).map(|(count, step)| (count - 1) * step);
        let low: i64 = moved + moves().map(|by| by.min(0)).sum::<i64>();
        let high: i64 = moved + run - 1 + ahead + moves().map(|by| by.max(0)).sum::<i64>();
        start >= size || low < 0 || high >= size
    };
    let offset = |flag: i64, offset: usize| if flag == 1 { offset } else { 0 };
    let reads = [
        if transposes { run } else { job.source_step_0 },
        job.source_step_1,
        job.source_step_2,
        job.source_step_3,
        job.source_step_4,
    ];
    let writes = [
        job.target_step_0,
        if transposes { run } else { job.target_step_1 },
        job.target_step_2,
        job.target_step_3,
        job.target_step_4,
    ];
    !(1..=geometry.word_bytes() as i64).contains(&run)
        || leaves(job.target, offset(head.to_output, offsets[1]), job.tiles_ahead(geometry.tiles - 1), writes)
        || (job.fill == 0 && leaves(job.source, offset(head.from_input, offsets[0]), 0, reads))
}

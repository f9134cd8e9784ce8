//! Frames that pass through a chip together: each gets the reference's answer, in golden's cycles.

mod cases;

use cases::{Case, case, committed, generator, on_every_geometry, run, told};
use lacuna_driver::transport::{GoldenDevice, SimDevice};
use lacuna_spec::Geometry;

#[test]
fn frames_that_pass_together_get_the_reference_answers() {
    let (rng, told) = (generator(), told());
    on_every_geometry(async |geometry| {
        let mut rng = rng.clone();
        let (mut ran, mut layers) = (0, 0);
        // Three of four frames, and one that is alone in its batch.
        for case in told.iter().filter_map(|path| case(path, geometry, false, 3, &mut rng).ok()) {
            run(&mut GoldenDevice::new(geometry), &case).await;
            ran += 1;
            layers += case.compiled.programs().map(|program| program.layers.len()).sum::<usize>();
        }
        println!("{}: {ran} networks ran, {layers} layers of them on the chip", geometry.name);
        assert!(ran > 30 && layers > 30, "{}: {ran} networks, {layers} layers", geometry.name);
    });
}

/// Cycles of all batches.
async fn cycles(case: &Case) -> u64 {
    let reports = run(&mut GoldenDevice::new(case.compiled.geometry), case).await;
    reports.iter().step_by(case.compiled.batch).map(|report| report.cycles).sum()
}

#[tokio::test]
async fn frames_that_pass_together_take_fewer_cycles() {
    let (mut ran, mut gained) = (0, 0);
    let (mut together, mut apart) = (0, 0);
    for path in committed() {
        let of = |batch| case(&path, Geometry::BASE, false, batch, &mut generator());
        let Ok(two) = of(2) else { continue };
        if two.compiled.macs() > 0 {
            let [two, one] = [cycles(&two).await, cycles(&of(1).unwrap()).await];
            ran += 1;
            gained += usize::from(two < one);
            (together, apart) = (together + two, apart + one);
        }
    }
    println!("{gained} of {ran} networks take fewer cycles: {together} all, {apart} one by one");
    assert!(ran > 20 && gained > ran * 3 / 4, "{gained} of {ran} networks take fewer cycles");
    assert!(together < apart * 9 / 10, "{together} cycles of all, {apart} one by one");
}

#[tokio::test]
async fn the_simulated_chips_run_batches_in_the_golden_cycles() {
    for geometry in [Geometry::BASE, Geometry::NANO] {
        let mut rng = generator();
        let cases = committed().into_iter().filter_map(|path| case(&path, geometry, true, 2, &mut rng).ok());
        let cases: Vec<Case> = cases.collect();
        assert!(cases.len() > 3, "{} networks on {}", cases.len(), geometry.name);
        for case in cases {
            let golden = run(&mut GoldenDevice::new(geometry), &case).await;
            let chip = run(&mut SimDevice::new(geometry).unwrap(), &case).await;
            assert_eq!(chip, golden, "{} on {}", case.name, geometry.name);
        }
    }
}

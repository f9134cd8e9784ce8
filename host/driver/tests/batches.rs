//! Frames that pass through a chip together: each gets the reference's answer, in golden's cycles.

mod cases;

use cases::{Case, case, committed, generator, run, told};
use lacuna_driver::transport::{GoldenDevice, SimDevice};
use lacuna_spec::Geometry;

#[tokio::test]
async fn frames_that_pass_together_get_the_reference_answers() {
    let told = told();
    for geometry in Geometry::PRESETS {
        let mut rng = generator();
        let (mut ran, mut layers) = (0, 0);
        // Two of three frames, and one that is alone in its batch.
        for case in told.iter().filter_map(|path| case(path, geometry, false, 2, &mut rng).ok()) {
            run(&mut GoldenDevice::new(geometry), &case).await;
            ran += 1;
            layers += case.compiled.programs().map(|program| program.layers.len()).sum::<usize>();
        }
        println!("{}: {ran} networks ran, {layers} layers of them on the chip", geometry.name);
        assert!(ran > 10 && layers > 5, "{}: {ran} networks, {layers} layers", geometry.name);
    }
}

/// Cycles of all batches.
async fn cycles(case: &Case) -> u64 {
    let reports = run(&mut GoldenDevice::new(case.compiled.geometry), case).await;
    reports.iter().step_by(case.compiled.batch).map(|report| report.cycles).sum()
}

#[tokio::test]
async fn frames_that_pass_together_take_fewer_cycles() {
    let (mut ran, mut gained) = (0, 0);
    for path in committed() {
        let of = |batch| case(&path, Geometry::BASE, false, batch, &mut generator());
        let Ok(together) = of(3) else { continue };
        if together.compiled.macs() > 0 {
            ran += 1;
            gained += usize::from(cycles(&together).await < cycles(&of(1).unwrap()).await);
        }
    }
    assert!(ran > 3 && gained == ran, "{gained} of {ran} networks take fewer cycles");
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

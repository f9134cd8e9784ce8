//! What a frame costs a line: how often the host waits for it, and how many bytes it carries.

use std::path::Path;

use lacuna_compiler::backend::{self, Compiled};
use lacuna_compiler::passes::{self, Options};
use lacuna_compiler::reference::Value;
use lacuna_compiler::{Graph, import};
use lacuna_driver::transport::GoldenDevice;
use lacuna_driver::{Burst, Device, DeviceError, Session};
use lacuna_spec::Geometry;
use lacuna_spec::instr::Gating;

/// A golden chip that counts what its host asks for.
struct Counted {
    chip: GoldenDevice,
    /// Calls that wait for an answer.
    trips: usize,
    /// Bytes written to tile memories.
    bytes: usize,
}

#[async_trait::async_trait]
impl Device for Counted {
    fn geometry(&self) -> Geometry {
        self.chip.geometry()
    }

    fn name(&self) -> String {
        self.chip.name()
    }

    async fn write(&mut self, beat: u32, bytes: &[u8]) -> Result<(), DeviceError> {
        self.batch(vec![Burst::Write { beat, bytes: bytes.to_vec() }]).await.map(drop)
    }

    async fn read(&mut self, beat: u32, beats: usize) -> Result<Vec<u8>, DeviceError> {
        Ok(self.batch(vec![Burst::Read { beat, beats }]).await?.remove(0))
    }

    async fn batch(&mut self, bursts: Vec<Burst>) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.trips += usize::from(!bursts.is_empty());
        let word = self.geometry().word_bytes();
        let sent = bursts.iter().map(|burst| match burst {
            // Registers take a beat.
            Burst::Write { bytes, .. } if bytes.len() > word => bytes.len(),
            _ => 0,
        });
        self.bytes += sent.sum::<usize>();
        self.chip.batch(bursts).await
    }

    async fn wait(&mut self, instruction: Option<usize>, cycles: u64) -> Result<(), DeviceError> {
        self.trips += 1;
        self.chip.wait(instruction, cycles).await
    }
}

fn compiled(name: &str) -> Compiled {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/models").join(name);
    let graph = import::model(&std::fs::read(path).unwrap()).unwrap();
    let graph = passes::prepare(graph, &[], &Options::default()).unwrap();
    backend::compile(graph, Geometry::BASE, Gating::Digit).unwrap()
}

/// A frame of a network with one real input.
fn frame(graph: &Graph, value: impl Fn(usize) -> i8) -> Vec<Value> {
    vec![Value::F32((0..graph.tensor(graph.inputs[0]).elements()).map(|i| f32::from(value(i)) / 16.0).collect())]
}

/// Trips and bytes of each frame from the second on.
async fn costs(compiled: &Compiled, frames: Vec<Vec<Value>>) -> Vec<(usize, usize)> {
    let mut totals = Vec::new();
    for count in 1..=frames.len() {
        let mut chip = Counted { chip: GoldenDevice::new(Geometry::BASE), trips: 0, bytes: 0 };
        let mut session = Session::load(&mut chip, compiled).await.unwrap();
        session.run(frames[..count].iter().cloned(), |_| {}).await.unwrap();
        totals.push((chip.trips, chip.bytes));
    }
    totals.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1)).collect()
}

#[tokio::test]
async fn a_frame_of_a_stream_waits_for_the_line_three_times() {
    let compiled = compiled("depthwise_separable.onnx");
    let frames = (0..6).map(|n| frame(&compiled.graph, |i| (i * (2 * n + 3)) as i8)).collect();
    // It is sent, waited for, and taken, while the next one starts.
    for (trips, _) in costs(&compiled, frames).await {
        assert_eq!(trips, 3);
    }
}

#[tokio::test]
async fn words_that_a_buffer_holds_are_not_sent_again() {
    let compiled = compiled("depthwise_separable.onnx");
    let bright = frame(&compiled.graph, |i| i as i8);
    let frames = vec![bright.clone(), bright.clone(), bright.clone(), bright];
    let bytes: Vec<usize> = costs(&compiled, frames).await.into_iter().map(|(_, bytes)| bytes).collect();
    // The second frame goes to the other buffer.
    assert!(bytes[0] > 0, "{bytes:?}");
    assert_eq!(bytes[1..], [0, 0]);
}

//! Runs a compiled network on a device: loads it once, then streams frames through it.
//!
//! With one program and two buffers, the next frame is written, as far as it is not there yet, while the chip computes the last one and
//! its answer is read while the chip computes the next one. Weights that take turns are sent as their pages come free, programs
//! and parameters that take turns before they start.

use lacuna_compiler::backend::{Compiled, Program, Step, io};
use lacuna_compiler::graph::{Graph, TensorId};
use lacuna_compiler::reference::{self, State, Value};
use lacuna_spec::map::{self, Region};
use lacuna_spec::regs;
use tracing::Instrument as _;

use crate::device::{Burst, Device, Registers, low_word};
use crate::feed::{Feed, write_pages};
use crate::held::Held;
use crate::{DeviceError, FrameReport, InstrProfile, bare};

/// Cycles that one frame may take before the chip counts as hung.
pub const FRAME_LIMIT: u64 = 1 << 28;

/// A network loaded on a device.
pub struct Session<'a> {
    device: &'a mut dyn Device,
    compiled: &'a Compiled,
    /// What the network keeps from one frame to the next.
    state: State,
    profile: bool,
    feed: Feed<'a>,
    held: Held,
}

/// Values of the tensors of a frame, or of a batch, indexed by tensor.
type Values = Vec<Option<Value>>;

/// Frames that pass through the chip together.
struct Batch {
    /// Of each frame, each input; where frames run out, those of the last one stand for the others.
    inputs: Vec<Value>,
    /// Frames that are there.
    frames: usize,
    /// Frames that there could be.
    size: usize,
}

impl Batch {
    /// The next frames, up to `size`; `None` if no more come.
    fn next(frames: &mut impl Iterator<Item = Vec<Value>>, size: usize) -> Option<Self> {
        let mut inputs = frames.next()?;
        let (each, mut count) = (inputs.len(), 1);
        for frame in frames.take(size - 1) {
            inputs.extend(frame);
            count += 1;
        }
        for _ in count..size {
            inputs.extend_from_within(inputs.len() - each..);
        }
        Some(Self { inputs, frames: count, size })
    }

    /// What each frame gave, from what all of them gave and cost; the first has the records.
    fn answers(&self, cost: FrameReport) -> impl Iterator<Item = FrameReport> {
        let FrameReport { outputs, cycles, digits, mut profile } = cost;
        let each = outputs.len() / self.size;
        let mut outputs = outputs.into_iter();
        (0..self.frames).map(move |_| {
            let outputs = outputs.by_ref().take(each).collect();
            FrameReport { outputs, cycles, digits, profile: std::mem::take(&mut profile) }
        })
    }
}

impl<'a> Session<'a> {
    /// Checks that the chip fits the program and loads pages, parameters and instructions.
    ///
    /// # Errors
    /// [`DeviceError::OtherGeometry`], [`DeviceError::StaleLayout`], or what the device says.
    pub async fn load(device: &'a mut dyn Device, compiled: &'a Compiled) -> Result<Self, DeviceError> {
        Registers(device).check_contract().await?;
        let (chip, program) = (device.geometry(), compiled.geometry);
        if chip.parameters() != program.parameters() {
            return Err(DeviceError::OtherGeometry {
                device: device.name(),
                program: format!("{:?}", program.parameters()),
                chip: format!("{:?}", chip.parameters()),
            });
        }
        let mut session = Self {
            device,
            compiled,
            state: State::new(&compiled.graph),
            profile: false,
            feed: Feed::new(&compiled.phases),
            held: Held::default(),
        };
        let span = tracing::info_span!("load", pages = compiled.pages.len());
        session.load_all().instrument(span).await?;
        Ok(session)
    }

    /// Reads the profile records of every instruction after each frame.
    #[must_use]
    pub fn with_profile(mut self) -> Self {
        self.profile = true;
        self
    }

    /// Cycles that the device has simulated: [`Device::simulated`].
    #[must_use]
    pub fn simulated(&self) -> Option<u64> {
        self.device.simulated()
    }

    async fn load_all(&mut self) -> Result<(), DeviceError> {
        write_pages(self.device, &self.compiled.pages).await?;
        self.write_parameters(&self.compiled.constants).await?;
        if self.compiled.is_resident() {
            for program in self.compiled.programs() {
                self.write_program(program).await?;
            }
        }
        Ok(())
    }

    async fn write_parameters(&mut self, parameters: &[io::Transfer]) -> Result<(), DeviceError> {
        let bursts = parameters.iter().map(|transfer| self.write(transfer.clone())).collect();
        self.device.batch(bursts).await.map(drop)
    }

    async fn write_program(&mut self, program: &Program) -> Result<(), DeviceError> {
        let mut bytes = Vec::new();
        for instr in &program.instrs {
            bytes.extend(instr.pack()?);
        }
        let at = program.place * self.compiled.geometry.instr_beats();
        self.device.write(Region::Program.at(at as u32), &bytes).await
    }

    fn write(&self, transfer: io::Transfer) -> Burst {
        let word = self.compiled.geometry.word_bytes();
        let io::Transfer { tile, address, mut bytes } = transfer;
        bytes.resize(bytes.len().next_multiple_of(word), 0);
        Burst::Write { beat: map::tile_word(tile, address / word), bytes }
    }

    /// Streams frames; `report` gets each answer in order. What a network keeps starts with the session's first frame.
    ///
    /// # Errors
    /// The first error of a frame or the device; frames before it have been reported.
    pub async fn run(
        &mut self,
        frames: impl IntoIterator<Item = Vec<Value>>,
        mut report: impl FnMut(FrameReport),
    ) -> Result<(), DeviceError> {
        let steps = &self.compiled.steps;
        let chips: Vec<usize> = (0..steps.len()).filter(|&i| matches!(steps[i], Step::Chip(_))).collect();
        // A frame that needs what the one before leaves cannot be sent ahead of it.
        if let ([only], true) = (&chips[..], self.compiled.graph.states.is_empty()) {
            let only = *only;
            return self.stream(only, frames, report).await;
        }
        let mut frames = frames.into_iter();
        while let Some(batch) = Batch::next(&mut frames, self.compiled.batch) {
            let cost = self.one(&batch).await?;
            batch.answers(cost).for_each(&mut report);
        }
        Ok(())
    }

    /// One batch, step after step: what it gave and cost.
    async fn one(&mut self, batch: &Batch) -> Result<FrameReport, DeviceError> {
        let mut values = self.state.start(&self.compiled.graph, &batch.inputs)?;
        let mut answer = FrameReport::default();
        for (at, step) in self.compiled.steps.iter().enumerate() {
            match step {
                Step::Host(node) => host(&self.compiled.graph, *node, &mut values)?,
                Step::Chip(program) => {
                    if !self.compiled.is_resident() && !program.repeats {
                        self.write_program(program).await?;
                    }
                    self.write_parameters(&program.parameters).await?;
                    self.send(program, &values, 0).await?;
                    self.device.batch(self.launch(program, 0)).await?;
                    self.feed.serve(self.device, at, false).await?;
                    self.device.wait(None, FRAME_LIMIT).await?;
                    self.receive(program, 0, Vec::new(), &mut answer, &mut values).await?;
                }
            }
        }
        self.feed.end();
        self.state.keep(&self.compiled.graph, &values)?;
        answer.outputs = outputs(&self.compiled.graph, values);
        Ok(answer)
    }

    /// Batches through the only program, the next one sent while one is computed.
    async fn stream(
        &mut self,
        at: usize,
        frames: impl IntoIterator<Item = Vec<Value>>,
        mut report: impl FnMut(FrameReport),
    ) -> Result<(), DeviceError> {
        let compiled = self.compiled;
        let Step::Chip(program) = &compiled.steps[at] else { unreachable!("the caller found a program there") };
        let state = self.state.clone();
        let before = |batch: Batch| -> Result<(Batch, Values), DeviceError> {
            let mut values = state.start(&compiled.graph, &batch.inputs)?;
            run_host(&compiled.graph, &compiled.steps[..at], &mut values)?;
            Ok((batch, values))
        };
        let apart = program.input_stride > 0;
        let mut frames = frames.into_iter();
        let Some(first) = Batch::next(&mut frames, compiled.batch) else { return Ok(()) };
        let (mut batch, mut current) = before(first)?;
        let mut buffer = 0;
        self.send(program, &current, buffer).await?;
        self.device.batch(self.launch(program, buffer)).await?;
        loop {
            let span = tracing::debug_span!("frame", buffer);
            let mut next = Batch::next(&mut frames, compiled.batch).map(&before).transpose()?;
            self.feed.serve(self.device, at, false).await?;
            if let (Some((_, values)), true) = (&next, apart) {
                self.send(program, values, 1 - buffer).instrument(span.clone()).await?;
            }
            self.feed.serve(self.device, at, next.is_some()).await?;
            self.device.wait(None, FRAME_LIMIT).instrument(span.clone()).await?;
            self.feed.end();
            let launch = if next.is_some() && apart { self.launch(program, 1 - buffer) } else { Vec::new() };
            let mut answer = FrameReport::default();
            self.receive(program, buffer, launch, &mut answer, &mut current).instrument(span).await?;
            run_host(&compiled.graph, &compiled.steps[at + 1..], &mut current)?;
            answer.outputs = outputs(&compiled.graph, current);
            batch.answers(answer).for_each(&mut report);
            let Some((following, values)) = next.take() else { return Ok(()) };
            if apart {
                buffer = 1 - buffer;
            } else {
                self.send(program, &values, 0).await?;
                self.device.batch(self.launch(program, 0)).await?;
            }
            (batch, current) = (following, values);
        }
    }

    async fn send(&mut self, program: &Program, values: &Values, buffer: usize) -> Result<(), DeviceError> {
        let word = self.compiled.geometry.word_bytes();
        let mut bursts = Vec::new();
        for (id, layout) in &program.inputs {
            let Some(Some(Value::I8(frame))) = values.get(id.0) else {
                return Err(not_int8(&self.compiled.graph, *id));
            };
            for mut transfer in io::pack_input(layout, frame) {
                transfer.address += buffer * program.input_stride;
                if program.input_stride > 0 {
                    bursts.extend(self.held.changes(transfer, word).into_iter().map(|part| self.write(part)));
                } else {
                    bursts.push(self.write(transfer));
                }
            }
        }
        let sent = self.device.batch(bursts).await.map(drop);
        if sent.is_err() {
            self.held = Held::default();
        }
        sent
    }

    /// Starts a program on those buffers.
    fn launch(&self, program: &Program, buffer: usize) -> Vec<Burst> {
        let word = self.compiled.geometry.word_bytes();
        let phase = self.feed.allowed().map(|phase| (regs::PHASE, phase));
        let registers = [
            (regs::INPUT_OFFSET, (buffer * program.input_stride) as u32),
            (regs::OUTPUT_OFFSET, (buffer * program.output_stride) as u32),
            (regs::START, program.place as u32),
        ];
        let registers = phase.into_iter().chain(registers);
        registers.map(|(register, value)| Burst::write_register(register, value, word)).collect()
    }

    /// Takes counters, records and outputs of a program that has halted, in one round trip with what `launch` starts
    /// once its counters and records are read.
    async fn receive(
        &mut self,
        program: &Program,
        buffer: usize,
        launch: Vec<Burst>,
        answer: &mut FrameReport,
        values: &mut Values,
    ) -> Result<(), DeviceError> {
        let geometry = self.compiled.geometry;
        let mut bursts = vec![Burst::read_register(regs::CYCLES), Burst::read_register(regs::DIGITS)];
        let records: Vec<_> =
            if self.profile { bare::records(&geometry, &program.instrs).collect() } else { Vec::new() };
        bursts.extend(records.iter().flat_map(|&(at, tile)| bare::read_record(&geometry, program.place + at, tile)));
        bursts.extend(launch);
        let offset = buffer * program.output_stride;
        for (_, layout) in &program.outputs {
            bursts.extend(io::output_ranges(layout).into_iter().map(|range| self.read(range, offset)));
        }
        let mut read = self.device.batch(bursts).await?.into_iter();
        let mut counter = || u64::from(read.next().map_or(0, |beat| low_word(&beat)));
        answer.cycles += counter();
        answer.digits += counter();
        for (at, tile) in records {
            let record = bare::record(&geometry, program.place + at, tile, &mut read);
            answer.profile.push(InstrProfile { instruction: program.start + at, ..record });
        }
        for (id, layout) in &program.outputs {
            let mut bytes = Vec::new();
            for ((_, address, count), beats) in io::output_ranges(layout).into_iter().zip(&mut read) {
                bytes.extend_from_slice(&beats[(address + offset) % geometry.word_bytes()..][..count]);
            }
            values[id.0] = Some(Value::I8(io::unpack_output(layout, &bytes)));
        }
        Ok(())
    }

    /// Reads the words of a range of an output.
    fn read(&self, (tile, address, count): (usize, usize, usize), offset: usize) -> Burst {
        let word = self.compiled.geometry.word_bytes();
        let address = address + offset;
        let beats = (address + count).div_ceil(word) - address / word;
        Burst::Read { beat: map::tile_word(tile, address / word), beats }
    }
}

fn run_host(graph: &Graph, steps: &[Step], values: &mut Values) -> Result<(), DeviceError> {
    for step in steps {
        if let Step::Host(node) = step {
            host(graph, *node, values)?;
        }
    }
    Ok(())
}

fn host(graph: &Graph, node: usize, values: &mut Values) -> Result<(), DeviceError> {
    let node = &graph.nodes[node];
    let operands = reference::operands(graph, node, values)?;
    let value = reference::apply(graph, node, &operands)?;
    values[node.output.0] = Some(value);
    Ok(())
}

fn outputs(graph: &Graph, mut values: Values) -> Vec<Value> {
    graph.outputs.iter().filter_map(|id| values[id.0].take()).collect()
}

fn not_int8(graph: &Graph, id: TensorId) -> DeviceError {
    DeviceError::Frame(lacuna_compiler::Error::Type {
        value: graph.tensor(id).name.clone(),
        found: "no int8 value".into(),
        expected: "an int8 tensor at the chip's input".into(),
    })
}

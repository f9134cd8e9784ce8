//! `run` instructions of convolutions and dense layers.

use std::collections::VecDeque;

use lacuna_spec::geometry::{MONITOR_ROWS, MONITORED_PARAM_WORDS, PARAM_WORDS};
use lacuna_spec::instr::{Gating, Instr, Opcode, RunTail, Walk};

use super::blocks::SubRun;
use super::{BackendError, Draft, Emitter, Place, Plan, push};
use crate::backend::layout::overlap;
use crate::backend::split::Part;
use crate::backend::weights;
use crate::backend::widen::widened;
use crate::backend::{PageImage, TensorLayout, Transfer};
use crate::op::Linear;

/// Loops over the taps of one output: merged where a kernel row, or column, is contiguous in memory.
struct Taps {
    k_h: usize,
    k_w: usize,
    bytes: usize,
    pads_x: bool,
}

impl Taps {
    /// Bytes of the windows of one vector, in order.
    fn windows(&self, word: usize) -> impl Iterator<Item = usize> {
        let (segments, tail) = (self.bytes.div_ceil(word), (self.bytes - 1) % word + 1);
        let bytes = move |window: usize| if (window + 1).is_multiple_of(segments) { tail } else { word };
        (0..self.k_h * self.k_w * segments).map(bytes)
    }
}

fn taps(linear: &Linear, sub: &SubRun, layout: &TensorLayout) -> Taps {
    let [kh, kw] = sub.rows.kernel;
    let whole = sub.rows.channels.len() == layout.chw[0];
    let pads_x = layout.pad_x == [0, 0] && (linear.window.pads[1] > 0 || linear.window.pads[3] > 0);
    if let Some(half) = sub.rows.halves {
        Taps { k_h: 2, k_w: 1, bytes: half, pads_x }
    } else if layout.by_columns() {
        Taps { k_h: 1, k_w: kw, bytes: kh * layout.chw[0], pads_x }
    } else if whole && !pads_x && (linear.window.dilation[1] == 1 || kw == 1) {
        Taps { k_h: kh, k_w: 1, bytes: kw * layout.chw[0], pads_x }
    } else {
        Taps { k_h: kh, k_w: kw, bytes: sub.rows.channels.len(), pads_x }
    }
}

/// Parameter words of a column block.
pub(super) const fn param_words(monitored: bool) -> usize {
    if monitored { MONITORED_PARAM_WORDS } else { PARAM_WORDS }
}

impl Emitter<'_> {
    /// A layer as the array computes it.
    pub(super) fn on_array(&self, index: usize, linear: &Linear) -> Linear {
        let [_, _, width] = self.chw(self.graph.nodes[index].output);
        if self.fit.widen { widened(linear, width, &self.geometry) } else { linear.clone() }
    }

    /// Whether the chip's monitor decides about a layer: it remembers and counts fewer than [`MONITOR_ROWS`] rows.
    pub(super) fn monitored(&self, index: usize, linear: &Linear) -> bool {
        // Bands share parameters.
        let short = |node: usize| self.chw(self.graph.nodes[node].output)[1] < MONITOR_ROWS;
        linear.monitor.is_some()
            && self.geometry.monitor
            && self.gating != Gating::Off
            && self.all_bands(index).all(short)
    }

    /// Writes the pages and parameters of one layer; returns the instructions of each piece.
    pub(super) fn run(
        &mut self,
        draft: &Draft,
        index: usize,
        linear: &Linear,
    ) -> Result<Vec<Vec<Instr>>, BackendError> {
        let mut linear = self.on_array(index, linear);
        if self.gating == Gating::Off {
            // The dense baseline works on plain int8 rows, whose planes are 8 / DigitBits.
            linear.gate = 0;
        }
        if !self.monitored(index, &linear) {
            linear.monitor = None;
        }
        let node = &self.graph.nodes[index];
        if linear.is_wide() {
            return Err(BackendError::Unsupported {
                node: node.name.clone(),
                op: node.op.name(),
                why: "weight zero points that do not fold into int8",
            });
        }
        let plan = self.plans[&index].clone();
        let mut pieces = vec![Vec::new(); plan.pieces.len()];
        for place in &plan.places {
            if let Some(phase) = place.phase {
                // Layers are in one piece where weights take turns.
                pieces[0].extend(self.enter(phase));
            }
            self.place(draft, index, &linear, &plan, place, &mut pieces)?;
        }
        Ok(pieces)
    }

    /// Writes the pages and parameters of some blocks of a layer, and appends their instructions to its pieces.
    fn place(
        &mut self,
        draft: &Draft,
        index: usize,
        linear: &Linear,
        plan: &Plan,
        place: &Place,
        pieces: &mut [Vec<Instr>],
    ) -> Result<(), BackendError> {
        let node = &self.graph.nodes[index];
        let word = self.geometry.word_bytes();
        let block_bytes = param_words(linear.monitor.is_some()) * word;
        let mut queues: Vec<(usize, VecDeque<SubRun>, usize, usize)> = Vec::new();
        for (tile, part) in plan.parts.iter().enumerate() {
            let own = &part.blocks;
            let blocks = overlap(&(own.start + place.blocks.start..own.start + place.blocks.end), own);
            if !blocks.is_empty() && self.has_weights(index, part) {
                let params = plan.params + (blocks.start - own.start) * block_bytes;
                queues.push((tile, self.sub_runs(index, &blocks).into(), place.page[tile], params));
            }
        }
        // Instructions start in order: every tile gets its first before any gets its second.
        while queues.iter().any(|(_, subs, ..)| !subs.is_empty()) {
            for (tile, subs, page, params) in &mut queues {
                let Some(mut sub) = subs.pop_front() else { continue };
                let source = self.source(draft, index, node.inputs[0]);
                sub.rows.by_columns = source.by_columns();
                let taps = taps(linear, &sub, source);
                let order = weights::places(taps.windows(word), word);
                self.load(index, *tile, *page, place.phase, *params, linear, &sub, &order)?;
                for (instrs, parts) in pieces.iter_mut().zip(&plan.pieces) {
                    if !parts[*tile].is_empty() {
                        push(instrs, &self.run_instr(draft, index, linear, *tile, &parts[*tile], &sub, *page, *params));
                    }
                }
                *page += sub.blocks.len() * sub.rows.pages(&self.geometry);
                *params += sub.blocks.len() * block_bytes;
            }
        }
        Ok(())
    }

    /// Adds the pages and parameters of a sub-run.
    #[allow(clippy::too_many_arguments)]
    fn load(
        &mut self,
        index: usize,
        tile: usize,
        page: usize,
        phase: Option<usize>,
        params: usize,
        linear: &Linear,
        sub: &SubRun,
        places: &[usize],
    ) -> Result<(), BackendError> {
        let geometry = self.geometry;
        let name = &self.graph.nodes[index].name;
        let bias = linear.effective_bias();
        let second = linear.monitor.map(|monitor| (monitor.second, linear.bias_for(monitor.second)));
        let mut bytes = Vec::new();
        let mut at = page;
        for block in sub.blocks.clone() {
            let outputs = block * geometry.columns()..((block + 1) * geometry.columns()).min(linear.outputs());
            let pages = weights::pages(linear, &sub.rows, places, &outputs, &geometry);
            weights::check_reach(name, &pages, linear.gate, &geometry)?;
            if let Some((gate, _)) = second {
                weights::check_reach(name, &pages, gate, &geometry)?;
            }
            if self.bands(self.first(index)).is_some() && !self.same_in_all_bands(index, (tile, at), &pages) {
                let why = "its weights lie otherwise in memory than those of its first band";
                let node = &self.graph.nodes[index];
                return Err(BackendError::Unsupported { node: node.name.clone(), op: node.op.name(), why });
            }
            for lanes in pages {
                let images = lanes.into_iter().enumerate();
                let images = images.map(|(lane, weights)| PageImage { tile, lane, page: at, weights });
                match phase {
                    _ if self.twins.contains_key(&index) => {}
                    Some(phase) => self.phases[phase].pages.extend(images),
                    None => self.pages.extend(images),
                }
                at += 1;
            }
            bytes.extend(weights::parameters(linear, &bias, outputs.clone(), &geometry));
            if let Some((_, bias)) = &second {
                bytes.extend(weights::biases(bias, outputs, &geometry));
            }
        }
        self.constants.push(Transfer { tile, address: params, bytes });
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn run_instr(
        &self,
        draft: &Draft,
        index: usize,
        linear: &Linear,
        tile: usize,
        part: &Part,
        sub: &SubRun,
        page: usize,
        params: usize,
    ) -> Instr {
        let node = &self.graph.nodes[index];
        let (from, to) = (self.source(draft, index, node.inputs[0]), &draft.layouts[&node.output]);
        let word = self.geometry.word_bytes();
        let window = &linear.window;
        let taps = taps(linear, sub, from);
        let need = self.rows_read(index, part, from.chw[1]);
        let by_columns = from.by_columns();
        let (pitch, pixel) =
            if by_columns { (from.chw[0], from.column_pitch(tile)) } else { (from.row_pitch(), from.pixel()) };
        let (pitch, pixel) = (pitch as i64, pixel as i64);
        // Output pixels that are computed as one.
        let pixels = linear.outputs().div_ceil(to.chw[0]);
        let y_start = (part.rows.start * window.stride[0]) as i64 - window.pads[0] as i64 - need.start as i64;
        let x_start = if taps.pads_x { -(window.pads[1] as i64) } else { 0 };
        // Of input row `need.start`, or of column 0 there.
        let base = if by_columns {
            from.base + (from.pads_y(tile)[0] + need.start - from.held[tile].start) * from.chw[0]
        } else if need.is_empty() {
            from.base
        } else {
            from.row(tile, need.start)
        } as i64;
        // What lies above and below a column is in memory.
        let rows = |value: usize| if by_columns { 0 } else { value as i64 };
        let columns = self.geometry.columns();
        let walk = Walk {
            start: base + y_start * pitch + x_start * pixel + sub.rows.channels.start as i64,
            out_h: part.rows.len() as i64,
            out_w: (to.chw[2] / pixels) as i64,
            k_h: taps.k_h as i64,
            k_w: taps.k_w as i64,
            segments: taps.bytes.div_ceil(word) as i64,
            tail: ((taps.bytes - 1) % word + 1) as i64,
            step_oy: window.stride[0] as i64 * pitch,
            step_ox: window.stride[1] as i64 * pixel,
            step_ky: sub.rows.halves.map_or(rows(window.dilation[0]) * pitch, |half| (from.chw[0] - half) as i64),
            step_kx: window.dilation[1] as i64 * pixel,
            y_start: if by_columns { 0 } else { y_start },
            x_start,
            y_stride: rows(window.stride[0]),
            x_stride: if taps.pads_x { window.stride[1] as i64 } else { 0 },
            y_dilation: rows(window.dilation[0]),
            x_dilation: if taps.pads_x { window.dilation[1] as i64 } else { 0 },
            in_h: if by_columns { 1 } else { need.len() as i64 },
            in_w: if taps.pads_x { from.chw[2] as i64 } else { 1 },
            pad: i64::from(linear.x_zero_point),
            blocks: sub.blocks.len() as i64,
            out_start: (to.pixels(tile, part.rows.start) + to.channel(tile, sub.blocks.start * columns)) as i64,
            ..Walk::default()
        };
        let tail = RunTail {
            out_step_y: to.row_pitch() as i64,
            out_step_x: (pixels * to.pixel()) as i64,
            last_columns: (linear.outputs() - (sub.blocks.end - 1) * columns).min(columns) as i64,
            params: params as i64,
            page: page as i64,
            vector_pages: sub.rows.pages(&self.geometry) as i64,
            gate: i64::from(linear.gate),
            gating: self.gating as i64,
            rule: linear.requantise.rule() as i64,
            zero: i64::from(linear.y_zero_point),
            clamp_lo: i64::from(linear.clamp.min),
            clamp_hi: i64::from(linear.clamp.max),
            second: linear.monitor.map_or(0, |monitor| monitor.second.into()),
            threshold: linear.monitor.map_or(0, |monitor| i64::from(monitor.threshold) + 1),
            hysteresis: linear.monitor.map_or(0, |monitor| monitor.hysteresis.into()),
        };
        Instr::Run(self.head(draft, Opcode::Run, index, tile, part), walk, tail)
    }
}

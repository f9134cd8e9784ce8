//! Small random graphs for the passes' tests.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::graph::{DType, Graph, Node, Place, Quant, Tensor, TensorId};
use crate::op::{Clamp, GlobalAveragePool, MaxPool, Op, Pad, Window};
use crate::quantised::{self, LinearParts};

/// Builds a graph whose weights come from a seed.
pub struct Builder {
    graph: Graph,
    rng: ChaCha8Rng,
}

/// Of every tensor but sums.
pub const ZERO_POINT: i8 = -5;
const QUANT: Quant = Quant { scale: 0.1, zero_point: ZERO_POINT as i32 };

impl Builder {
    /// A graph with one int8 input.
    pub fn new(seed: u64, shape: &[usize]) -> Self {
        let mut builder = Self { graph: Graph::default(), rng: ChaCha8Rng::seed_from_u64(seed) };
        let input = builder.tensor(shape.to_vec());
        builder.graph.inputs.push(input);
        builder
    }

    pub fn input(&self) -> TensorId {
        self.graph.inputs[0]
    }

    /// Channels of a picture.
    pub fn channels(&self, x: TensorId) -> usize {
        self.graph.tensor(x).shape[1]
    }

    /// The shorter side of a picture.
    pub fn side(&self, x: TensorId) -> usize {
        self.graph.tensor(x).shape[2].min(self.graph.tensor(x).shape[3])
    }

    fn tensor(&mut self, shape: Vec<usize>) -> TensorId {
        let name = format!("t{}", self.graph.tensors.len());
        self.graph.add_tensor(Tensor { name, shape, dtype: DType::I8, unsigned: false, quant: Some(QUANT), data: None })
    }

    fn node(&mut self, op: Op, inputs: Vec<TensorId>, shape: Vec<usize>) -> TensorId {
        let output = self.tensor(shape);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs, output, place: Place::Chip });
        output
    }

    fn layer(&mut self, shape: [usize; 4], window: Window, groups: usize) -> crate::op::Linear {
        let parts = LinearParts {
            node: "layer".into(),
            x: QUANT,
            y: QUANT,
            weights: (0..shape.iter().product()).map(|_| self.rng.random_range(-127..=127)).collect(),
            shape,
            weight_scales: (0..shape[0]).map(|_| self.rng.random_range(0.002..0.01)).collect(),
            weight_zero_points: vec![0],
            bias: Some((0..shape[0]).map(|_| self.rng.random_range(-2000..2000)).collect()),
            alpha: 1.0,
            window,
            groups,
        };
        parts.build().unwrap()
    }

    /// A convolution with padding that keeps height and width.
    pub fn conv(&mut self, x: TensorId, outputs: usize, kernel: usize) -> TensorId {
        self.grouped(x, outputs, kernel, 1)
    }

    pub fn grouped(&mut self, x: TensorId, outputs: usize, kernel: usize, groups: usize) -> TensorId {
        let [channels, height, width] = self.graph.tensor(x).chw().unwrap();
        let window = Window { pads: [kernel / 2; 4], ..Window::of([kernel, kernel]) };
        let layer = self.layer([outputs, channels / groups, kernel, kernel], window, groups);
        self.node(Op::Conv(Box::new(layer)), vec![x], vec![1, outputs, height, width])
    }

    pub fn windowed(&mut self, x: TensorId, outputs: usize, window: Window) -> TensorId {
        let [channels, height, width] = self.graph.tensor(x).chw().unwrap();
        let [kernel_y, kernel_x] = window.kernel;
        let layer = self.layer([outputs, channels, kernel_y, kernel_x], window, 1);
        let [height, width] = window.output(height, width).expect("the window fits");
        self.node(Op::Conv(Box::new(layer)), vec![x], vec![1, outputs, height, width])
    }

    pub fn depthwise(&mut self, x: TensorId, window: Window) -> TensorId {
        let [channels, height, width] = self.graph.tensor(x).chw().unwrap();
        let [kernel_y, kernel_x] = window.kernel;
        let layer = self.layer([channels, 1, kernel_y, kernel_x], window, channels);
        let [height, width] = window.output(height, width).expect("the window fits");
        self.node(Op::Conv(Box::new(layer)), vec![x], vec![1, channels, height, width])
    }

    pub fn dense(&mut self, x: TensorId, outputs: usize) -> TensorId {
        let columns = self.graph.tensor(x).elements();
        let layer = self.layer([outputs, columns, 1, 1], Window::of([1, 1]), 1);
        self.node(Op::Dense(Box::new(layer)), vec![x], vec![1, outputs])
    }

    pub fn add(&mut self, a: TensorId, b: TensorId) -> TensorId {
        let y = Quant { scale: 0.17, zero_point: 4 };
        let shape = self.graph.tensor(a).shape.clone();
        self.node(Op::Add(quantised::add(QUANT, QUANT, y, false)), vec![a, b], shape)
    }

    pub fn max_pool(&mut self, x: TensorId) -> TensorId {
        let [channels, height, width] = self.graph.tensor(x).chw().unwrap();
        let window = Window { stride: [2, 2], ..Window::of([2, 2]) };
        let pool = MaxPool { window, clamp: Clamp::FULL };
        self.node(Op::MaxPool(pool), vec![x], vec![1, channels, height / 2, width / 2])
    }

    /// The mean over a picture.
    pub fn mean(&mut self, x: TensorId) -> TensorId {
        let [channels, height, width] = self.graph.tensor(x).chw().unwrap();
        let scale = 1.0 / (height * width) as f32;
        let pool = GlobalAveragePool { x_zero_point: -5, y_zero_point: 3, scale, clamp: Clamp::FULL };
        self.node(Op::GlobalAveragePool(pool), vec![x], vec![1, channels, 1, 1])
    }

    pub fn clamp(&mut self, x: TensorId, clamp: Clamp) -> TensorId {
        self.unary(Op::Clamp(clamp), x)
    }

    /// An operator that keeps the shape.
    pub fn unary(&mut self, op: Op, x: TensorId) -> TensorId {
        let shape = self.graph.tensor(x).shape.clone();
        self.node(op, vec![x], shape)
    }

    pub fn reshape(&mut self, x: TensorId, shape: &[usize]) -> TensorId {
        self.node(Op::Reshape, vec![x], shape.to_vec())
    }

    pub fn pad(&mut self, x: TensorId, pad: Pad) -> TensorId {
        let shape = self.graph.tensor(x).shape.iter().zip(pad.before.iter().zip(&pad.after));
        let shape = shape.map(|(size, (before, after))| before + size + after).collect();
        self.node(Op::Pad(pad), vec![x], shape)
    }

    /// Makes a tensor an output.
    pub fn output(&mut self, output: TensorId) {
        self.graph.outputs.push(output);
    }

    pub fn finish(mut self, output: TensorId) -> Graph {
        self.output(output);
        self.graph()
    }

    pub fn graph(self) -> Graph {
        self.graph.validate().unwrap();
        self.graph
    }
}

use crate::{
    PortInfo, SimError,
    ffi::{Instance, Ops},
    port::{Port, PortRef},
    session,
};
use std::{collections::BTreeMap, ffi::CString, path::Path};

/// A design that was Verilated into this program.
pub struct Top {
    /// Name of its constructor in [`tops`](crate::tops).
    pub name: &'static str,
    #[doc(hidden)]
    pub ops: &'static Ops,
    /// Its ports.
    pub ports: &'static [PortInfo],
}

impl Top {
    /// Finds a port by name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Port> {
        self.ports.iter().position(|port| port.name == name).map(Port)
    }
}

/// One running instance of a [`Top`], clocked by its port `clk_i`.
///
/// Set inputs, [`eval`](Self::eval) to look at outputs that depend on them within the cycle,
/// [`step`](Self::step) to clock. Values are checked against the port's width.
///
/// Methods panic on a port that does not exist, a value that does not fit and, unless they return a
/// `Result`, on a failed RTL assertion: all of these are faults of the program that drives the model.
pub struct Model {
    top: &'static Top,
    instance: Instance,
    clocked: bool,
    settled: bool,
    cycle: u64,
}

#[allow(clippy::missing_panics_doc, reason = "the type's text says when its methods panic")]
#[allow(clippy::needless_pass_by_value, reason = "names and handles of ports are copied")]
impl Model {
    /// Makes an instance; its registers and memories hold random bits of the session's seed.
    #[must_use]
    pub fn new(top: &'static Top) -> Self {
        let mut instance = Instance::new(top, session::initial_seed());
        let clock = top.find("clk_i");
        if let Some(clock) = &clock {
            // Random, too, until now: the first edge must be one.
            instance.write(clock.0, 0);
        }
        let mut model = Self { top, instance, clocked: clock.is_some(), settled: false, cycle: 0 };
        if let Some(path) = session::waveform_of(top.name) {
            model.trace(&path).unwrap_or_else(|error| eprintln!("{error}"));
        }
        model
    }

    /// The design.
    #[must_use]
    pub fn top(&self) -> &'static Top {
        self.top
    }

    /// Clocks run so far.
    #[must_use]
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Looks up a port once, for use in a loop.
    #[must_use]
    pub fn port(&self, name: &str) -> Port {
        name.of(self.top)
    }

    /// Drives an input of up to 64 bits.
    pub fn set(&mut self, port: impl PortRef, value: u64) {
        let (index, info) = self.input(&port);
        assert!(
            info.width >= 64 || value >> info.width == 0,
            "{value:#x} does not fit the {} bits of {}.{}",
            info.width,
            self.top.name,
            info.name
        );
        self.instance.write(index, value);
        self.settled = false;
    }

    /// Drives an input with a two's complement number, cut to the port's width.
    pub fn set_signed(&mut self, port: impl PortRef, value: i64) {
        let (index, info) = self.input(&port);
        let spare = 64 - info.width.min(64);
        assert!(
            value << spare >> spare == value,
            "{value} does not fit the {} bits of {}.{}",
            info.width,
            self.top.name,
            info.name
        );
        self.instance.write(index, (value as u64) << spare >> spare);
        self.settled = false;
    }

    /// Drives an input of any width from words, least significant first; missing words are 0.
    pub fn set_words(&mut self, port: impl PortRef, words: &[u32]) {
        let (index, info) = self.input(&port);
        let have = 32 * words.len() as u32;
        let fits = (info.width..have).all(|bit| words[(bit / 32) as usize] >> (bit % 32) & 1 == 0);
        assert!(fits, "{words:x?} does not fit the {} bits of {}.{}", info.width, self.top.name, info.name);
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        if info.width <= 64 {
            self.instance.write(index, u64::from(word(1)) << 32 | u64::from(word(0)));
        } else {
            for (at, to) in self.instance.words_mut(index).iter_mut().enumerate() {
                *to = word(at);
            }
        }
        self.settled = false;
    }

    /// Drives an input of up to 128 bits.
    pub fn set_u128(&mut self, port: impl PortRef, value: u128) {
        self.set_words(port, &[0, 1, 2, 3].map(|word| (value >> (32 * word)) as u32));
    }

    /// Drives bits `lsb .. lsb + width` of an input, as one element of a packed array.
    pub fn set_field(&mut self, port: impl PortRef, lsb: u32, width: u32, value: u64) {
        let (index, info) = self.input(&port);
        assert!(
            lsb + width <= info.width && (width >= 64 || value >> width == 0),
            "{value:#x} does not fit bits {lsb} to {} of {}.{}",
            lsb + width - 1,
            self.top.name,
            info.name
        );
        let mut words = self.words(Port(index));
        for bit in 0..width {
            let at = lsb + bit;
            let word = &mut words[(at / 32) as usize];
            *word = *word & !(1 << (at % 32)) | ((value >> bit & 1) as u32) << (at % 32);
        }
        self.set_words(Port(index), &words);
    }

    /// Reads a port of up to 64 bits.
    #[must_use]
    pub fn get(&self, port: impl PortRef) -> u64 {
        self.instance.read(port.of(self.top).0)
    }

    /// Reads a port of up to 64 bits as a two's complement number.
    #[must_use]
    pub fn get_signed(&self, port: impl PortRef) -> i64 {
        let index = port.of(self.top).0;
        let spare = 64 - self.top.ports[index].width;
        (self.instance.read(index) << spare) as i64 >> spare
    }

    /// Reads a one-bit port.
    #[must_use]
    pub fn bit(&self, port: impl PortRef) -> bool {
        self.get(port) & 1 == 1
    }

    /// Reads a port of any width as words, least significant first.
    #[must_use]
    pub fn words(&self, port: impl PortRef) -> Vec<u32> {
        let index = port.of(self.top).0;
        let width = self.top.ports[index].width;
        if width > 64 {
            return self.instance.words(index).to_vec();
        }
        let value = self.instance.read(index);
        (0..width.div_ceil(32)).map(|word| (value >> (32 * word)) as u32).collect()
    }

    /// Reads a port of up to 128 bits.
    #[must_use]
    pub fn get_u128(&self, port: impl PortRef) -> u128 {
        let words = self.words(port);
        assert!(words.len() <= 4, "the port is wider than 128 bits; read its words");
        words.iter().rev().fold(0, |value, word| value << 32 | u128::from(*word))
    }

    /// Reads bits `lsb .. lsb + width` of a port.
    #[must_use]
    pub fn field(&self, port: impl PortRef, lsb: u32, width: u32) -> u64 {
        let words = self.words(port);
        (0..width).fold(0, |value, bit| {
            let at = lsb + bit;
            value | u64::from(words[(at / 32) as usize] >> (at % 32) & 1) << bit
        })
    }

    /// Settles combinational logic after inputs changed.
    pub fn eval(&mut self) {
        self.instance.eval();
        self.settled = true;
    }

    /// Runs one clock with the present inputs.
    pub fn step(&mut self) {
        self.run(1);
    }

    /// Runs `cycles` clocks with the present inputs.
    ///
    /// # Panics
    /// When the RTL stops: see [`try_run`](Self::try_run).
    pub fn run(&mut self, cycles: u64) {
        self.try_run(cycles).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Holds `rst_ni` low for two clocks.
    pub fn reset(&mut self) {
        self.set("rst_ni", 0);
        self.run(2);
        self.set("rst_ni", 1);
        self.eval();
    }

    /// Runs `cycles` clocks.
    ///
    /// # Errors
    /// When an assertion fails or the RTL stops itself.
    pub fn try_run(&mut self, cycles: u64) -> Result<(), SimError> {
        self.clock(cycles, None).map(drop)
    }

    /// Runs until bit 0 of `port` (8 bits or less) is set after a clock, at most `limit` clocks.
    /// Returns whether it is.
    ///
    /// # Errors
    /// As [`try_run`](Self::try_run).
    pub fn run_until(&mut self, port: impl PortRef, limit: u64) -> Result<bool, SimError> {
        let port = port.of(self.top);
        self.clock(limit, Some(port.0))?;
        Ok(self.bit(port))
    }

    /// Writes a waveform of everything from here on into an FST file.
    ///
    /// # Errors
    /// When the top was built without waveforms or the file cannot be written.
    pub fn trace(&mut self, path: &Path) -> Result<(), SimError> {
        let problem = || SimError::NoWaves { top: self.top.name, path: path.display().to_string() };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|_| problem())?;
        }
        let text = CString::new(path.display().to_string()).map_err(|_| problem())?;
        if self.instance.trace(&text) { Ok(()) } else { Err(problem()) }
    }

    /// How often each bit has toggled so far: `name[bit]` of all instances of a module together, behind the module's file,
    /// as in `hdl/cim/lacuna_cell_part.sv:weights_q[7]`.
    ///
    /// # Errors
    /// [`SimError::NoToggles`] unless the top's table has `toggles`.
    pub fn toggles(&self) -> Result<BTreeMap<String, u64>, SimError> {
        let path = session::scratch(self.top.name);
        let name = CString::new(path.display().to_string()).expect("a path has no zero byte");
        let text = if self.instance.coverage(&name) { std::fs::read_to_string(&path).ok() } else { None };
        let _ = std::fs::remove_file(&path);
        let mut counts = BTreeMap::new();
        for (name, count) in text.iter().flat_map(|text| text.lines()).filter_map(toggle) {
            *counts.entry(name).or_default() += count;
        }
        if counts.is_empty() {
            return Err(SimError::NoToggles { top: self.top.name, path: path.display().to_string() });
        }
        Ok(counts)
    }

    fn clock(&mut self, cycles: u64, until: Option<usize>) -> Result<(), SimError> {
        assert!(self.clocked, "{} has no clk_i; use eval", self.top.name);
        if !self.settled {
            self.eval();
        }
        self.cycle += self.instance.run(cycles, until);
        if self.instance.stopped() {
            let text = self.instance.text().trim().to_owned();
            return Err(SimError::Stopped { top: self.top.name, cycle: self.cycle, text });
        }
        Ok(())
    }

    fn input(&self, port: &impl PortRef) -> (usize, &'static PortInfo) {
        let index = port.of(self.top).0;
        let info = &self.top.ports[index];
        assert!(info.input, "{}.{} is an output; it cannot be set", self.top.name, info.name);
        (index, info)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        if let Some(path) = session::coverage_of(self.top.name) {
            let _ = self.instance.coverage(&path);
        }
    }
}

/// Reads a line of Verilator's coverage, `C '<key>' count`, if it counts toggles: a key is fields of \x01 name \x02 value.
fn toggle(line: &str) -> Option<(String, u64)> {
    let (key, count) = line.strip_prefix("C '")?.rsplit_once("' ")?;
    let field = |name: &str| key.split('\x01').find_map(|field| field.strip_prefix(name)?.strip_prefix('\x02'));
    if !field("page")?.starts_with("v_toggle") {
        return None;
    }
    // Verilator counts a bit's rises and falls in two points, told apart behind a colon.
    let bit = field("o")?.split(':').next()?;
    Some((format!("{}:{bit}", field("f")?), count.parse().ok()?))
}

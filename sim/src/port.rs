use crate::Top;

/// One port of a top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortInfo {
    /// Name in the RTL.
    pub name: &'static str,
    /// Bits.
    pub width: u32,
    /// Driven from outside.
    pub input: bool,
}

/// A port looked up once; an index into [`Top::ports`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(pub(crate) usize);

/// What names a port: its name, or a [`Port`] found by [`Model::port`](crate::Model::port).
pub trait PortRef {
    /// Finds it in `top`.
    ///
    /// # Panics
    /// When `top` has no such port.
    fn of(&self, top: &Top) -> Port;
}

impl PortRef for Port {
    fn of(&self, _: &Top) -> Port {
        *self
    }
}

impl PortRef for &str {
    fn of(&self, top: &Top) -> Port {
        top.find(self).unwrap_or_else(|| {
            let names: Vec<&str> = top.ports.iter().map(|port| port.name).collect();
            panic!("{} has no port {self}; it has {}", top.name, names.join(", "))
        })
    }
}
